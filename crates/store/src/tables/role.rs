//! PostgreSQL: the role that statements over the tables of others run as. Policies of row-level security hold for it,
//! and it sees no table of ayb.

use super::run::Tables;
use super::schema::is_hidden;
use crate::db::{Engine, Value, quoted};
use crate::error::StoreError;

/// Why statements cannot run as the role, or should not.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RoleProblem {
    /// There is no such role, and it could not be made.
    #[error("there is no role {role}, and this connection may not make it: {cause}")]
    Missing {
        /// The role.
        role: String,
        /// What the database said.
        cause: String,
    },
    /// The role is above row-level security: policies would not hold.
    #[error("the role {0} is a superuser or has BYPASSRLS, so policies do not hold for it")]
    Unbounded(String),
    /// The role owns tables, or has the rights of a role that does: their policies do not hold for it.
    #[error(
        "the role {0} owns tables of the schema or is a member of a role that does, and policies do not hold for owners"
    )]
    Owner(String),
    /// The connection may not become the role.
    #[error("this connection may not become the role {0}: grant it to the user of database.url")]
    NotMember(String),
    /// The role sees tables of ayb.
    #[error("the role {0} has rights on tables of ayb: revoke them")]
    SeesOurs(String),
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const FACTS: &str = "select r.rolsuper or r.rolbypassrls,
    exists (select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname::text = $2::text and c.relkind in ('r', 'p') and pg_has_role(r.oid, c.relowner, 'usage')),
    pg_has_role(current_user, r.oid, 'member'),
    exists (select 1 from pg_class c where c.relname like '\\_ayb\\_%' and c.relkind in ('r', 'p')
        and (has_table_privilege(r.oid, c.oid, 'delete')
            or has_any_column_privilege(r.oid, c.oid, 'select, insert, update, references')))
    from pg_roles r where r.rolname::text = $1::text";

impl Tables {
    /// Makes the role when it is absent, gives it the tables that there are, and sees to it that it is what it must be.
    /// A role that exists is looked at and never changed.
    ///
    /// # Errors
    /// [`RoleProblem`]; nothing to do is no error.
    pub async fn prepare_role(&self) -> Result<(), RoleProblem> {
        let Some(role) = self.role() else { return Ok(()) };
        if self.role_facts(&role).await?.is_none() {
            self.make_role(&role).await?;
        }
        self.check_role().await
    }

    /// Says what is wrong with the role.
    ///
    /// # Errors
    /// [`RoleProblem`].
    pub async fn check_role(&self) -> Result<(), RoleProblem> {
        let Some(role) = self.role() else { return Ok(()) };
        let cause = || "it was not made yet".to_owned();
        let facts = self.role_facts(&role).await?;
        let [unbounded, owner, member, ours] =
            facts.ok_or_else(|| RoleProblem::Missing { role: role.clone(), cause: cause() })?;
        match (unbounded, owner, member, ours) {
            (true, ..) => Err(RoleProblem::Unbounded(role)),
            (_, true, ..) => Err(RoleProblem::Owner(role)),
            (_, _, false, _) => Err(RoleProblem::NotMember(role)),
            (.., true) => Err(RoleProblem::SeesOurs(role)),
            _ => Ok(()),
        }
    }

    /// Gives the role the tables of the schema that there are at this moment, and none of ayb; of views and foreign
    /// tables, those that the configuration names, to read.
    ///
    /// # Errors
    /// When the connection may not.
    pub async fn grant_tables(&self) -> Result<Vec<String>, StoreError> {
        let Some(role) = self.role() else { return Ok(Vec::new()) };
        let mut tables = self.names("r").await?;
        tables.retain(|table| !is_hidden(table));
        let mut views = self.names("v").await?;
        views.retain(|view| self.options().views.contains(view) && !is_hidden(view));
        let schema = quoted(&self.options().schema);
        let role = quoted(&role);
        let mut script = vec![format!("grant usage on schema {schema} to {role}")];
        script.extend(tables.iter().map(|table| {
            format!("grant select, insert, update, delete on {schema}.{} to {role}", quoted(table))
        }));
        script
            .extend(views.iter().map(|view| format!("grant select on {schema}.{} to {role}", quoted(view))));
        for sequence in self.names("S").await?.iter().filter(|sequence| !is_hidden(sequence)) {
            script.push(format!("grant usage on sequence {schema}.{} to {role}", quoted(sequence)));
        }
        self.run_all(script).await?;
        tables.extend(views);
        Ok(tables)
    }

    /// The role, where there can be one.
    fn role(&self) -> Option<String> {
        self.options().role.clone().filter(|_| self.engine() == Engine::Postgres)
    }

    async fn role_facts(&self, role: &str) -> Result<Option<[bool; 4]>, StoreError> {
        let row = self.db().one(FACTS, &[role.into(), Value::from(&self.options().schema)]).await?;
        row.map(|row| Ok([row.bool(0)?, row.bool(1)?, row.bool(2)?, row.bool(3)?])).transpose()
    }

    async fn make_role(&self, role: &str) -> Result<(), RoleProblem> {
        let name = quoted(role);
        // Another process that starts at the same moment may be first.
        let made = self
            .run_all(vec![format!("create role {name} nologin"), format!("grant {name} to current_user")])
            .await;
        if let Err(error) = made
            && self.role_facts(role).await?.is_none()
        {
            return Err(RoleProblem::Missing { role: role.to_owned(), cause: error.to_string() });
        }
        self.grant_tables().await?;
        Ok(())
    }

    async fn run_all(&self, script: Vec<String>) -> Result<(), StoreError> {
        self.db().script_dynamic(script.join("; ")).await
    }

    /// What there is in the schema: tables (`r`), views and foreign tables (`v`), or sequences (`S`).
    async fn names(&self, kind: &str) -> Result<Vec<String>, StoreError> {
        const NAMES: &str =
            "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname::text = $1::text and not c.relispartition
            and case $2::text when 'S' then c.relkind = 'S' when 'v' then c.relkind in ('v', 'm', 'f')
                else c.relkind in ('r', 'p') end
            order by c.relname";
        let rows = self.db().many(NAMES, vec![Value::from(&self.options().schema), kind.into()]).await?;
        rows.iter().map(|row| row.text(0).map(str::to_owned)).collect()
    }
}
