//! Rows of the token table in large numbers, as the server would have written them: put there by SQL, with secrets that
//! the server accepts, because the key that says where a secret's row is lies in the database.

mod postgres;
mod secret;
mod sqlite;

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use aws_lc_rs::{hmac, rand};

use self::postgres::Postgres;
use self::secret::{hash_of_grant, row_id, secret, sha256, unhex};
use self::sqlite::Sqlite;
use crate::subject::Subject;

/// Rows that go into one transaction.
const BLOCK: u64 = 20_000;
/// Secrets that are kept of each kind.
const SAMPLE: usize = 20_000;
const DAY: i64 = 86_400_000;

/// What a row is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// An access token of a machine.
    Machine,
    /// An access token of a person.
    Access,
    /// The refresh token beside it.
    Refresh,
}

/// What differs from row to row; the rest is copied from a row that the server wrote.
pub struct Row {
    /// What it is.
    pub kind: Kind,
    /// Its identifier.
    pub id: [u8; 16],
    /// The hash of the token.
    pub hash: [u8; 32],
    /// Its grant.
    pub grant: [u8; 16],
    /// The access token beside a refresh token.
    pub access: [u8; 16],
    /// Unix milliseconds.
    pub created: i64,
    /// Unix milliseconds.
    pub expires: i64,
}

/// A database that is filled.
pub trait Storage {
    /// The key with which the server hides row keys in secrets, as hex.
    fn mask_key(&mut self) -> Result<String>;

    /// Writes rows in one transaction, and the grants that persons' tokens belong to.
    fn write(&mut self, rows: &[Row]) -> Result<()>;

    /// Removes all tokens, and all grants.
    fn clear(&mut self) -> Result<()>;

    /// Rows of the token table.
    fn count(&mut self) -> Result<u64>;

    /// Rows of the token table that have expired.
    fn dead(&mut self) -> Result<u64>;

    /// Bytes of the token table and its indexes.
    fn size(&mut self) -> Result<u64>;

    /// Lets the database do now what it would do some time after so many rows.
    fn settle(&mut self) -> Result<()>;
}

/// What to put into the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mix {
    /// Two machines' tokens to each pair of a person's.
    Live,
    /// Machines' tokens that died long enough ago to be purged.
    Dead,
}

/// Tokens drawn evenly from all that were put in.
#[derive(Default)]
pub struct Sample {
    /// Access tokens of persons.
    pub access: Vec<String>,
    /// Refresh tokens.
    pub refresh: Vec<String>,
}

/// Fills the database of one server.
pub struct Filler {
    storage: Box<dyn Storage>,
    mask: hmac::Key,
    last: u64,
    offered: u64,
    sample: Sample,
}

impl Filler {
    /// Opens the server's database beside it. The server must have issued a token of each kind.
    pub fn open(subject: &Subject) -> Result<Self> {
        let mut storage: Box<dyn Storage> = match &subject.database {
            Some(url) => Box::new(Postgres::open(url)?),
            None => Box::new(Sqlite::open(&subject.sqlite_file())?),
        };
        let mask = unhex(&storage.mask_key()?).context("the key that hides row keys is not hex")?;
        ensure!(mask.len() == 32, "the key that hides row keys has {} bytes", mask.len());
        let mask = hmac::Key::new(hmac::HMAC_SHA256, &mask);
        Ok(Self { storage, mask, last: 0, offered: 0, sample: Sample::default() })
    }

    /// The database.
    pub fn storage(&mut self) -> &mut dyn Storage {
        &mut *self.storage
    }

    /// Adds `count` rows, or a few less.
    pub fn add(&mut self, count: u64, mix: Mix) -> Result<()> {
        let mut left = count;
        while left >= 4 {
            let size = left.min(BLOCK) / 4;
            let mut rows = Vec::with_capacity(size as usize * 4);
            for _ in 0..size {
                self.four(mix, &mut rows)?;
            }
            self.storage.write(&rows)?;
            left -= rows.len() as u64;
        }
        self.storage.settle()
    }

    /// The sample of what was added since it was last taken, in random order.
    pub fn take_sample(&mut self) -> Result<Sample> {
        self.offered = 0;
        let mut sample = std::mem::take(&mut self.sample);
        for list in [&mut sample.access, &mut sample.refresh] {
            for place in (1..list.len()).rev() {
                list.swap(place, below(place as u64 + 1)? as usize);
            }
        }
        Ok(sample)
    }

    fn four(&mut self, mix: Mix, rows: &mut Vec<Row>) -> Result<()> {
        if mix == Mix::Dead {
            return (0..4).try_for_each(|_| {
                rows.push(self.row(Kind::Machine, mix, None)?.1);
                Ok(())
            });
        }
        for _ in 0..2 {
            rows.push(self.row(Kind::Machine, mix, None)?.1);
        }
        let (access, first) = self.row(Kind::Access, mix, None)?;
        let (refresh, second) = self.row(Kind::Refresh, mix, Some(&first))?;
        rows.extend([first, second]);
        self.offer(access, refresh)
    }

    /// Keeps each pair with the same probability (reservoir sampling).
    fn offer(&mut self, access: String, refresh: String) -> Result<()> {
        self.offered += 1;
        if self.sample.access.len() < SAMPLE {
            self.sample.access.push(access);
            self.sample.refresh.push(refresh);
            return Ok(());
        }
        let place = below(self.offered)? as usize;
        if place < SAMPLE {
            self.sample.access[place] = access;
            self.sample.refresh[place] = refresh;
        }
        Ok(())
    }

    /// A token and its row, which belongs to the grant of `beside` or to one of its own.
    fn row(&mut self, kind: Kind, mix: Mix, beside: Option<&Row>) -> Result<(String, Row)> {
        let created = now() - if mix == Mix::Dead { 3 * DAY } else { 0 };
        // As the server draws row keys: 48 bits of milliseconds, then a counter.
        self.last = ((created as u64) << 16).max(self.last + 16);
        let (prefix, length) = if kind == Kind::Refresh { ("ayb_rt_", 48) } else { ("ayb_at_", 32) };
        let text = secret(prefix, length, self.last, &self.mask)?;
        let hash = sha256(text.as_bytes());
        let grant = beside.map_or_else(|| row_id(self.last, &hash_of_grant(&hash)), |row| row.grant);
        let expires = created + if kind == Kind::Refresh { 30 * DAY } else { DAY };
        let access = beside.map_or([0; 16], |row| row.id);
        Ok((text, Row { kind, id: row_id(self.last, &hash), hash, grant, access, created, expires }))
    }
}

/// A random number below `limit`.
fn below(limit: u64) -> Result<u64> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes)?;
    Ok(u64::from_be_bytes(bytes) % limit)
}

fn now() -> i64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
