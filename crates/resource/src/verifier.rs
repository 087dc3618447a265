//! From a token's text to an [`AccessToken`] (RFC 9068 §4).

use std::fmt;
use std::sync::Arc;

use ayb_protocol::jose::Algorithm;
use ayb_protocol::jose::jwt::{self, ExpectedType};
use ayb_protocol::time::Seconds;

use crate::builder::VerifierBuilder;
use crate::clock::Clock;
use crate::error::TokenError;
use crate::keys::KeyCache;
use crate::token::AccessToken;

/// Verifies the access tokens of one issuer for one API. Make one and clone it: clones share their keys.
///
/// It runs inside a tokio runtime, because keys are fetched beside the requests that need them.
#[derive(Clone)]
pub struct Verifier(Arc<Parts>);

struct Parts {
    rules: jwt::Verifier,
    leeway: Seconds,
    keys: KeyCache,
    retry_pause: Seconds,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    /// Begins one for this issuer, which is compared letter by letter with the `iss` of tokens and with the issuer's own
    /// metadata.
    pub fn builder(issuer: impl Into<String>) -> VerifierBuilder {
        VerifierBuilder::new(issuer.into())
    }

    pub(crate) fn of(
        rules: jwt::Verifier,
        leeway: Seconds,
        keys: KeyCache,
        pause: Seconds,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Arc::new(Parts { rules, leeway, keys, retry_pause: pause, clock }))
    }

    /// Verifies a token. The keys are fetched when there are none, when their time is over, and when the token names one
    /// that is not known; otherwise nothing is waited for.
    ///
    /// A token that verifies is good until its `exp`: that the issuer revoked it cannot be seen here.
    ///
    /// # Errors
    /// [`TokenError::Refused`] and [`TokenError::Bound`] when the token is not good, [`TokenError::Keys`] when that cannot
    /// be known.
    pub async fn verify(&self, token: &str) -> Result<AccessToken, TokenError> {
        let Parts { rules, leeway, keys, clock, .. } = &*self.0;
        let now = clock.now();
        let claims = keys.check(now, |keys| rules.verify(token, keys, now)).await?;
        AccessToken::from_claims(claims, now, *leeway)
    }

    /// How long to wait before keys that could not be fetched are asked for again.
    pub(crate) fn retry_pause(&self) -> Seconds {
        self.0.retry_pause
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("rules", &self.0.rules).finish_non_exhaustive()
    }
}

/// What every token has to be: an access token (RFC 9068 §2.1) of this issuer for one of these audiences.
pub(crate) fn rules(
    issuer: &str,
    audiences: &[String],
    algorithms: &[Algorithm],
    leeway: Seconds,
) -> jwt::Verifier {
    let typ = ExpectedType::Is(ayb_protocol::access_token::TYPE.into());
    let rules = jwt::Verifier::new(algorithms, typ).with_issuer(issuer).with_leeway(leeway);
    audiences.iter().fold(rules, jwt::Verifier::with_audience)
}
