//! A reference of a row that is written leads to a row of whoever writes it, where rows have owners. The database itself
//! asks only whether there is such a row: its answer would tell of the rows of others, and a reference to one of them
//! would keep its owner from deleting it.

use super::change::{Filled, Places};
use super::error::TableError;
use super::read::by_key;
use super::schema::{Column, Reference, Table};
use super::scope::Scope;
use super::sql::{Sql, of};
use crate::db::{Engine, Value, quoted};

/// What the caller hears, whether the row that is referred to is absent or somebody else's.
pub(super) const NO_REFERENCE: TableError =
    TableError::Conflict("the row that is referred to is absent, or other rows refer to this one");

/// What the columns that are not given are after the write.
#[derive(Clone, Copy)]
pub(super) enum Rest<'i> {
    /// Their defaults: the row is new.
    Defaults,
    /// What they were.
    Kept(&'i [String]),
    /// Key, owner and what the database makes are what they were, the others get their defaults.
    Replaced(&'i [String]),
}

/// What one column of a reference is after the write.
enum Part {
    Given(Value),
    Kept,
    /// A default, which whoever writes did not choose.
    Default,
    /// A reference with a null in it leads nowhere.
    Null,
}

impl Rest<'_> {
    fn id(&self) -> &[String] {
        match self {
            Self::Defaults => &[],
            Self::Kept(id) | Self::Replaced(id) => id,
        }
    }

    fn part(self, table: &Table, position: usize, given: &[(&Column, Value)]) -> Part {
        let Some(column) = table.columns.get(position) else { return Part::Null };
        let stays =
            column.generated || table.primary_key.contains(&position) || table.owner == Some(position);
        match (given.iter().find(|(known, _)| known.name == column.name), self) {
            (Some((_, Value::Null)), _) => Part::Null,
            (Some((_, value)), _) => Part::Given(value.clone()),
            (None, Self::Kept(_)) => Part::Kept,
            (None, Self::Replaced(_)) if stays => Part::Kept,
            (None, _) if column.has_default || column.generated => Part::Default,
            (None, _) => Part::Null,
        }
    }
}

/// Statements that find a row each when the references of a write lead to rows of the asker, for those references that
/// the write chooses and whose rows have owners.
pub(super) fn checks(
    engine: Engine,
    scope: Scope<'_>,
    table: &Table,
    given: &[(&Column, Value)],
    rest: Rest<'_>,
) -> Result<Vec<Filled>, TableError> {
    let mut checks = Vec::new();
    for reference in &table.references {
        let parts: Vec<_> = reference.columns.iter().map(|at| rest.part(table, *at, given)).collect();
        let is_chosen = parts.iter().any(|part| matches!(part, Part::Given(_)));
        if !is_chosen || parts.iter().any(|part| matches!(part, Part::Null)) {
            continue;
        }
        // A table that is not shown has rows of others, too.
        let target = scope.schema.table(&reference.table).ok_or(NO_REFERENCE)?;
        if target.owner.is_some() {
            checks.push(check(engine, scope, (table, reference, target), parts, rest)?);
        }
    }
    Ok(checks)
}

fn check(
    engine: Engine,
    scope: Scope<'_>,
    (table, reference, target): (&Table, &Reference, &Table),
    parts: Vec<Part>,
    rest: Rest<'_>,
) -> Result<Filled, TableError> {
    let mut sql = Sql::new(engine);
    let (near, far) = (sql.alias(), sql.alias());
    let (mut places, mut conditions, mut whole) = (Places::default(), Vec::new(), Vec::new());
    let columns = reference.columns.iter().filter_map(|position| table.columns.get(*position));
    for ((column, to), part) in columns.zip(&reference.to).zip(parts) {
        let is = match part {
            Part::Given(value) => {
                places.fields.push((column.clone(), sql.params()));
                sql.value(column, value)
            }
            Part::Kept => {
                whole.push(format!("{} is not null", of(&near, column)));
                of(&near, column)
            }
            Part::Default | Part::Null => continue,
        };
        conditions.push(format!("{far}.{} = {is}", quoted(to)));
    }
    conditions.extend(scope.own(&mut sql, target, &far));
    let name = scope.referred(&sql, target);
    let found = format!("select 1 from {name} as {far} where {}", conditions.join(" and "));
    if whole.is_empty() {
        sql.push(&found).push(" limit 1");
    } else {
        // Whether there is a row to be changed is said by the change itself.
        places.key = table.key().cloned().zip(sql.params()..).collect();
        whole.push(by_key(&mut sql, scope, (table, &near), rest.id())?);
        let (name, whole) = (scope.name(&sql, table), whole.join(" and "));
        sql.push(&format!(
            "select 1 where not exists (select 1 from {name} as {near} where {whole} and not exists ({found}))"
        ));
    }
    Ok((sql.finish(), places))
}
