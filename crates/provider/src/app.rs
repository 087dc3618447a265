//! Apps: the products that clients belong to. A client inherits its app's limit and origins.

use ayb_protocol::ids::{AppId, UserId};
use ayb_protocol::time::{Seconds, Timestamp};

/// An app as stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AppRecord {
    /// Its identifier.
    pub id: AppId,
    /// Shown on the consent page.
    pub name: String,
    /// Shown on the consent page.
    pub description: String,
    /// Who looks after it.
    pub owner_user_id: Option<UserId>,
    /// What its credentials may do together.
    pub rate_limit: RateLimit,
    /// Browser origins that may read answers to its credentials; empty means the server's setting. Where a client names
    /// origins too, an origin must be among both.
    pub allowed_origins: Vec<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A number of requests in a window of time, shared by all credentials of an app.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateLimit {
    /// Requests in one window; zero means no limit.
    pub requests: u32,
    /// The window.
    pub window: Seconds,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self { requests: 0, window: Seconds(60) }
    }
}
