//! Rows that nobody needs any more leave in bounded batches.
//!
//! No table has an index over the time at which its rows expire, because it would cost every insert: they are walked
//! along their primary key, a stretch at a time, and rows younger than the shortest life are never looked at, because
//! identifiers grow with time.

use ayb_protocol::time::{Seconds, Timestamp};
use uuid::Uuid;

use crate::Store;
use crate::chain;
use crate::db::{Tx, Value};
use crate::error::StoreError;

/// How long a dead row stays, for the trail and for a second use to be noticed.
const KEPT: Seconds = Seconds(24 * 3600);

/// How long a dead code stays. Who deletes an account looks through all of them.
const CODES_KEPT: Seconds = Seconds(3600);

/// How far the walks have come. Start with the default and hand the same value to every call.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Sweep {
    /// Codes leave soon, so their walk goes round by itself.
    codes: Uuid,
    tokens: Uuid,
    grants: Uuid,
    sessions: Uuid,
    links: Uuid,
    api_keys: Uuid,
    /// Which of the other five walks have come to their end in this round. The next round begins when all have.
    finished: [bool; 5],
}

/// What one call deleted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Purged {
    /// Authorization codes.
    pub codes: u64,
    /// Access and refresh tokens.
    pub tokens: u64,
    /// Grants that have no token left.
    pub grants: u64,
    /// Sessions.
    pub sessions: u64,
    /// Links sent by mail.
    pub links: u64,
    /// API keys.
    pub api_keys: u64,
    /// There is more to look at: call again soon.
    pub backlog: bool,
}

impl Purged {
    /// All rows together.
    pub fn total(&self) -> u64 {
        self.codes + self.tokens + self.grants + self.sessions + self.links + self.api_keys
    }
}

/// A table that is walked: where a stretch ends, what is done before rows leave, what leaves of it, and how long it stays.
struct Walk {
    end: &'static str,
    before: Option<&'static str>,
    delete: &'static str,
    kept: Seconds,
}

pub(crate) const CODES_END: &str =
    "select id from _ayb_oauth_authorization_codes where id > $1 and id < $2 order by id limit 1 offset $3";

pub(crate) const CODES: &str = "delete from _ayb_oauth_authorization_codes where id > $1 and id <= $2
    and expires_at < $3";

pub(crate) const TOKENS_END: &str =
    "select id from _ayb_oauth_tokens where id > $1 and id < $2 order by id limit 1 offset $3";

pub(crate) const GRANTS_END: &str =
    "select id from _ayb_oauth_grants where id > $1 and id < $2 order by id limit 1 offset $3";

pub(crate) const GRANTS: &str = "delete from _ayb_oauth_grants where id > $1 and id <= $2 and created_at < $3
    and not exists (select 1 from _ayb_oauth_tokens t where t.is_head and t.grant_id = _ayb_oauth_grants.id)";

pub(crate) const SESSIONS_END: &str =
    "select id from _ayb_sessions where id > $1 and id < $2 order by id limit 1 offset $3";

pub(crate) const SESSIONS: &str = "delete from _ayb_sessions where id > $1 and id <= $2
    and (expires_at < $3 or revoked_at < $3)";

pub(crate) const LINKS_END: &str =
    "select id from _ayb_user_tokens where id > $1 and id < $2 order by id limit 1 offset $3";

pub(crate) const LINKS: &str = "delete from _ayb_user_tokens where id > $1 and id <= $2
    and (expires_at < $3 or used_at < $3)";

pub(crate) const API_KEYS_END: &str =
    "select id from _ayb_api_keys where id > $1 and id < $2 order by id limit 1 offset $3";

pub(crate) const API_KEYS: &str = "delete from _ayb_api_keys where id > $1 and id <= $2
    and (expires_at < $3 or revoked_at < $3)";

impl Store {
    /// Deletes what has been dead for a day, and codes after an hour. At most `budget` rows of each table are looked at,
    /// so that no other write waits for long; tokens leave before the grants that they belong to.
    pub async fn purge(&self, now: Timestamp, budget: u32, sweep: &mut Sweep) -> Result<Purged, StoreError> {
        let budget = budget.max(1);
        let codes = Walk { end: CODES_END, before: None, delete: CODES, kept: CODES_KEPT };
        let codes = self.stretch(&codes, &mut sweep.codes, now, budget).await?;
        let walks = [
            (
                Walk {
                    end: TOKENS_END,
                    before: Some(chain::HAND_ON.on(self.db.engine())),
                    delete: chain::PURGE,
                    kept: KEPT,
                },
                &mut sweep.tokens,
            ),
            (Walk { end: GRANTS_END, before: None, delete: GRANTS, kept: KEPT }, &mut sweep.grants),
            (Walk { end: SESSIONS_END, before: None, delete: SESSIONS, kept: KEPT }, &mut sweep.sessions),
            (Walk { end: LINKS_END, before: None, delete: LINKS, kept: KEPT }, &mut sweep.links),
            (Walk { end: API_KEYS_END, before: None, delete: API_KEYS, kept: KEPT }, &mut sweep.api_keys),
        ];
        let mut deleted = [0; 5];
        for (((walk, cursor), deleted), finished) in
            walks.into_iter().zip(&mut deleted).zip(&mut sweep.finished)
        {
            if !*finished {
                *deleted = self.stretch(&walk, cursor, now, budget).await?;
                *finished = cursor.is_nil();
            }
        }
        let round_goes_on = sweep.finished != [true; 5];
        if !round_goes_on {
            sweep.finished = [false; 5];
        }
        let backlog = round_goes_on || !sweep.codes.is_nil();
        let [tokens, grants, sessions, links, api_keys] = deleted;
        Ok(Purged { codes, tokens, grants, sessions, links, api_keys, backlog })
    }

    /// Walks one stretch; the cursor is nil again when the walk has come to rows that are too young.
    async fn stretch(
        &self,
        walk: &Walk,
        cursor: &mut Uuid,
        now: Timestamp,
        budget: u32,
    ) -> Result<u64, StoreError> {
        let dead = now.minus(walk.kept);
        let young = first_id(dead);
        let params: [Value; 3] = [(*cursor).into(), young.into(), (budget - 1).into()];
        let end = self.db.one(walk.end, &params).await?.map(|row| row.uuid(0)).transpose()?;
        let params = vec![(*cursor).into(), end.unwrap_or(young).into(), dead.into()];
        let deleted = match walk.before {
            None => self.db.execute(walk.delete, params).await?,
            Some(before) => {
                let ask = (before, walk.delete, params);
                self.db.transaction("purge", ask, |tx, ask| Box::pin(both(tx, ask))).await?
            }
        };
        *cursor = end.unwrap_or_default();
        Ok(deleted)
    }
}

/// Two statements with the same parameters; how many rows the second changed.
async fn both(
    tx: &mut Tx,
    (first, second, params): &(&'static str, &'static str, Vec<Value>),
) -> Result<u64, StoreError> {
    tx.execute(first, params).await?;
    tx.execute(second, params).await
}

/// The smallest identifier that is made at `time` (RFC 9562 §5.7).
fn first_id(time: Timestamp) -> Uuid {
    let millis = u128::from(time.as_millis().max(0).unsigned_abs());
    Uuid::from_u128((millis << 80) & !(u128::MAX >> 48))
}
