//! The words of a declaration in SQL.

/// Whether a declaration says `word`, which is in lower case: outside of comments, texts and names in quotes.
pub(super) fn says(declaration: &str, word: &str) -> bool {
    let mut rest = declaration;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '-' if rest.starts_with("--") => behind(&rest[2..], "\n"),
            '/' if rest.starts_with("/*") => behind(&rest[2..], "*/"),
            // A doubled quote ends a text and begins another one, in which there is no word either.
            '\'' => behind(&rest[1..], "'"),
            '"' => behind(&rest[1..], "\""),
            '`' => behind(&rest[1..], "`"),
            '[' => behind(&rest[1..], "]"),
            _ if is_part(first) => {
                let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                if rest[..end].eq_ignore_ascii_case(word) {
                    return true;
                }
                &rest[end..]
            }
            _ => &rest[first.len_utf8()..],
        };
    }
    false
}

/// Whether a text may name a table, both in lower case: in quotes of whatever kind or without. It may seem to where it
/// does not.
pub(super) fn names(text: &str, table: &str) -> bool {
    // Inside of quotes a quote is written twice.
    if table.contains(['"', '\'', '`', ']']) {
        return true;
    }
    text.match_indices(table).any(|(start, found)| {
        let (before, behind) = (&text[..start], &text[start + found.len()..]);
        !before.ends_with(is_part) && !behind.starts_with(is_part)
    })
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii()
}

fn behind<'t>(text: &'t str, end: &str) -> &'t str {
    text.split_once(end).map_or("", |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::{names, says};

    #[test]
    fn a_word_counts_where_it_is_one() {
        for declaration in [
            "create table t (id integer primary key AutoIncrement)",
            "create table \"a\"\"b\" (id integer primary key/**/autoincrement)",
            "create table t (a text default 'it''s', id integer primary key -- '\n autoincrement)",
            "create table [a'b] (é text, id integer primary key\tAUTOINCREMENT\n)",
        ] {
            assert!(says(declaration, "autoincrement"), "{declaration}");
        }
        for declaration in [
            "create table autoincrements (id integer, my_autoincrement text)",
            "create table t (a text default 'x autoincrement', \"autoincrement\" int, [autoincrement] int)",
            "create table t (id integer primary key) -- autoincrement",
            "create table t (id integer /* autoincrement",
            "create table t (id integer default 'a'' autoincrement')",
            "",
        ] {
            assert!(!says(declaration, "autoincrement"), "{declaration}");
        }
    }
    #[test]
    fn a_table_is_named_with_quotes_or_without() {
        let named =
            ["insert into log values (1)", "delete from \"log\"", "update main.[log]set a = 1", "log"];
        for text in named {
            assert!(names(text, "log"), "{text}");
        }
        assert!(names("delete from \"my log\"", "my log") && names("delete from x", "a\"b"));
        for text in ["insert into logs values (1)", "delete from my_log", "delete from éog"] {
            assert!(!names(text, "log"), "{text}");
        }
    }
}
