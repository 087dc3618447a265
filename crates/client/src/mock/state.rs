//! What the test server knows.

use std::collections::{HashMap, HashSet, VecDeque};

use ayb_protocol::jose::{Jwk, SigningKey};
use ayb_protocol::time::Timestamp;
use serde_json::{Map, Value};

use super::Fault;
use super::server::Recorded;
use super::ways::Ways;
use crate::Endpoint;

/// Changes the claims of ID tokens.
pub(super) type Alteration = Box<dyn Fn(&mut Map<String, Value>) + Send>;

pub(super) struct State {
    pub(super) clients: HashMap<String, Client>,
    pub(super) codes: HashMap<String, Code>,
    pub(super) grants: Vec<Grant>,
    pub(super) refresh_tokens: HashMap<String, Refresh>,
    pub(super) access_tokens: HashMap<String, Access>,
    pub(super) devices: HashMap<String, Device>,
    pub(super) pushed: HashMap<String, HashMap<String, String>>,
    pub(super) faults: HashMap<Endpoint, VecDeque<Fault>>,
    pub(super) requests: Vec<Recorded>,
    pub(super) key: SigningKey,
    pub(super) rotates: bool,
    /// A spent refresh token gives its successor again, as long as that is unused.
    pub(super) repeats: bool,
    pub(super) access_lifetime: i64,
    pub(super) alteration: Option<Alteration>,
    pub(super) metadata: Map<String, Value>,
    pub(super) drawn: u64,
    /// The nonce that proofs for an endpoint have to carry.
    pub(super) nonces: HashMap<Endpoint, String>,
    /// Names of proofs that were seen.
    pub(super) proofs: HashSet<String>,
    pub(super) requires_dpop: bool,
    /// Without which nobody registers.
    pub(super) initial_access_token: Option<String>,
    /// What is registered, and with which token that is changed.
    pub(super) registrations: HashMap<String, (String, Map<String, Value>)>,
    pub(super) ignores_dpop: bool,
    pub(super) ways: Ways,
}

/// How a client proves itself.
#[derive(Clone)]
pub(super) enum Client {
    Public,
    Secret(String),
    Key(Box<Jwk>),
}

pub(super) struct Code {
    pub(super) grant: usize,
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) challenge: Option<String>,
    pub(super) nonce: Option<String>,
    /// The thumbprint of the key that it is bound to.
    pub(super) jkt: Option<String>,
    pub(super) is_spent: bool,
}

pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    pub(super) is_revoked: bool,
    pub(super) has_person: bool,
    /// When the person signed in, in seconds: a refresh says the same time (OpenID Connect Core §12.2).
    pub(super) signed_in: Option<i64>,
}

pub(super) struct Refresh {
    pub(super) grant: usize,
    pub(super) is_spent: bool,
    pub(super) successor: Option<String>,
    pub(super) jkt: Option<String>,
}

pub(super) struct Access {
    pub(super) grant: usize,
    pub(super) ends: Timestamp,
    pub(super) is_revoked: bool,
    pub(super) jkt: Option<String>,
}

pub(super) struct Device {
    pub(super) user_code: String,
    pub(super) client_id: String,
    pub(super) scope: String,
    pub(super) decision: Option<bool>,
    pub(super) ends: Timestamp,
    pub(super) polled_at: Option<Timestamp>,
    pub(super) interval: u64,
}

impl State {
    /// A secret that was never used before.
    pub(super) fn draw(&mut self, kind: &str) -> String {
        self.drawn += 1;
        let unique = ayb_protocol::hex::encode(&ayb_protocol::jose::sha256(self.drawn.to_be_bytes())[..16]);
        format!("{}{kind}-{unique}", super::CANARY)
    }

    pub(super) fn begin_grant(&mut self, client_id: &str, scope: &str, has_person: bool) -> usize {
        let (client_id, scope) = (client_id.to_owned(), scope.to_owned());
        let (nonce, signed_in) = (None, None);
        self.grants.push(Grant { client_id, scope, nonce, is_revoked: false, has_person, signed_in });
        self.grants.len() - 1
    }

    pub(super) fn has_unused_successor(&self, token: &str) -> bool {
        let successor = self.refresh_tokens.get(token).and_then(|refresh| refresh.successor.as_ref());
        successor.and_then(|next| self.refresh_tokens.get(next)).is_some_and(|next| !next.is_spent)
    }

    /// The refresh token that follows `before`, if there is one before; the same one again where answers are repeated.
    pub(super) fn next_refresh(
        &mut self,
        grant: usize,
        before: Option<&String>,
        jkt: Option<String>,
    ) -> String {
        let known = before.and_then(|before| self.refresh_tokens.get(before)?.successor.clone());
        if let Some(successor) = known {
            return successor;
        }
        let token = self.draw("refresh");
        self.refresh_tokens.insert(token.clone(), Refresh { grant, is_spent: false, successor: None, jkt });
        if let Some(refresh) = before.and_then(|before| self.refresh_tokens.get_mut(before)) {
            refresh.successor = Some(token.clone());
        }
        token
    }
}
