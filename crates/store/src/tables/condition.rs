//! From a filter to a condition of SQL.

use ayb_provider::filter::{Comparison, Filter, Literal, Path, Scalar, Term, Test};

use super::error::TableError;
use super::schema::{Column, Kind, Table};
use super::scope::{MAX_STEPS, Scope};
use super::sql::{Sql, of};
use super::text::like;
use super::value;
use crate::db::{Engine, Value};

/// What a path leads to.
struct Operand<'s> {
    /// The expression.
    text: String,
    column: &'s Column,
    /// The members of a JSON document on the way, none for the column itself.
    members: Vec<String>,
}

/// The condition that a filter means for the rows of `table`, known as `alias`.
pub(super) fn filter(
    scope: Scope<'_>,
    sql: &mut Sql,
    (table, alias): (&Table, &str),
    filter: &Filter,
) -> Result<String, TableError> {
    let mut joined = |all: &[Filter], word: &str| {
        let parts: Result<Vec<_>, _> =
            all.iter().map(|one| self::filter(scope, sql, (table, alias), one)).collect();
        Ok(format!("({})", parts?.join(word)))
    };
    match filter {
        Filter::And(all) => joined(all, " and "),
        Filter::Or(all) => joined(all, " or "),
        Filter::Not(inner) => Ok(format!("(not {})", self::filter(scope, sql, (table, alias), inner)?)),
        Filter::Term(one) => term(scope, sql, (table, alias), one),
    }
}

fn term(
    scope: Scope<'_>,
    sql: &mut Sql,
    place: (&Table, &str),
    Term { path, test }: &Term,
) -> Result<String, TableError> {
    let operand = resolve(scope, sql, place, path, 0)?;
    let not = |negated: &bool| if *negated { "not " } else { "" };
    Ok(match test {
        Test::Compare(comparison, literal) => compare(sql, &operand, *comparison, literal)?,
        Test::Null { negated } => format!("({} is {}null)", bare(sql, &operand)?, not(negated)),
        Test::In { negated, values } if operand.members.is_empty() => {
            let each: Vec<_> = values.iter().map(|value| right(sql, &operand, value)).collect();
            format!("({} {}in ({}))", operand.text, not(negated), each.join(", "))
        }
        Test::In { negated, values } => {
            let each: Result<Vec<_>, _> =
                values.iter().map(|value| compare(sql, &operand, Comparison::Equal, value)).collect();
            format!("({}({}))", not(negated), each?.join(" or "))
        }
        Test::Like { negated, any_case, pattern } => {
            let text = bare(sql, &operand)?;
            format!("({}{})", not(negated), like(sql, &text, *any_case, pattern))
        }
    })
}

/// The expression that a path means: a column, a member of a document, or a column of a row that is referred to, which a
/// foreign key to a unique key makes at most one.
fn resolve<'s>(
    scope: Scope<'s>,
    sql: &mut Sql,
    (table, alias): (&Table, &str),
    path: &Path,
    step: usize,
) -> Result<Operand<'s>, TableError> {
    let unknown = || TableError::filter(path.position, "there is no such column");
    let name = path.parts.get(step).ok_or_else(unknown)?;
    // The table lives as long as the schema, which the scope holds.
    let table = scope.schema.table(&table.name).ok_or(TableError::UnknownTable)?;
    let column = table.column(name).ok_or_else(unknown)?;
    let rest = &path.parts[step + 1..];
    if rest.is_empty() || column.kind == Kind::Json {
        return Ok(Operand { text: of(alias, column), column, members: rest.to_vec() });
    }
    let reference = table
        .reference(name)
        .ok_or_else(|| TableError::filter(path.position, "this column is no document and no reference"))?;
    if step == MAX_STEPS {
        return Err(TableError::filter(path.position, "a path follows at most 3 references"));
    }
    let target = scope.target(reference)?;
    let far = sql.alias();
    let operand = resolve(scope, sql, (target, &far), path, step + 1)?;
    let condition = scope.joined(sql, (reference, table, alias), (target, &far));
    let text =
        format!("(select {} from {} as {far} where {condition})", operand.text, scope.referred(sql, target));
    Ok(Operand { text, ..operand })
}

/// The operand as one value: of a document it is text on PostgreSQL and whatever it is on SQLite.
fn bare(sql: &mut Sql, operand: &Operand<'_>) -> Result<String, TableError> {
    if operand.members.is_empty() {
        return Ok(operand.text.clone());
    }
    Ok(match sql.engine {
        Engine::Postgres => {
            let path = sql.param(Value::List(operand.members.clone()));
            format!("({} #>> {path}::text[])", operand.text)
        }
        Engine::Sqlite => {
            let path = sql.param(Value::Text(sqlite_path(&operand.members)?));
            format!("(case when json_valid({0}) then json_extract({0}, {path}) end)", operand.text)
        }
    })
}

/// A path of SQLite (JSON Functions §3.2): there is no way to write a quote into it.
fn sqlite_path(members: &[String]) -> Result<String, TableError> {
    let mut path = String::from("$");
    for member in members {
        if member.contains(['"', '\\']) {
            return Err(TableError::query("filter", "a member of a document has a name without quotes"));
        }
        let is_index =
            member.len() < 10 && !member.is_empty() && member.bytes().all(|byte| byte.is_ascii_digit());
        path.push_str(&if is_index { format!("[{member}]") } else { format!(".\"{member}\"") });
    }
    Ok(path)
}

fn compare(
    sql: &mut Sql,
    operand: &Operand<'_>,
    comparison: Comparison,
    literal: &Literal,
) -> Result<String, TableError> {
    let sign = comparison.sign();
    if !operand.members.is_empty() {
        return compare_member(sql, operand, sign, literal);
    }
    Ok(format!("({} {sign} {})", operand.text, right(sql, operand, literal)))
}

/// The place of a literal that a column is compared with.
fn right(sql: &mut Sql, operand: &Operand<'_>, literal: &Literal) -> String {
    if sql.engine == Engine::Sqlite {
        return sql.param(sqlite_value(operand, literal));
    }
    let (text, cast) = match &literal.value {
        // A column of whole numbers keeps its index for whole numbers, and compares to others as a number.
        Scalar::Number(digits)
            if operand.column.kind == Kind::Integer && digits.contains(['.', 'e', 'E']) =>
        {
            (digits.clone(), "numeric")
        }
        value => (written(value), operand.column.cast.as_str()),
    };
    sql.value_as(cast, Value::Text(text))
}

/// What a member of a document must be so that it compares to a literal: a number to a number, a text to a text.
fn types(engine: Engine, value: &Scalar) -> &'static str {
    match (engine, value) {
        (Engine::Postgres, Scalar::Number(_)) => "'number'",
        (Engine::Postgres, Scalar::Bool(_)) => "'boolean'",
        (Engine::Postgres, _) => "'string'",
        (Engine::Sqlite, Scalar::Number(_)) => "'integer', 'real'",
        (Engine::Sqlite, Scalar::Bool(_)) => "'true', 'false'",
        (Engine::Sqlite, _) => "'text'",
    }
}

/// Compares a member of a document; one of another type is neither equal nor different.
fn compare_member(
    sql: &mut Sql,
    operand: &Operand<'_>,
    sign: &str,
    literal: &Literal,
) -> Result<String, TableError> {
    let types = types(sql.engine, &literal.value);
    let document = &operand.text;
    Ok(match sql.engine {
        Engine::Sqlite => {
            let path = sql.param(Value::Text(sqlite_path(&operand.members)?));
            let right = sql.param(sqlite_value(operand, literal));
            format!(
                "(case when json_valid({document}) and json_type({document}, {path}) in ({types}) \
                 then json_extract({document}, {path}) {sign} {right} end)"
            )
        }
        Engine::Postgres => {
            let path = sql.param(Value::List(operand.members.clone()));
            let right = sql.param(Value::Text(written(&literal.value)));
            let cast = match &literal.value {
                Scalar::Number(_) => "numeric",
                Scalar::Bool(_) => "boolean",
                _ => "text",
            };
            format!(
                "(case when jsonb_typeof({document}::jsonb #> {path}::text[]) = {types} \
                 then ({document}::jsonb #>> {path}::text[])::{cast} {sign} {right}::text::{cast} end)"
            )
        }
    })
}

fn written(value: &Scalar) -> String {
    match value {
        Scalar::Text(text) | Scalar::Number(text) => text.clone(),
        Scalar::Bool(flag) => flag.to_string(),
        Scalar::Null => "null".to_owned(),
    }
}

fn sqlite_value(operand: &Operand<'_>, literal: &Literal) -> Value {
    match &literal.value {
        Scalar::Text(text) if operand.column.kind == Kind::Bytes => {
            value::from_text(Engine::Sqlite, operand.column, text)
                .unwrap_or_else(|| Value::Text(text.clone()))
        }
        Scalar::Text(text) => Value::Text(text.clone()),
        Scalar::Number(digits) => match (digits.parse::<i64>(), digits.parse::<f64>()) {
            (Ok(number), _) => Value::Int(number),
            (_, Ok(number)) => Value::Real(number),
            _ => Value::Text(digits.clone()),
        },
        Scalar::Bool(flag) => Value::Bool(*flag),
        Scalar::Null => Value::Null,
    }
}
