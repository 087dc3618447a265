//! Conditions on texts: their form, and the words in them.

use ayb_provider::filter::{Filter, Term, Test};

use super::error::TableError;
use super::schema::{Kind, Table};
use super::sql::{Sql, of};
use crate::db::{Engine, Value};

/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 200;
/// The most that the patterns of a filter come to, in bytes: the work at one row is that of all of them.
const MAX_PATTERNS: usize = 1000;

/// Refuses patterns that make too much work.
pub(super) fn bounded(filter: &Filter) -> Result<(), TableError> {
    let mut left = MAX_PATTERNS;
    measure(filter, &mut left)
}

fn measure(filter: &Filter, left: &mut usize) -> Result<(), TableError> {
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().try_for_each(|one| measure(one, left)),
        Filter::Not(inner) => measure(inner, left),
        Filter::Term(Term { path, test: Test::Like { pattern, .. } }) => {
            let wrong = |message| TableError::filter(path.position, message);
            if pattern.len() > MAX_PATTERN {
                return Err(wrong("a pattern has at most 200 bytes"));
            }
            *left = left
                .checked_sub(pattern.len())
                .ok_or(wrong("the patterns of a filter have at most 1000 bytes together"))?;
            Ok(())
        }
        Filter::Term(_) => Ok(()),
    }
}

/// Whether a text has a form. The two databases differ: SQLite's `like` knows no case of ASCII letters, its `glob` does.
pub(super) fn like(sql: &mut Sql, text: &str, any_case: bool, pattern: &str) -> String {
    match (sql.engine, any_case) {
        (Engine::Postgres, _) => {
            let word = if any_case { "ilike" } else { "like" };
            let place = sql.param(Value::Text(pattern.to_owned()));
            format!("({text})::text {word} {place}::text")
        }
        (Engine::Sqlite, true) => {
            let place = sql.param(Value::Text(pattern.to_owned()));
            format!("{text} like {place} escape '\\'")
        }
        (Engine::Sqlite, false) => {
            let place = sql.param(Value::Text(glob(pattern)));
            format!("{text} glob {place}")
        }
    }
}

/// The pattern of `glob` that means the same as one of `like`.
fn glob(pattern: &str) -> String {
    let mut glob = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        let plain = match c {
            '%' => {
                glob.push('*');
                continue;
            }
            '_' => {
                glob.push('?');
                continue;
            }
            '\\' => chars.next().unwrap_or('\\'),
            other => other,
        };
        if matches!(plain, '*' | '?' | '[') {
            glob.extend(['[', plain, ']']);
        } else {
            glob.push(plain);
        }
    }
    glob
}

/// The condition that some text of the row holds these words, in any case.
pub(super) fn search(sql: &mut Sql, (table, alias): (&Table, &str), words: &str) -> String {
    let mut escaped = String::from("%");
    for c in words.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped.push('%');
    let place = sql.param(Value::Text(escaped));
    let texts = table.columns.iter().filter(|column| matches!(column.kind, Kind::Text | Kind::Any));
    let each: Vec<_> = texts
        .map(|column| match sql.engine {
            Engine::Postgres => format!("{}::text ilike {place}::text", of(alias, column)),
            Engine::Sqlite => format!("{} like {place} escape '\\'", of(alias, column)),
        })
        .collect();
    // A table without texts holds no words; the parameter must be there all the same.
    if each.is_empty() {
        format!("({} is null)", text_of(sql.engine, &place))
    } else {
        format!("({})", each.join(" or "))
    }
}

fn text_of(engine: Engine, place: &str) -> String {
    match engine {
        Engine::Postgres => format!("{place}::text"),
        Engine::Sqlite => place.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn a_pattern_means_the_same_as_a_glob() {
        for (like, expected) in [
            ("a%b_c", "a*b?c"),
            (r"100\%", "100%"),
            (r"\_", "_"),
            ("*?[x]", "[*][?][[]x]"),
            (r"\\%", r"\*"),
            (r"\*", "[*]"),
        ] {
            assert_eq!(glob(like), expected, "{like}");
        }
    }
}
