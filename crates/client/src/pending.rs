//! What has to be known between sending a person away and their coming back.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use ayb_primitives::types::SystemRandom;
use ayb_protocol::jose::{base64url, constant_time_eq, sha256};
use ayb_protocol::time::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use crate::error::{AuthorizationError, OAuth2Error, StorageError};
use crate::sealed;
use crate::types::PkceVerifier;

/// How long a sign-in may take.
const LIFETIME: Seconds = Seconds(600);

/// How many sign-ins are kept in memory at once; the oldest gives way.
const MOST: usize = 1024;

/// What the sealed form is bound to.
const BOUND: &[u8] = b"ayb-client pending authorization 2";

/// A sign-in that has begun. Seal it into a cookie: then any process can end it, and only in the browser that began it.
#[derive(Clone)]
pub struct PendingAuthorization {
    pub(crate) state: String,
    pub(crate) nonce: Option<String>,
    pub(crate) verifier: Option<PkceVerifier>,
    pub(crate) redirect_uri: Url,
    pub(crate) issuer: Option<String>,
    pub(crate) client_id: String,
    /// Where the code goes. Providers without an issuer are told apart by it.
    pub(crate) token_endpoint: Option<Url>,
    pub(crate) scopes: Vec<String>,
    pub(crate) max_age: Option<u64>,
    /// The thumbprint of the key that the code is bound to (RFC 9449 §10).
    pub(crate) dpop_jkt: Option<String>,
    pub(crate) created_at: Timestamp,
}

/// The form inside the seal.
#[derive(Serialize, Deserialize)]
struct Written {
    state: String,
    nonce: Option<String>,
    verifier: Option<String>,
    redirect_uri: String,
    issuer: Option<String>,
    client_id: String,
    token_endpoint: Option<String>,
    scopes: Vec<String>,
    max_age: Option<u64>,
    #[serde(default)]
    dpop_jkt: Option<String>,
    created_at: Timestamp,
}

impl PendingAuthorization {
    /// Encrypts it with AES-256-GCM, as text that fits into a cookie.
    ///
    /// # Errors
    /// [`StorageError::EncryptionFailed`].
    pub fn seal(&self, key: &[u8; 32]) -> Result<String, OAuth2Error> {
        let written = Written {
            state: self.state.clone(),
            nonce: self.nonce.clone(),
            verifier: self.verifier.as_ref().map(|verifier| verifier.secret().to_owned()),
            redirect_uri: self.redirect_uri.to_string(),
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            token_endpoint: self.token_endpoint.as_ref().map(Url::to_string),
            scopes: self.scopes.clone(),
            max_age: self.max_age,
            dpop_jkt: self.dpop_jkt.clone(),
            created_at: self.created_at,
        };
        let plain =
            serde_json::to_vec(&written).map(Zeroizing::new).map_err(|_| StorageError::EncryptionFailed)?;
        let sealed =
            sealed::seal(key, BOUND, &plain, &SystemRandom).map_err(|_| StorageError::EncryptionFailed)?;
        Ok(base64url::encode(sealed))
    }

    /// Decrypts it. Whether it is too old is decided when it is used.
    ///
    /// # Errors
    /// [`StorageError::DecryptionFailed`] for another key and for a text that was changed.
    pub fn open(text: &str, key: &[u8; 32]) -> Result<Self, OAuth2Error> {
        let failed = StorageError::DecryptionFailed;
        let bytes = base64url::decode(text).map_err(|_| failed.clone())?;
        let plain = sealed::open(key, BOUND, &bytes).map_err(|_| failed.clone())?;
        let written: Written = serde_json::from_slice(&plain).map_err(|_| failed.clone())?;
        Ok(Self {
            state: written.state,
            nonce: written.nonce,
            verifier: written.verifier.as_deref().map(PkceVerifier::from_secret).transpose()?,
            redirect_uri: Url::parse(&written.redirect_uri).map_err(|_| failed.clone())?,
            issuer: written.issuer,
            client_id: written.client_id,
            token_endpoint: written
                .token_endpoint
                .as_deref()
                .map(Url::parse)
                .transpose()
                .map_err(|_| failed)?,
            scopes: written.scopes,
            max_age: written.max_age,
            dpop_jkt: written.dpop_jkt,
            created_at: written.created_at,
        })
    }

    /// Whether `state` is the one that was sent, in constant time, and the sign-in not too old.
    pub(crate) fn check(&self, state: &str, now: Timestamp) -> Result<(), OAuth2Error> {
        let is_same = constant_time_eq(sha256(&self.state), sha256(state));
        if is_same && self.is_alive(now) { Ok(()) } else { Err(mismatch(&self.state, state)) }
    }

    fn is_alive(&self, now: Timestamp) -> bool {
        // A clock that was set back does not make it live longer than twice its time.
        now < self.created_at.plus(LIFETIME) && self.created_at < now.plus(LIFETIME)
    }
}

impl fmt::Debug for PendingAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingAuthorization").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// The fields are fingerprints: whoever reads the log must not be able to forge an answer.
pub(crate) fn mismatch(expected: &str, received: &str) -> OAuth2Error {
    let fingerprint = |text: &str| {
        if text.is_empty() { String::new() } else { ayb_protocol::hex::encode(&sha256(text)[..4]) }
    };
    AuthorizationError::StateMismatch { expected: fingerprint(expected), received: fingerprint(received) }
        .into()
}

/// Sign-ins that began in this process. Each is taken once.
#[derive(Default)]
pub(crate) struct StateStore(Mutex<HashMap<[u8; 32], PendingAuthorization>>);

impl StateStore {
    pub(crate) fn keep(&self, pending: PendingAuthorization) {
        let now = pending.created_at;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, pending| pending.is_alive(now));
        if kept.len() >= MOST {
            let oldest = kept.iter().min_by_key(|(_, pending)| pending.created_at).map(|(key, _)| *key);
            oldest.and_then(|key| kept.remove(&key));
        }
        // Found by its hash: looking a hash up tells nothing about the state by the time that it takes.
        kept.insert(sha256(&pending.state), pending);
    }

    pub(crate) fn take(&self, state: &str, now: Timestamp) -> Result<PendingAuthorization, OAuth2Error> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pending = kept.remove(&sha256(state)).ok_or_else(|| mismatch("", state))?;
        pending.check(state, now)?;
        Ok(pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: Timestamp = Timestamp::from_seconds(1_000_000);

    fn pending(state: &str, created_at: Timestamp) -> PendingAuthorization {
        PendingAuthorization {
            state: state.to_owned(),
            nonce: Some("canary-nonce".to_owned()),
            verifier: Some(PkceVerifier::generate()),
            redirect_uri: Url::parse("https://app.example/cb").unwrap(),
            issuer: None,
            client_id: "app".to_owned(),
            token_endpoint: None,
            scopes: vec!["openid".to_owned()],
            max_age: None,
            dpop_jkt: None,
            created_at,
        }
    }

    #[test]
    fn a_state_is_good_for_one_answer_within_ten_minutes() {
        let store = StateStore::default();
        for state in ["one", "two", "three"] {
            store.keep(pending(state, BEGIN));
        }
        assert!(store.take("one", BEGIN.plus(Seconds(599))).is_ok());
        assert!(store.take("one", BEGIN).is_err(), "a second time");
        assert!(store.take("two", BEGIN.plus(Seconds(600))).is_err(), "too late");
        assert!(store.take("three", BEGIN.minus(Seconds(601))).is_err(), "a clock far in the past");
        assert!(store.take("four", BEGIN).is_err(), "never given out");
    }

    #[test]
    fn the_store_does_not_grow_without_end() {
        let store = StateStore::default();
        for number in 0..2000 {
            store.keep(pending(&number.to_string(), BEGIN.plus(Seconds(number / 100))));
        }
        assert_eq!(store.0.lock().unwrap().len(), MOST);
        assert!(store.take("1999", BEGIN.plus(Seconds(20))).is_ok() && store.take("0", BEGIN).is_err());
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_only_and_shows_nothing() {
        let pending = pending("canary-state", BEGIN);
        let sealed = pending.seal(&[3; 32]).unwrap();
        let opened = PendingAuthorization::open(&sealed, &[3; 32]).unwrap();
        assert!(opened.check("canary-state", BEGIN).is_ok());
        assert_eq!(opened.verifier.unwrap().secret(), pending.verifier.as_ref().unwrap().secret());
        assert!(PendingAuthorization::open(&sealed, &[4; 32]).is_err());
        assert!(sealed.len() < 1500, "{} characters must fit into a cookie", sealed.len());
        let error = pending.check("another", BEGIN).unwrap_err();
        assert!(!format!("{pending:?}{error:?}{error}").contains("canary"));
    }
}
