//! Proofs of possession at the test server (RFC 9449).

use ayb_protocol::dpop::{CheckedProof, USE_NONCE, access_token_hash};
use ayb_protocol::jose::Algorithm;
use ayb_protocol::time::Seconds;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::answer;
use super::server::{Recorded, TestAuthServer};
use crate::Endpoint;
use crate::http::HttpResponse;

/// How much older or newer than now a proof may be.
const WINDOW: Seconds = Seconds(60);

impl TestAuthServer {
    /// Gives no token without a proof of possession.
    #[must_use]
    pub fn requiring_dpop(self) -> Self {
        self.lock().requires_dpop = true;
        self
    }

    /// Overlooks proofs and gives bearer tokens, as servers do that do not know them.
    #[must_use]
    pub fn ignoring_dpop(self) -> Self {
        self.lock().ignores_dpop = true;
        self
    }

    /// From now on an endpoint takes proofs only with a new nonce, which is returned: whoever comes without it is refused and told.
    /// Called again, the nonce changes again.
    pub fn demand_nonce(&self, endpoint: Endpoint) -> String {
        let mut state = self.lock();
        let nonce = state.draw("nonce");
        state.nonces.insert(endpoint, nonce.clone());
        nonce
    }

    /// Whether a resource would take a request with these headers: the access token counts, and if it is bound to a key the proof is
    /// one for this request, for this token, and new.
    pub fn accepts_request(
        &self,
        method: &str,
        url: &Url,
        headers: &[(&'static str, Zeroizing<String>)],
    ) -> bool {
        let header =
            |name: &str| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
        let Some((scheme, token)) = header("authorization").and_then(|value| value.split_once(' ')) else {
            return false;
        };
        self.accepts(token) && self.is_presented_well(scheme, token, header("dpop"), method, url)
    }

    /// Whether an access token comes as it has to: a bound one with a proof of its key, any other one without.
    pub(super) fn is_presented_well(
        &self,
        scheme: &str,
        token: &str,
        proof: Option<&str>,
        method: &str,
        url: &Url,
    ) -> bool {
        let bound_to = self.lock().access_tokens.get(token).and_then(|access| access.jkt.clone());
        let Some(bound_to) = bound_to else { return scheme == "Bearer" };
        let Some(proof) = proof.and_then(|proof| self.checked(proof, method, url)) else { return false };
        let is_for_token = proof.claims.text("ath") == Some(access_token_hash(token).as_str());
        scheme == "DPoP" && is_for_token && proof.thumbprint == bound_to && self.is_new(&proof)
    }

    fn checked(&self, proof: &str, method: &str, url: &Url) -> Option<CheckedProof> {
        let algorithms = [Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256];
        CheckedProof::read(proof, &algorithms, method, url, self.now(), WINDOW).ok()
    }

    fn is_new(&self, proof: &CheckedProof) -> bool {
        self.lock().proofs.insert(proof.claims.token_id().unwrap_or_default().to_owned())
    }

    /// The thumbprint of the key that a request proves; nothing when it proves none.
    pub(super) fn possession(
        &self,
        endpoint: Endpoint,
        request: &Recorded,
    ) -> Result<Option<String>, HttpResponse> {
        let refuse = || answer::error(400, "invalid_dpop_proof");
        let (requires, ignores) = {
            let state = self.lock();
            (state.requires_dpop, state.ignores_dpop)
        };
        let Some(text) = request.dpop.as_deref().filter(|_| !ignores) else {
            return if requires { Err(refuse()) } else { Ok(None) };
        };
        let proof = self.checked(text, request.method.as_str(), &request.url).ok_or_else(refuse)?;
        if let Some(refusal) = self.nonce_refusal(endpoint, &proof) {
            return Err(refusal);
        }
        if self.is_new(&proof) { Ok(Some(proof.thumbprint)) } else { Err(refuse()) }
    }

    fn nonce_refusal(&self, endpoint: Endpoint, proof: &CheckedProof) -> Option<HttpResponse> {
        let nonce = self.lock().nonces.get(&endpoint).cloned()?;
        if proof.claims.get("nonce") == Some(&Value::from(nonce.as_str())) {
            return None;
        }
        let mut refusal = answer::error(400, USE_NONCE);
        refusal.headers.push(("dpop-nonce".to_owned(), nonce));
        Some(refusal)
    }

    /// What UserInfo says to a proof without the newest nonce (RFC 9449 §9).
    pub(super) fn challenge(&self, request: &Recorded) -> Option<HttpResponse> {
        let proof = self.checked(request.dpop.as_deref()?, request.method.as_str(), &request.url)?;
        let mut refusal = self.nonce_refusal(Endpoint::UserInfo, &proof)?;
        refusal.status = 401;
        refusal.body.clear();
        refusal.headers.push(("www-authenticate".to_owned(), format!("DPoP error=\"{USE_NONCE}\"")));
        Some(refusal)
    }
}
