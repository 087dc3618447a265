//! Every table and query of ayb, on SQLite and on PostgreSQL.
//!
//! One file for each aggregate. A function either reads or writes one thing, or changes it by a rule: it loads and
//! locks, the rule of `ayb-provider` decides on values, the function applies the decision and commits.
//!
//! Locks are always taken in this order, so that nobody waits in a circle: user, consent, link, session, code, grant,
//! token, API key. Rotation and revocation meet at the grant's row. Redemption and revocation meet at the code's row, so
//! whatever revokes grants kills the unused codes first.

mod api_keys;
mod apps;
mod audit;
mod chain;
mod clients;
mod codes;
mod columns;
mod consents;
pub mod db;
pub mod error;
mod grants;
mod health;
mod keys;
mod links;
mod page;
#[cfg(test)]
mod plans;
mod purge;
mod refresh;
mod sessions;
mod settings;
pub mod tables;
mod throttle;
mod tokens;
mod users;

use std::sync::Arc;

use ayb_protocol::ids::ClientId;
use ayb_provider::client::ClientRecord;
use db::Db;
use quick_cache::sync::Cache;

pub use api_keys::KeyInsertion;
pub use apps::DeletedApp;
pub use audit::{AuditEntry, AuditFilter};
pub use clients::{ClientStats, ClientUpdate, SecretReplacement};
pub use consents::{Approval, ListedConsent};
pub use grants::RevocationReason;
pub use links::{FoundLink, LinkKind, LinkRecord, LinkUse};
pub use page::Page;
pub use purge::{Purged, Sweep};
pub use sessions::{AdminSessionRecord, LiveSession, SessionKind};
pub use throttle::{LIMITS_KEPT, LimitKey};
pub use users::{NewPassword, UserInsertion};

/// All tables of one database.
#[derive(Clone)]
pub struct Store {
    db: Db,
    /// Clients that asked for tokens lately, as they were read.
    remembered: Arc<Cache<ClientId, Arc<ClientRecord>>>,
}

/// Clients that are remembered at most; those that ask most stay.
const REMEMBERED: usize = 1024;

impl Store {
    /// The tables of `db`, which has all migrations.
    pub fn new(db: Db) -> Self {
        Self { db, remembered: Arc::new(Cache::new(REMEMBERED)) }
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.db
    }
}
