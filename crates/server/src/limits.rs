//! The limits of this server, each counted by itself, so that none starves the others.

use std::num::NonZeroU32;

use ayb_protocol::ids::AppId;
use ayb_protocol::jose::MacKey;
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::app::RateLimit;
use ayb_provider::limit::{Limit, Verdict};
use ayb_store::{LinkKind, Store};
use http::HeaderMap;

use crate::app::App;
use crate::config::Config;
use crate::entropy::Entropy;
use crate::http::client_ip::ClientIp;
use crate::http::headers::RATE_LIMIT;
use crate::oauth::error::OAuthError;
use crate::throttle::{Others, Throttle, Who};

/// Callers that each limit remembers, and rows that callers who proved nothing may fill through this server.
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
    /// When it was asked.
    pub at: Timestamp,
}

/// The limits. One that is configured as zero does not exist.
pub struct Limits {
    sign_in: Option<Throttle>,
    failure: Option<Throttle>,
    client: Option<Throttle>,
    client_calls: Option<Throttle>,
    admin_sign_in: Option<Throttle>,
    mail: Throttle,
    apps: Throttle,
}

impl Limits {
    /// The configured limits. Where other servers can work on the same database, they are kept together with those, in
    /// rows whose names are hashes under `key`.
    pub fn new(config: &Config, entropy: &Entropy, store: &Store, key: MacKey) -> Self {
        let others = Others::on(store, key);
        let throttle = |name, limit, who| {
            let line = others.as_ref().map(|others| others.line(name, who));
            Throttle::new(limit, KEYS, entropy, line)
        };
        let anybody = |limit: Limit| Who::Anybody { keys: KEYS, window: limit.window };
        let per_minute = |name, requests: u32| {
            let limit = Limit::per_minute(requests);
            (requests > 0).then(|| throttle(name, limit, anybody(limit)))
        };
        let client = config.auth.provider.client_rate_limit;
        let of_client = |name| (client > 0).then(|| throttle(name, Limit::per_minute(client), Who::Proven));
        Self {
            sign_in: per_minute("sign-in", config.auth.rate_limit),
            failure: per_minute("client failure", config.auth.provider.token_failure_limit),
            client: of_client("client"),
            client_calls: of_client("client calls"),
            admin_sign_in: per_minute("admin sign-in", config.admin.login_rate_limit),
            mail: throttle("mail", MAIL, anybody(MAIL)),
            apps: throttle("app", Limit::per_minute(0), Who::Proven),
        }
    }

    /// See [`Attempt::count`].
    async fn sign_in(&self, caller: ClientIp, now: Timestamp) -> Option<Standing> {
        by_address(self.sign_in.as_ref(), caller, now).await
    }

    /// A failed client authentication, or a bearer credential that is none, from an address: whoever guesses one kind
    /// of secret has no further tries at the other.
    pub async fn failure(&self, caller: ClientIp, now: Timestamp) -> Option<Standing> {
        by_address(self.failure.as_ref(), caller, now).await
    }

    /// A request of a client that proved who it is.
    pub async fn client(&self, client_id: &str, now: Timestamp) -> Option<Standing> {
        by_client(self.client.as_ref(), client_id, now).await
    }

    /// A request with an access token of a client. It is counted apart: a client that calls too often can still get
    /// and revoke tokens.
    pub async fn client_calls(&self, client_id: &str, now: Timestamp) -> Option<Standing> {
        by_client(self.client_calls.as_ref(), client_id, now).await
    }

    /// A request with a credential of an app, against the limit that all its credentials share; none when the app has no
    /// limit.
    pub async fn app(&self, app: AppId, limit: RateLimit, now: Timestamp) -> Option<Standing> {
        let limit = Limit { requests: NonZeroU32::new(limit.requests)?, window: limit.window };
        let verdict = self.apps.check_against(app.0.as_bytes(), limit, now).await;
        Some(Standing { limit, verdict, at: now })
    }

    /// An attempt to sign in as the administrator, from an address.
    pub async fn admin_sign_in(&self, caller: ClientIp, now: Timestamp) -> Option<Standing> {
        by_address(self.admin_sign_in.as_ref(), caller, now).await
    }

    /// Whether another link of this kind may be sent to `address`. It counts whether there is such an account or not.
    pub async fn may_mail(&self, kind: LinkKind, address: &str, now: Timestamp) -> bool {
        let kind = match kind {
            LinkKind::Reset => "reset ",
            LinkKind::Verify => "verify ",
        };
        self.mail.check([kind, address].concat().as_bytes(), now).await.is_allowed()
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
    pub async fn count(app: &App, caller: ClientIp, now: Timestamp) -> Result<Self, OAuthError> {
        match app.limits.sign_in(caller, now).await {
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
            RATE_LIMIT.write(headers, standing);
        }
    }
}

async fn by_client(throttle: Option<&Throttle>, client_id: &str, now: Timestamp) -> Option<Standing> {
    let throttle = throttle?;
    let verdict = throttle.check(client_id.as_bytes(), now).await;
    Some(Standing { limit: throttle.limit(), verdict, at: now })
}

async fn by_address(throttle: Option<&Throttle>, caller: ClientIp, now: Timestamp) -> Option<Standing> {
    let throttle = throttle?;
    let verdict = throttle.check_address(caller.0, now).await;
    Some(Standing { limit: throttle.limit(), verdict, at: now })
}
