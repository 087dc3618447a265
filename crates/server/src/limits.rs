//! The limits of this server, each counted by itself, so that none starves the others.

use std::num::NonZeroU32;

use ayb_protocol::ids::AppId;
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::app::RateLimit;
use ayb_store::LinkKind;
use http::HeaderMap;

use crate::app::App;
use crate::config::Config;
use crate::entropy::Entropy;
use crate::http::client_ip::ClientIp;
use crate::http::headers::RATE_LIMIT;
use crate::oauth::error::OAuthError;
use crate::throttle::{Limit, Throttle, Verdict};

/// Callers that each limit remembers.
const KEYS: usize = 65_536;

/// Links of one kind that one address is sent in an hour: nobody can fill somebody's mailbox.
const MAIL: Limit = Limit {
    requests: match NonZeroU32::new(5) {
        Some(requests) => requests,
        None => NonZeroU32::MIN,
    },
    window: Seconds(3600),
};

/// Where a caller stands against a limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Standing {
    /// The limit.
    pub limit: Limit,
    /// What it says.
    pub verdict: Verdict,
}

/// The limits. One that is configured as zero does not exist.
pub struct Limits {
    sign_in: Option<Throttle>,
    client_failure: Option<Throttle>,
    client: Option<Throttle>,
    admin_sign_in: Option<Throttle>,
    mail: Throttle,
    apps: Throttle,
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
            mail: Throttle::new(MAIL, KEYS, entropy),
            apps: Throttle::new(Limit::per_minute(0), KEYS, entropy),
        }
    }

    /// See [`Attempt::count`].
    fn sign_in(&self, caller: ClientIp, now: Timestamp) -> Option<Standing> {
        by_address(self.sign_in.as_ref(), caller, now)
    }

    /// A failed client authentication, from an address.
    pub fn client_failure(&self, caller: ClientIp, now: Timestamp) -> Option<Standing> {
        by_address(self.client_failure.as_ref(), caller, now)
    }

    /// A request of a client that proved who it is.
    pub fn client(&self, client_id: &str, now: Timestamp) -> Option<Standing> {
        let throttle = self.client.as_ref()?;
        Some(Standing { limit: throttle.limit(), verdict: throttle.check(client_id, now) })
    }

    /// A request with a credential of an app, against the limit that all its credentials share; none when the app has no
    /// limit.
    pub fn app(&self, app: AppId, limit: RateLimit, now: Timestamp) -> Option<Standing> {
        let limit = Limit { requests: NonZeroU32::new(limit.requests)?, window: limit.window };
        Some(Standing { limit, verdict: self.apps.check_against(app, limit, now) })
    }

    /// An attempt to sign in as the administrator, from an address.
    pub fn admin_sign_in(&self, caller: ClientIp, now: Timestamp) -> Option<Standing> {
        by_address(self.admin_sign_in.as_ref(), caller, now)
    }

    /// Whether another link of this kind may be sent to `address`. It counts whether there is such an account or not.
    pub fn may_mail(&self, kind: LinkKind, address: &str, now: Timestamp) -> bool {
        self.mail.check((kind == LinkKind::Reset, address), now).is_allowed()
    }
}

/// An attempt to sign in, register or recover that its address has left. What costs a password hash asks for it.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    caller: ClientIp,
    standing: Option<Standing>,
}

impl Attempt {
    /// Counts an attempt.
    ///
    /// # Errors
    /// 429 when the address has used up the limit.
    pub fn count(app: &App, caller: ClientIp, now: Timestamp) -> Result<Self, OAuthError> {
        match app.limits.sign_in(caller, now) {
            Some(standing) if !standing.verdict.is_allowed() => Err(OAuthError::limited(standing)),
            standing => Ok(Self { caller, standing }),
        }
    }

    /// The address that it came from.
    pub fn caller(&self) -> ClientIp {
        self.caller
    }

    /// Says in the answer how many more there may be.
    pub fn write(&self, headers: &mut HeaderMap) {
        if let Some(standing) = &self.standing {
            RATE_LIMIT.write(headers, standing.limit, &standing.verdict);
        }
    }
}

fn by_address(throttle: Option<&Throttle>, caller: ClientIp, now: Timestamp) -> Option<Standing> {
    let throttle = throttle?;
    Some(Standing { limit: throttle.limit(), verdict: throttle.check_address(caller.0, now) })
}
