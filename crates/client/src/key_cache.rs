//! The provider's public keys: fetched when they are needed, once for all who ask at the same time, seldom for names of keys
//! that strangers invent, and kept in use while the provider does not answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ayb_protocol::answer::{Answer, AnswerError, Reading};
use ayb_protocol::jose::jwt::JwtError;
use ayb_protocol::jose::{KeySet, VerifyingKeys};
use ayb_protocol::time::{Seconds, Timestamp};
use zeroize::Zeroizing;

use crate::Endpoint;
use crate::coalesce::Flight;
use crate::core::Core;
use crate::error::{NetworkError, OAuth2Error, ValidationError};
use crate::http::{HttpRequest, Method};
use crate::resilience::{Call, Kind, Plain};

/// How long keys are used without asking again.
const LIFETIME: Seconds = Seconds(3600);

/// After a fetch, an unknown key causes no other one for this long.
const COOL_DOWN: Seconds = Seconds(30);

/// After a failed fetch, the next one waits this long.
const RETRY_PAUSE: Seconds = Seconds(5);

/// How long keys go on verifying after their time, while they cannot be fetched (RFC 5861 §4).
const STALE_IF_ERROR: Seconds = Seconds(86_400);

/// How far the time of a fetch may lie in the future before it counts as a clock that was set back.
const CLOCK_SLIP: Seconds = Seconds(60);

#[derive(Default)]
pub(crate) struct KeyCache {
    state: Mutex<State>,
    fetch: Flight<()>,
}

#[derive(Default)]
struct State {
    held: Option<(Arc<VerifyingKeys>, Timestamp)>,
    tried_at: Option<Timestamp>,
    failure: Option<OAuth2Error>,
}

impl State {
    /// Keys that may be used, and whether they are fresh.
    fn usable(&self, now: Timestamp) -> Option<(Arc<VerifyingKeys>, bool)> {
        let (keys, read_at) = self.held.as_ref()?;
        let fresh_until = read_at.plus(LIFETIME);
        let is_usable = *read_at <= now.plus(CLOCK_SLIP) && now < fresh_until.plus(STALE_IF_ERROR);
        is_usable.then(|| (Arc::clone(keys), now < fresh_until))
    }

    fn may_fetch(&self, now: Timestamp) -> bool {
        let pause = if self.failure.is_some() { RETRY_PAUSE } else { COOL_DOWN };
        self.tried_at.is_none_or(|tried| now >= tried.plus(pause) || tried >= now.plus(pause))
    }
}

impl KeyCache {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// Runs a check with the provider's keys; again with newer ones when it says that it knows no key.
    pub(crate) async fn check_with_keys<T>(
        self: &Arc<Self>,
        check: impl Fn(&VerifyingKeys) -> Result<T, JwtError> + Send,
    ) -> Result<T, OAuth2Error> {
        let now = self.now();
        if let Some((keys, true)) = self.keys.lock().usable(now) {
            match check(&keys) {
                Err(JwtError::UnknownKey) => {}
                answer => return answer.map_err(|error| ValidationError::from(error).into()),
            }
        }
        if self.keys.lock().may_fetch(now) {
            let core = Arc::clone(self);
            self.keys.fetch.run(|| async move { core.fetch_keys().await }).await;
        }
        let (usable, failure) = {
            let state = self.keys.lock();
            (state.usable(now), state.failure.clone())
        };
        let Some((keys, _)) = usable else {
            let reason = || "the keys were not fetched".to_owned();
            let unfetched =
                || NetworkError::UnusableAnswer { endpoint: Endpoint::Jwks, reason: reason() }.into();
            return Err(failure.unwrap_or_else(unfetched));
        };
        match (check(&keys), failure) {
            // The provider may have told about this key, had it been reached.
            (Err(JwtError::UnknownKey), Some(failure)) => Err(failure),
            (answer, _) => answer.map_err(|error| ValidationError::from(error).into()),
        }
    }

    async fn fetch_keys(&self) {
        let now = self.now();
        let fetched = self.read_keys().await;
        let mut state = self.keys.lock();
        state.tried_at = Some(now);
        match fetched {
            Ok(keys) => {
                state.held = Some((Arc::new(keys), now));
                state.failure = None;
            }
            Err(error) => state.failure = Some(error),
        }
    }

    async fn read_keys(&self) -> Result<VerifyingKeys, OAuth2Error> {
        let url = self.config.provider.endpoint(Endpoint::Jwks)?.clone();
        let span = self.tracer.span("oauth2.jwks");
        let call = Call {
            endpoint: Endpoint::Jwks,
            kind: Kind::Read,
            asked: "jwks",
            span: &*span,
            parse_span: "oauth2.jwks_parse",
        };
        let headers =
            vec![("accept", Zeroizing::new("application/jwk-set+json, application/json".to_owned()))];
        let request = Plain(HttpRequest { method: Method::Get, url, headers, body: None });
        Ok(self.call(&call, request, key_set).await?.value)
    }
}

fn key_set(answer: Answer<'_>) -> Result<Reading<VerifyingKeys>, AnswerError> {
    if answer.status != 200 {
        return Err(AnswerError::Status(answer.status));
    }
    let shape = || format!("{} bytes", answer.body.len());
    let set =
        KeySet::parse(answer.body).map_err(|_| AnswerError::Malformed { member: "keys", shape: shape() })?;
    Ok(Reading { value: VerifyingKeys::from_key_set(&set), deviations: Vec::new() })
}
