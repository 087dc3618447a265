//! Limits that several servers keep together on one PostgreSQL: how far the line of time of each key is used
//! ([`ayb_provider::limit`]). On SQLite there is one server, which counts in memory, and the table stays empty.
//!
//! The statements are PostgreSQL's own: the line has microseconds, and only the database can add to what others wrote
//! a moment ago. The table is not written ahead to the log, so a stretch costs no flush; what a crash of the database
//! forgets is at most the windows under way.

use ayb_protocol::hex;
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::limit::{Ask, Stretch};

use crate::Store;
use crate::db::{Engine, Row, Value};
use crate::error::StoreError;

/// A keyed hash that stands for who is counted and by which limit.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct LimitKey(pub [u8; 16]);

/// A moment, from microseconds since the Unix epoch.
macro_rules! moment {
    ($parameter:literal) => {
        concat!("(timestamptz 'epoch' + ", length!($parameter), ")")
    };
}

/// A length of time, from microseconds.
macro_rules! length {
    ($micros:expr) => {
        concat!("cast(", $micros, " as bigint) * interval '1 microsecond'")
    };
}

/// The microseconds of a length of time, or of a moment since the Unix epoch.
macro_rules! micros {
    ($($time:expr),+) => {
        concat!("cast(extract(epoch from ", $($time),+, ") * 1000000 as bigint)")
    };
}

/// Whether nobody else has used anything after the place where the node would go on.
macro_rules! free {
    () => {
        concat!(
            "(t.blocked_until <= excluded.window_start or t.blocked_until = ",
            moment!("$8"),
            " or t.blocked_until > ",
            moment!("$9"),
            ")"
        )
    };
}

/// What is left before the window's end, in whole intervals.
macro_rules! room {
    () => {
        concat!(micros!(moment!("$6"), " - t.blocked_until"), " / cast($10 as bigint) * cast($10 as bigint)")
    };
}

/// [`Ask`] in one statement: it returns the stretch, or nothing where not one request fits.
pub(crate) const TAKE: &str = concat!(
    "insert into _ayb_throttle as t (key, count, window_start, blocked_until)
    values ($1, $2, ",
    moment!("$3"),
    ", ",
    moment!("$4"),
    ") on conflict (key) do update set count = excluded.count,
      window_start = case when ",
    free!(),
    " then excluded.window_start else t.blocked_until end,
      blocked_until = case when ",
    free!(),
    " then excluded.blocked_until
        else t.blocked_until + ",
    length!(concat!("least(cast($5 as bigint), ", room!(), ")")),
    " end where ",
    free!(),
    " or t.blocked_until <= ",
    moment!("$7"),
    " returning ",
    micros!("t.window_start"),
    ", ",
    micros!("t.blocked_until")
);

pub(crate) const USED: &str =
    concat!("select ", micros!("blocked_until"), " from _ayb_throttle where key = $1");

/// Keys whose line is used up to the past are as good as unknown.
const FORGET: &str = "delete from _ayb_throttle where key in
    (select key from _ayb_throttle where window_start < $1 and (blocked_until is null or blocked_until < $1) limit $2)";

/// How long a key stays after that: clocks differ a little.
pub const LIMITS_KEPT: Seconds = Seconds(60);

/// The parameters of [`TAKE`].
pub(crate) fn asked(key: LimitKey, ask: &Ask) -> Vec<Value> {
    let moments = [ask.from, ask.to, ask.length, ask.whole, ask.latest, ask.mine, ask.absurd, ask.interval];
    let mut row = vec![hex::encode(key.0).into(), i64::from(ask.requests).into()];
    row.extend(moments.map(Value::from));
    row
}

fn taken(row: &Row) -> Result<Stretch, StoreError> {
    Ok(Stretch::Taken { from: row.int(0)?, until: row.int(1)? })
}

impl Store {
    /// Whether other servers can be at work on the same database, so that limits are kept together with them.
    pub fn shares_limits(&self) -> bool {
        self.db.engine() == Engine::Postgres
    }

    /// Takes a stretch of the line of `key`; only where [`Store::shares_limits`]. One statement, and a second one when
    /// the limit is used up.
    ///
    /// # Errors
    /// When the database cannot do it. What it did then passes with the time.
    pub async fn take_stretch(&self, key: LimitKey, ask: &Ask) -> Result<Stretch, StoreError> {
        if let Some(row) = self.db.execute_returning(TAKE, asked(key, ask)).await? {
            return taken(&row);
        }
        let used = self.db.one(USED, &[hex::encode(key.0).into()]).await?;
        // Gone in between: it was used up a moment ago.
        let until = used.map(|row| row.int(0)).transpose()?.unwrap_or(ask.whole);
        Ok(Stretch::Full { until })
    }

    /// Forgets at most `budget` keys that count nothing any more; the answer is how many.
    ///
    /// # Errors
    /// When the database cannot do it.
    pub async fn forget_limits(&self, now: Timestamp, budget: u32) -> Result<u64, StoreError> {
        self.db.execute(FORGET, vec![now.minus(LIMITS_KEPT).into(), budget.into()]).await
    }
}
