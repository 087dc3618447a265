//! What the configuration says about the tables of others, and who asks for their rows.

use std::collections::BTreeMap;

use ayb_provider::access::Access;

use crate::db::Behalf;

/// What the configuration says.
#[derive(Clone, Debug, Default)]
pub struct TableOptions {
    /// PostgreSQL: the schema whose tables are shown.
    pub schema: String,
    /// PostgreSQL: the role that statements run as; the connection's own without it.
    pub role: Option<String>,
    /// The column of a table that holds the id of the user whose row it is.
    pub owners: BTreeMap<String, String>,
    /// The views and foreign tables that are shown. One that an owner column is named for is shown too.
    pub views: Vec<String>,
}

/// Who asks for rows.
#[derive(Clone, Debug)]
pub struct Asker<'a> {
    /// The person, as owner columns and policies see them; none for a client of its own.
    pub user_id: Option<String>,
    /// The person's address; empty when there is none.
    pub user_email: String,
    /// The client; empty when there is none.
    pub client_id: String,
    /// The scope.
    pub scope: String,
    /// What may be done with which tables, in whatever way they are reached.
    pub access: Access<'a>,
}

impl Asker<'static> {
    /// Somebody who may do everything and is nobody: the operator.
    pub fn operator() -> Self {
        let (user_email, client_id, scope) = (String::new(), String::new(), String::new());
        Self { user_id: None, user_email, client_id, scope, access: Access::everything() }
    }
}

impl Asker<'_> {
    /// What PostgreSQL is told.
    pub(super) fn behalf(&self, options: &TableOptions) -> Behalf {
        Behalf {
            role: options.role.clone(),
            user_id: self.user_id.clone().unwrap_or_default(),
            user_email: self.user_email.clone(),
            client_id: self.client_id.clone(),
            scope: self.scope.clone(),
        }
    }
}
