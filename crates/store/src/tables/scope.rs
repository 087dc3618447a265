//! What a statement may touch: the schema, the asker, and the way from one table to the next.

use ayb_provider::access::{Operation, Permit, Read};

use super::error::TableError;
use super::options::{Asker, TableOptions};
use super::schema::{Reference, Schema, Table};
use super::sql::{Sql, of, table_name};
use super::value;
use crate::db::quoted;

/// How many references a path of a filter or an expansion may follow.
pub(super) const MAX_STEPS: usize = 3;

/// Everything that a statement is made under.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    pub(super) schema: &'s Schema,
    pub(super) asker: &'s Asker<'s>,
    pub(super) options: &'s TableOptions,
}

impl<'s> Scope<'s> {
    /// Leave to do something with a table. It comes before anything that says whether there is such a table.
    pub(super) fn permit<O: Operation>(self, name: &str) -> Result<Permit<O>, TableError> {
        self.asker.access.permit(name).map_err(TableError::Denied)
    }

    /// The table that a permit is about.
    pub(super) fn permitted<O: Operation>(self, permit: &Permit<O>) -> Result<&'s Table, TableError> {
        self.schema.table(permit.table()).map(|table| &**table).ok_or(TableError::UnknownTable)
    }

    /// A table that is read.
    pub(super) fn table(self, name: &str) -> Result<&'s Table, TableError> {
        self.permitted(&self.permit::<Read>(name)?)
    }

    /// The table that a foreign key leads to.
    pub(super) fn target(self, reference: &Reference) -> Result<&'s Table, TableError> {
        self.table(&reference.table)
    }

    /// The name of a table in a statement.
    pub(super) fn name(self, sql: &Sql, table: &Table) -> String {
        table_name(sql.engine, &self.options.schema, table)
    }

    /// The name of a table that a foreign key leads to: to its own rows, and never to those of tables that inherit from it.
    pub(super) fn referred(self, sql: &Sql, table: &Table) -> String {
        let only = if table.has_heirs { "only " } else { "" };
        format!("{only}{}", self.name(sql, table))
    }

    /// The condition that a row is the asker's own; none where rows have no owner.
    pub(super) fn own(self, sql: &mut Sql, table: &Table, alias: &str) -> Option<String> {
        let owner = table.owner()?;
        let user = self.asker.user_id.as_deref();
        let value = user.and_then(|user| value::from_text(sql.engine, owner, user));
        Some(match value {
            Some(value) => {
                let place = sql.value(owner, value);
                format!("{} = {place}", of(alias, owner))
            }
            // Nobody owns no rows.
            None => "1 = 0".to_owned(),
        })
    }

    /// The condition that a row of `table` is the one that `reference` of a row of `from` means.
    pub(super) fn joined(
        self,
        sql: &mut Sql,
        (reference, from, from_alias): (&Reference, &Table, &str),
        (table, alias): (&Table, &str),
    ) -> String {
        let pairs = reference.columns.iter().zip(&reference.to).filter_map(|(column, to)| {
            let column = from.columns.get(*column)?;
            Some(format!("{alias}.{} = {}", quoted(to), of(from_alias, column)))
        });
        let mut conditions: Vec<String> = pairs.collect();
        conditions.extend(self.own(sql, table, alias));
        conditions.join(" and ")
    }
}
