//! The tokens of a grant are a chain: a refresh token says which access token was issued beside it and which refresh
//! token replaced it. Only the head, to which no other row leads, is in the index over grants.
//!
//! With every token in that index a rotation takes a third longer on SQLite, and more as the table grows: each changes a
//! leaf somewhere in the file (decision 0035).

use crate::db::Engine;

/// A statement in the words of each database. PostgreSQL reads a table that it believes to be small from end to end, and
/// keeps that plan while the table grows, unless it is given no other way than to look identifiers up.
pub(crate) struct PerEngine {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

impl PerEngine {
    /// The text for one database.
    pub(crate) const fn on(&self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }
}

/// The links that a statement follows from a head at most: a rotation every two minutes for a month. Whoever stole a refresh
/// token could make a chain as long as they like, and its grant must be revoked in time all the same. Tokens beyond stay
/// without a mark, and their grant decides that they are dead.
macro_rules! most_links {
    () => {
        "20000"
    };
}
pub(crate) use most_links;

/// The start of a statement that needs the chains of the grants as said. Where a grant has no refresh token, its head is
/// an access token.
macro_rules! chain {
    ($grants:literal, $next:literal) => {
        concat!(
            "with recursive chain (id, grant_id, expires_at, revoked_at, access_id, successor_id, depth) as (
               select id, grant_id, expires_at, revoked_at, access_id, successor_id, 0 from _ayb_oauth_tokens
               where is_head and grant_id ",
            $grants,
            " union all
               select t.id, t.grant_id, t.expires_at, t.revoked_at, t.access_id, t.successor_id, chain.depth + 1
               from chain ",
            $next,
            " where chain.depth < ",
            most_links!(),
            ") "
        )
    };
}

/// A statement that goes on after the chains of the grants as said: with the same text, or one for each database.
macro_rules! along_chain {
    ($grants:literal, $rest:expr) => {
        along_chain!($grants, $rest, $rest)
    };
    ($grants:literal, $sqlite:expr, $postgres:expr) => {
        crate::chain::PerEngine {
            sqlite: concat!(
                crate::chain::chain!($grants, "join _ayb_oauth_tokens t on t.id = chain.successor_id"),
                $sqlite
            ),
            postgres: concat!(
                crate::chain::chain!(
                    $grants,
                    "cross join lateral
                     (select * from _ayb_oauth_tokens t where t.id = chain.successor_id offset 0) t"
                ),
                $postgres
            ),
        }
    };
}
pub(crate) use {along_chain, chain};

macro_rules! revoke {
    ($now:literal, $grants:literal) => {
        along_chain!(
            $grants,
            concat!(
                "update _ayb_oauth_tokens set revoked_at = ",
                $now,
                " where revoked_at is null and id in (select id from chain union all select access_id from chain)"
            ),
            concat!(
                "update _ayb_oauth_tokens set revoked_at = ",
                $now,
                " where revoked_at is null
                  and id = any(array(select id from chain union all select access_id from chain))"
            )
        )
    };
}

/// Revokes the tokens of a grant that was revoked at this moment.
pub(crate) const REVOKE: PerEngine =
    revoke!("$2", "in (select id from _ayb_oauth_grants where id = $1 and revoked_at = $2)");

/// The same of a person's grants.
pub(crate) const REVOKE_OF_USER: PerEngine =
    revoke!("$2", "in (select id from _ayb_oauth_grants where user_id = $1 and revoked_at = $2)");

/// The same of what a person has granted to one client.
pub(crate) const REVOKE_OF_PAIR: PerEngine = revoke!(
    "$3",
    "in (select id from _ayb_oauth_grants where user_id = $1 and client_id = $2 and revoked_at = $3)"
);

/// The same of one browser session.
pub(crate) const REVOKE_OF_LOGIN: PerEngine = revoke!(
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

/// The tokens to which those that leave lead.
macro_rules! heirs {
    () => {
        concat!(
            "select successor_id from _ayb_oauth_tokens where ",
            leaving!(),
            " union all select access_id from _ayb_oauth_tokens where ",
            leaving!()
        )
    };
}

/// Rows that are no heads yet and do not leave in the same stretch.
macro_rules! hand_on {
    () => {
        concat!(
            "update _ayb_oauth_tokens set is_head = true where not is_head and (",
            leaving!(),
            ") is not true and id "
        )
    };
}

/// Makes heads of what those that leave lead to, so that it is still found by its grant. Doing so twice, or without
/// deleting anything afterwards, does no harm.
pub(crate) const HAND_ON: PerEngine = PerEngine {
    sqlite: concat!(hand_on!(), "in (", heirs!(), ")"),
    postgres: concat!(hand_on!(), "= any(array(", heirs!(), "))"),
};

/// Deletes the tokens of a stretch that leave, after [`HAND_ON`].
pub(crate) const PURGE: &str = concat!("delete from _ayb_oauth_tokens where ", leaving!());
