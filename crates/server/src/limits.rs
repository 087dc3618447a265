//! The limits of this server, each counted by itself, so that none starves the others.

use ayb_protocol::time::Timestamp;

use crate::config::Config;
use crate::entropy::Entropy;
use crate::http::client_ip::ClientIp;
use crate::throttle::{Limit, Throttle, Verdict};

/// Callers that each limit remembers.
const KEYS: usize = 65_536;

/// The limits. One that is configured as zero does not exist.
pub struct Limits {
    sign_in: Option<Throttle>,
    client_failure: Option<Throttle>,
    client: Option<Throttle>,
    admin_sign_in: Option<Throttle>,
}

impl Limits {
    /// The configured limits.
    pub fn new(config: &Config, entropy: &Entropy) -> Self {
        let per_minute =
            |requests: u32| (requests > 0).then(|| Throttle::new(Limit::per_minute(requests), KEYS, entropy));
        Self {
            sign_in: per_minute(config.auth.rate_limit),
            client_failure: per_minute(config.auth.provider.token_failure_limit),
            client: per_minute(config.auth.provider.client_rate_limit),
            admin_sign_in: per_minute(config.admin.login_rate_limit),
        }
    }

    /// An attempt to sign in, register or recover, from an address.
    pub fn sign_in(&self, caller: ClientIp, now: Timestamp) -> Option<Verdict> {
        self.sign_in.as_ref().map(|throttle| throttle.check_address(caller.0, now))
    }

    /// A failed client authentication, from an address.
    pub fn client_failure(&self, caller: ClientIp, now: Timestamp) -> Option<Verdict> {
        self.client_failure.as_ref().map(|throttle| throttle.check_address(caller.0, now))
    }

    /// A request of a client that proved who it is.
    pub fn client(&self, client_id: &str, now: Timestamp) -> Option<Verdict> {
        self.client.as_ref().map(|throttle| throttle.check(client_id, now))
    }

    /// An attempt to sign in as the administrator, from an address.
    pub fn admin_sign_in(&self, caller: ClientIp, now: Timestamp) -> Option<Verdict> {
        self.admin_sign_in.as_ref().map(|throttle| throttle.check_address(caller.0, now))
    }
}
