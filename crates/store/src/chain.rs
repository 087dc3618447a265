//! The tokens of a grant are a chain: a refresh token says which access token was issued beside it and which refresh
//! token replaced it. Only the head, to which no other row leads, is in the index over grants.
//!
//! An index with every token would cost a rotation a third of its time, and more as the table grows: each would change a
//! leaf somewhere in the file (decision 0035).

use crate::db::Engine;

/// A statement that looks rows up by identifiers which it finds itself. PostgreSQL reads a table that it believes to be
/// small from end to end instead, and keeps that plan while the table grows, unless they come as an array.
pub(crate) struct ByFound {
    sqlite: &'static str,
    postgres: &'static str,
}

impl ByFound {
    /// The text for one database.
    pub(crate) const fn on(&self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }
}

/// A [`ByFound`]: what is done to the rows, and the query for their identifiers.
macro_rules! by_found {
    ($done:expr, $found:expr) => {
        ByFound {
            sqlite: concat!($done, " and id in (", $found, ")"),
            postgres: concat!($done, " and id = any(array(", $found, "))"),
        }
    };
}

/// The start of a statement that needs the chains of the grants as said. Where a grant has no refresh token, its head is
/// an access token.
macro_rules! chain {
    ($grants:literal) => {
        concat!(
            "with recursive chain (id, grant_id, expires_at, revoked_at, access_id, successor_id) as (
               select id, grant_id, expires_at, revoked_at, access_id, successor_id from _ayb_oauth_tokens
               where is_head and grant_id ",
            $grants,
            " union
               select t.id, t.grant_id, t.expires_at, t.revoked_at, t.access_id, t.successor_id
               from chain join _ayb_oauth_tokens t on t.id = chain.successor_id) "
        )
    };
}
pub(crate) use chain;

macro_rules! revoke {
    ($now:literal, $grants:literal) => {
        by_found!(
            concat!(
                chain!($grants),
                "update _ayb_oauth_tokens set revoked_at = ",
                $now,
                " where revoked_at is null"
            ),
            "select id from chain union all select access_id from chain"
        )
    };
}

/// Revokes the tokens of a grant.
pub(crate) const REVOKE: ByFound = revoke!("$2", "= $1");

/// Revokes the tokens of a person's grants that were revoked at this moment.
pub(crate) const REVOKE_OF_USER: ByFound =
    revoke!("$2", "in (select id from _ayb_oauth_grants where user_id = $1 and revoked_at = $2)");

/// The same for one client.
pub(crate) const REVOKE_OF_PAIR: ByFound = revoke!(
    "$3",
    "in (select id from _ayb_oauth_grants where user_id = $1 and client_id = $2 and revoked_at = $3)"
);

/// The same for one client and browser session.
pub(crate) const REVOKE_OF_LOGIN: ByFound = revoke!(
    "$4",
    "in (select id from _ayb_oauth_grants
         where user_id = $1 and client_id = $2 and session_id = $3 and revoked_at = $4)"
);

/// The tokens of a stretch that leave. A refresh token that was rotated stays until it would have expired, so that its
/// second use is noticed however late it comes.
macro_rules! leaving {
    () => {
        "id > $1 and id <= $2 and (expires_at < $3 or (revoked_at < $3 and successor_id is null))"
    };
}

/// Hands the place of those that leave on to what only they lead to, so that it is still found by its grant. Doing so
/// twice, or without deleting anything afterwards, does no harm.
pub(crate) const HAND_ON: ByFound = by_found!(
    "update _ayb_oauth_tokens set is_head = true where not is_head",
    concat!("select coalesce(successor_id, access_id) from _ayb_oauth_tokens where ", leaving!())
);

/// Deletes the tokens of a stretch that leave, after [`HAND_ON`].
pub(crate) const PURGE: &str = concat!("delete from _ayb_oauth_tokens where ", leaving!());
