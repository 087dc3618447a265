//! Consent: what a person has allowed a client, and when they are asked again.

use ayb_protocol::ids::{ClientId, UserId};
use ayb_protocol::scope::Scope;
use ayb_protocol::tables::AllowedTables;
use ayb_protocol::time::Timestamp;

/// What a person has allowed a client. There is one for each pair.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConsentRecord {
    /// The person.
    pub user_id: UserId,
    /// The client.
    pub client_id: ClientId,
    /// What was allowed.
    pub scope: Scope,
    /// On which tables.
    pub tables: AllowedTables,
    /// When it was last given.
    pub granted_at: Timestamp,
}

impl ConsentRecord {
    /// Whether a request for `scope` on `tables` needs no new question.
    ///
    /// Identity words are compared one by one, the resource scope by rank, tables as sets. Tables count only where
    /// the request touches any.
    pub fn covers(&self, scope: &Scope, tables: &AllowedTables) -> bool {
        self.scope.covers(scope) && (scope.resource().is_none() || self.tables.covers(tables))
    }
}

/// What would be remembered if the person said yes: the earlier consent widened by the request, never narrowed.
/// The consent page shows exactly this, because scope and tables are remembered together.
pub fn widened(
    earlier: Option<&ConsentRecord>,
    scope: &Scope,
    tables: &AllowedTables,
) -> (Scope, AllowedTables) {
    let Some(earlier) = earlier else { return (*scope, tables.clone()) };
    let tables = match (earlier.scope.resource(), scope.resource()) {
        (None, _) => tables.clone(),
        (Some(_), None) => earlier.tables.clone(),
        (Some(_), Some(_)) => earlier.tables.union(tables),
    };
    (earlier.scope.union(scope), tables)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn tables(text: &str) -> AllowedTables {
        AllowedTables::parse(Some(text).filter(|t| !t.is_empty()).into_iter()).expect("valid")
    }

    fn consent(scope: &str, names: &str) -> ConsentRecord {
        ConsentRecord {
            user_id: UserId(Uuid::nil()),
            client_id: ClientId::from_bytes(&[0; 24]),
            scope: Scope::parse(scope).expect("valid"),
            tables: tables(names),
            granted_at: Timestamp::from_seconds(0),
        }
    }

    #[test]
    fn a_stored_consent_covers_what_it_contains_and_nothing_more() {
        for (stored, stored_tables, asked, asked_tables, covered) in [
            ("openid", "", "openid", "", true),
            ("openid", "", "openid email", "", false),
            ("openid email", "", "openid", "", true),
            ("readwrite", "", "readonly", "", true),
            ("readonly", "", "readwrite", "", false),
            ("*", "", "readwrite", "", true),
            ("*", "", "openid", "", false),
            ("readonly", "a", "readonly", "a", true),
            ("readonly", "a", "readonly", "a,b", false),
            ("readonly", "a", "readonly", "", false),
            ("readonly", "", "readonly", "a", true),
            ("openid readonly", "a", "openid", "", true),
        ] {
            let asked_scope = Scope::parse(asked).expect("valid");
            assert_eq!(
                consent(stored, stored_tables).covers(&asked_scope, &tables(asked_tables)),
                covered,
                "{stored} [{stored_tables}] for {asked} [{asked_tables}]"
            );
        }
    }

    #[test]
    fn approval_widens_and_never_narrows() {
        for (stored, stored_tables, asked, asked_tables, scope, names) in [
            ("openid", "", "readonly", "a", "openid readonly", "a"),
            ("readonly", "a", "openid", "", "openid readonly", "a"),
            ("readonly", "a", "readwrite", "b", "readwrite", "a,b"),
            ("readwrite", "", "readonly", "a", "readwrite", ""),
        ] {
            let asked_scope = Scope::parse(asked).expect("valid");
            let earlier = consent(stored, stored_tables);
            let (wide, wide_tables) = widened(Some(&earlier), &asked_scope, &tables(asked_tables));
            assert_eq!(
                (wide.to_string(), wide_tables),
                (scope.to_owned(), tables(names)),
                "{stored} + {asked}"
            );
        }
    }
}
