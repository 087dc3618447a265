//! Lifetimes, in one place. The defaults are the published ones.

use ayb_protocol::time::Seconds;

/// How long things live.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    /// An access token: one hour.
    pub access_token: Seconds,
    /// A refresh token, counted from its own issue: 30 days.
    pub refresh_token: Seconds,
    /// An authorization code: ten minutes.
    pub code: Seconds,
    /// An ID token: as long as an access token.
    pub id_token: Seconds,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            access_token: Seconds(3600),
            refresh_token: Seconds(30 * 24 * 3600),
            code: Seconds(600),
            id_token: Seconds(3600),
        }
    }
}
