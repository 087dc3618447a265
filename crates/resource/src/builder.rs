//! Building a verifier: what it demands, and where its keys come from.

use std::fmt;
use std::sync::Arc;

use ayb_protocol::jose::Algorithm;
use ayb_protocol::time::Seconds;
use url::Url;

use crate::address::Plain;
use crate::clock::{Clock, SystemClock};
use crate::error::BuildError;
use crate::fetch::{Fetch, HttpFetch};
use crate::keys::{CachePolicy, KeyCache, Source};
use crate::verifier::{Verifier, rules};

/// The most that clocks may differ: five minutes.
pub const MAX_LEEWAY: Seconds = Seconds(300);

/// The algorithms of ayb's tokens.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// Half a minute: enough for machines that keep their time by the network.
const LEEWAY: Seconds = Seconds(30);

/// Builds a [`Verifier`].
pub struct VerifierBuilder {
    issuer: String,
    audiences: Vec<String>,
    algorithms: Vec<Algorithm>,
    leeway: Seconds,
    jwks_uri: Option<String>,
    plain: Plain,
    policy: CachePolicy,
    fetch: Option<Arc<dyn Fetch>>,
    clock: Arc<dyn Clock>,
}

impl VerifierBuilder {
    pub(crate) fn new(issuer: String) -> Self {
        Self {
            issuer,
            audiences: Vec::new(),
            algorithms: ALGORITHMS.to_vec(),
            leeway: LEEWAY,
            jwks_uri: None,
            plain: Plain::default(),
            policy: CachePolicy::default(),
            fetch: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// Accepts tokens for this audience: the name of this API at the issuer, compared letter by letter. Called again, any
    /// one of the names will do. At least one is needed.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Accepts these algorithms only (RFC 8725 §3.1). RS256, ES256 and EdDSA if not said.
    #[must_use]
    pub fn algorithms(self, algorithms: impl Into<Vec<Algorithm>>) -> Self {
        Self { algorithms: algorithms.into(), ..self }
    }

    /// Forgives clocks that differ by this much, for `exp`, `nbf` and `iat`. Thirty seconds if not said, at most
    /// [`MAX_LEEWAY`].
    #[must_use]
    pub fn leeway(self, leeway: Seconds) -> Self {
        Self { leeway, ..self }
    }

    /// Fetches the keys from this address instead of looking for it in the issuer's metadata.
    #[must_use]
    pub fn jwks_uri(self, address: impl Into<String>) -> Self {
        Self { jwks_uri: Some(address.into()), ..self }
    }

    /// Allows `http` for every host. Whoever can change what goes over that network can then make tokens: for closed
    /// networks only.
    #[must_use]
    pub fn allow_plain_http(self) -> Self {
        Self { plain: Plain::Everywhere, ..self }
    }

    /// Changes how long keys are kept and how often they are asked for.
    #[must_use]
    pub fn cache(self, policy: CachePolicy) -> Self {
        Self { policy, ..self }
    }

    /// Fetches by another client than [`HttpFetch`].
    #[must_use]
    pub fn fetch(self, fetch: impl Fetch) -> Self {
        Self { fetch: Some(Arc::new(fetch)), ..self }
    }

    /// Takes the time from another clock than the system's.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Builds it. Nothing is fetched before the first token comes.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(self) -> Result<Verifier, BuildError> {
        let address = Url::parse(&self.issuer).ok().filter(|address| self.is_issuer(address));
        let address = address.ok_or(BuildError::Issuer)?;
        let jwks_uri = self.jwks_uri.as_deref().map(|uri| self.checked(uri)).transpose()?;
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            return Err(BuildError::Audience);
        }
        if self.algorithms.is_empty() {
            return Err(BuildError::NoAlgorithm);
        }
        if self.algorithms.iter().any(|algorithm| algorithm.is_hmac()) {
            return Err(BuildError::SharedSecret);
        }
        if self.leeway > MAX_LEEWAY {
            return Err(BuildError::Leeway);
        }
        self.policy.check()?;
        let fetch = match self.fetch {
            Some(fetch) => fetch,
            None => Arc::new(HttpFetch::new()?),
        };
        let rules = rules(&self.issuer, &self.audiences, &self.algorithms, self.leeway);
        let source = Source { issuer: self.issuer, address, jwks_uri, plain: self.plain, fetch };
        let keys = KeyCache::new(source, self.policy);
        Ok(Verifier::of(rules, self.leeway, keys, self.policy.retry_pause, self.clock))
    }

    /// RFC 8414 §2: an issuer has neither query nor fragment.
    fn is_issuer(&self, address: &Url) -> bool {
        self.plain.allows(address) && address.query().is_none() && address.fragment().is_none()
    }

    fn checked(&self, uri: &str) -> Result<Url, BuildError> {
        Url::parse(uri).ok().filter(|uri| self.plain.allows(uri)).ok_or(BuildError::JwksUri)
    }
}

impl fmt::Debug for VerifierBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierBuilder").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> VerifierBuilder {
        Verifier::builder("https://id.example").audience("https://notes.example")
    }

    fn refusal(builder: VerifierBuilder) -> Option<BuildError> {
        builder.build().err()
    }

    #[test]
    fn a_verifier_that_would_accept_too_much_cannot_be_built() {
        assert_eq!(refusal(good()), None);
        let no_audience = Verifier::builder("https://id.example");
        assert_eq!(refusal(no_audience), Some(BuildError::Audience));
        assert_eq!(refusal(good().audience("")), Some(BuildError::Audience));
        assert_eq!(refusal(good().algorithms([])), Some(BuildError::NoAlgorithm));
        let shared = good().algorithms([Algorithm::ES256, Algorithm::HS256]);
        assert_eq!(refusal(shared), Some(BuildError::SharedSecret));
        assert_eq!(refusal(good().leeway(MAX_LEEWAY)), None);
        assert_eq!(refusal(good().leeway(Seconds(301))), Some(BuildError::Leeway));
        let hasty = CachePolicy { retry_pause: Seconds(0), ..CachePolicy::default() };
        assert_eq!(refusal(good().cache(hasty)), Some(BuildError::Policy));
    }

    #[test]
    fn issuer_and_keys_are_at_addresses_that_nobody_can_change_on_the_way() {
        for bad in [
            "",
            "id.example",
            "http://id.example",
            "https://id.example?a",
            "https://id.example#a",
            "ftp://id.example",
        ] {
            let builder = Verifier::builder(bad).audience("a");
            assert_eq!(refusal(builder), Some(BuildError::Issuer), "{bad}");
        }
        assert_eq!(refusal(good().jwks_uri("http://id.example/jwks.json")), Some(BuildError::JwksUri));
        assert_eq!(refusal(good().jwks_uri("jwks.json")), Some(BuildError::JwksUri));
        assert_eq!(refusal(good().jwks_uri("http://localhost:1/jwks.json")), None);
        assert_eq!(refusal(good().jwks_uri("http://id.example/jwks.json").allow_plain_http()), None);
        assert_eq!(refusal(Verifier::builder("http://id.example").audience("a").allow_plain_http()), None);
    }
}
