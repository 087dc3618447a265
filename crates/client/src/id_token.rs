//! ID tokens: everything that OpenID Connect Core §3.1.3.7 asks for is checked, and each exception has a name.

use std::sync::Arc;

use ayb_primitives::logging::Level;
use ayb_protocol::id_token::at_hash as left_half;
use ayb_protocol::jose::jwt::{Claims, ExpectedType, JwtError, Verifier};
use ayb_protocol::jose::{Algorithm, HmacKey, constant_time_eq, jws, sha256};
use ayb_protocol::time::{Seconds, Timestamp};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::core::Core;
use crate::error::{ConfigurationError, OAuth2Error, ValidationError};
use crate::types::TokenResponse;

/// What is checked of ID tokens. Everything, unless a method with `dangerously` in its name says otherwise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IdTokenPolicy {
    algorithms: Option<Vec<Algorithm>>,
    pub(crate) leeway: Seconds,
    trusted_audiences: Vec<String>,
    is_checked: bool,
    checks_hashes: bool,
}

impl Default for IdTokenPolicy {
    fn default() -> Self {
        let leeway = Seconds(30);
        Self {
            algorithms: None,
            leeway,
            trusted_audiences: Vec::new(),
            is_checked: true,
            checks_hashes: true,
        }
    }
}

impl IdTokenPolicy {
    /// Accepts these algorithms only. By default those that the provider lists, without the ones that share the secret; and
    /// all that this crate speaks when it lists none. An HMAC counts only when it is named here.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl Into<Vec<Algorithm>>) -> Self {
        self.algorithms = Some(algorithms.into());
        self
    }

    /// By how much clocks may differ. 30 seconds by default, and never more than five minutes.
    #[must_use]
    pub fn leeway(mut self, leeway: Seconds) -> Self {
        self.leeway = leeway.min(Seconds(300));
        self
    }

    /// Accepts tokens that are for these audiences too, besides this client. By default such a token is refused: whoever else
    /// it is for could present it here (OpenID Connect Core §3.1.3.7, rule 3).
    #[must_use]
    pub fn trusting_audience(mut self, audience: impl Into<String>) -> Self {
        self.trusted_audiences.push(audience.into());
        self
    }

    /// Does not compare `at_hash` and `c_hash`. Whoever can change the answer of the token endpoint can then put in another
    /// person's access token.
    #[must_use]
    pub const fn dangerously_ignoring_hashes(mut self) -> Self {
        self.checks_hashes = false;
        self
    }

    /// Does not look at ID tokens at all. The person is then whoever the answer says, so nobody may be signed in by it.
    #[must_use]
    pub const fn dangerously_unchecked(mut self) -> Self {
        self.is_checked = false;
        self
    }

    pub(crate) const fn is_checked(&self) -> bool {
        self.is_checked
    }

    fn allowed(&self, listed: Option<&[Algorithm]>) -> Vec<Algorithm> {
        match (&self.algorithms, listed) {
            (Some(chosen), _) => chosen.clone(),
            (None, Some(listed)) => listed.iter().copied().filter(|algorithm| !algorithm.is_hmac()).collect(),
            (None, None) => Algorithm::ALL.into_iter().filter(|algorithm| !algorithm.is_hmac()).collect(),
        }
    }
}

/// What an ID token has to go with.
#[derive(Clone, Copy, Default)]
pub struct Expected<'a> {
    /// The nonce of the authorization request.
    pub nonce: Option<&'a str>,
    /// The access token that came with it.
    pub access_token: Option<&'a str>,
    /// The code that it was exchanged for.
    pub code: Option<&'a str>,
    /// The `max_age` of the authorization request, in seconds.
    pub max_age: Option<u64>,
}

/// The claims of an ID token that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct IdTokenClaims(Claims);

impl IdTokenClaims {
    #[cfg(feature = "test-server")]
    pub(crate) const fn of(claims: Claims) -> Self {
        Self(claims)
    }

    /// The person, at this issuer.
    pub fn subject(&self) -> &str {
        self.0.subject().unwrap_or_default()
    }

    /// The e-mail address. Whether it is verified is another claim.
    pub fn email(&self) -> Option<&str> {
        self.0.text("email")
    }

    /// The session, for logout.
    pub fn session(&self) -> Option<&str> {
        self.0.text("sid")
    }

    /// When the person signed in.
    pub fn auth_time(&self) -> Option<Timestamp> {
        self.0.get("auth_time").and_then(Value::as_i64).map(Timestamp::from_seconds)
    }

    /// Any claim.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// All of them.
    pub const fn claims(&self) -> &Claims {
        &self.0
    }
}

impl Core {
    /// Checks an ID token (OpenID Connect Core §3.1.3.7).
    pub(crate) async fn verify_id_token(
        self: &Arc<Self>,
        token: &str,
        expected: &Expected<'_>,
    ) -> Result<IdTokenClaims, OAuth2Error> {
        let claims = match &self.config.jwt_validator {
            Some(validator) => validator.validate(token, expected).await?,
            None => self.verify_by_the_rules(token, expected).await?,
        };
        for validator in &self.config.token_validators {
            validator.validate(&claims).await?;
        }
        Ok(claims)
    }

    async fn verify_by_the_rules(
        self: &Arc<Self>,
        token: &str,
        expected: &Expected<'_>,
    ) -> Result<IdTokenClaims, OAuth2Error> {
        let policy = &self.config.id_token;
        let client_id = &self.config.credentials.client_id;
        let claims = self.verify_signed(token, ExpectedType::IsOrAbsent("JWT".into())).await?;
        let now = self.now();
        check_claims(&claims, client_id, policy, now)?;
        check_binding(&claims, token, expected, policy, now)?;
        Ok(IdTokenClaims(claims))
    }

    /// Checks the ID token of an answer to which it does not belong by necessity: one that does not pass is left out, and the
    /// tokens that were issued once and for all are kept.
    pub(crate) async fn check_or_leave_out(
        self: &Arc<Self>,
        flow: &'static str,
        mut response: TokenResponse,
    ) -> TokenResponse {
        if let Err(error) = self.check_id_token_of(&response).await {
            self.leave_id_token_out(flow, &mut response, &error);
        }
        response
    }

    /// Checks the ID token of an answer, if there is one, without a nonce.
    pub(crate) async fn check_id_token_of(
        self: &Arc<Self>,
        response: &TokenResponse,
    ) -> Result<(), OAuth2Error> {
        let (Some(token), true) = (&response.id_token, self.config.id_token.is_checked()) else {
            return Ok(());
        };
        let access_token = Some(response.access_token.expose_secret());
        let expected = Expected { access_token, ..Expected::default() };
        self.verify_id_token(token.expose_secret(), &expected).await.map(drop)
    }

    /// Nobody may take what was not checked for what was.
    pub(crate) fn leave_id_token_out(
        &self,
        flow: &'static str,
        response: &mut TokenResponse,
        error: &OAuth2Error,
    ) {
        let why = error.to_string();
        self.log(Level::Warn, "the ID token could not be checked and is left out", flow, &[("why", &why)]);
        response.id_token = None;
    }

    /// Checks what every JWT of the provider for this client has to have: algorithm, type, signature, issuer, audience, times.
    pub(crate) async fn verify_signed(
        self: &Arc<Self>,
        token: &str,
        typ: ExpectedType,
    ) -> Result<Claims, OAuth2Error> {
        let listed = self.config.provider.id_token_algorithms.as_deref();
        self.verify_by(token, listed, |rules| rules, typ).await
    }

    /// The same with rules of its own. `listed` are the algorithms that the provider uses for tokens of this kind.
    pub(crate) async fn verify_by(
        self: &Arc<Self>,
        token: &str,
        listed: Option<&[Algorithm]>,
        change: impl Fn(Verifier) -> Verifier + Send,
        typ: ExpectedType,
    ) -> Result<Claims, OAuth2Error> {
        let (policy, provider) = (&self.config.id_token, &self.config.provider);
        let missing = ConfigurationError::Invalid("tokens cannot be checked: the issuer is not known");
        let issuer = provider.issuer.as_ref().ok_or(missing)?;
        let allowed = policy.allowed(listed);
        let may_be_hmac = allowed.iter().any(|algorithm| algorithm.is_hmac());
        let rules = Verifier::new(allowed, typ)
            .with_audience(&self.config.credentials.client_id)
            .with_leeway(policy.leeway);
        if !issuer.contains(TENANT) {
            let rules = change(rules.with_issuer(issuer));
            return self.verify_with(token, &rules, may_be_hmac).await;
        }
        let claims = self.verify_with(token, &change(rules), may_be_hmac).await?;
        match tenant_issuer(issuer, &claims) {
            Some(wanted) if claims.issuer() == Some(wanted.as_str()) => Ok(claims),
            _ => Err(ValidationError::InvalidIssuer.into()),
        }
    }

    async fn verify_with(
        self: &Arc<Self>,
        token: &str,
        rules: &Verifier,
        may_be_hmac: bool,
    ) -> Result<Claims, OAuth2Error> {
        let now = self.now();
        // Without a choice of HMAC the rules refuse it, and the header is read once.
        if !may_be_hmac {
            return self.check_with_keys(|keys| rules.verify(token, keys, now)).await;
        }
        let algorithm = algorithm_of(token).map_err(ValidationError::from)?;
        if !algorithm.is_hmac() {
            return self.check_with_keys(|keys| rules.verify(token, keys, now)).await;
        }
        let key = HmacKey::from_secret(algorithm, self.config.credentials.expose_secret()?.as_bytes());
        let key = key.map_err(|_| ValidationError::JwtSignatureInvalid)?;
        Ok(rules.verify_hmac(token, &key, now).map_err(ValidationError::from)?)
    }
}

/// Where the issuer of a provider with many tenants names the one of a token.
pub(crate) const TENANT: &str = "{tenantid}";

/// The issuer of the tenant that the token names.
fn tenant_issuer(template: &str, claims: &Claims) -> Option<String> {
    Some(template.replace(TENANT, claims.text("tid")?)).filter(|issuer| is_issuer(template, issuer))
}

/// Whether it is the issuer, or that of any one tenant. The name of a tenant is nothing but one, so that no other path can be made of
/// it.
pub(crate) fn is_issuer(known: &str, issuer: &str) -> bool {
    let Some((before, after)) = known.split_once(TENANT) else { return known == issuer };
    let tenant = issuer.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    tenant.is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|sign| sign.is_ascii_alphanumeric() || sign == b'-')
    })
}

/// What the header says, which decides on the kind of key and on nothing else.
fn algorithm_of(token: &str) -> Result<Algorithm, JwtError> {
    Ok(jws::Header::parse(jws::split(token, jws::MAX_LENGTH)?.header)?.alg)
}

fn invalid(reason: &str) -> ValidationError {
    ValidationError::InvalidJwt { reason: reason.to_owned() }
}

/// Rules 3 to 5 and 10, and the claims that are required.
fn check_claims(
    claims: &Claims,
    client_id: &str,
    policy: &IdTokenPolicy,
    now: Timestamp,
) -> Result<(), ValidationError> {
    let is_known =
        |name: &str| name == client_id || policy.trusted_audiences.iter().any(|other| other == name);
    let audience = claims.audience();
    if !audience.iter().all(|name| is_known(name)) {
        return Err(ValidationError::InvalidAudience);
    }
    match claims.get("azp") {
        Some(Value::String(party)) if party == client_id => {}
        Some(_) => return Err(ValidationError::InvalidAudience),
        None if audience.len() > 1 => return Err(ValidationError::InvalidAudience),
        None => {}
    }
    if claims.subject().is_none_or(str::is_empty) {
        return Err(invalid("sub is missing"));
    }
    match claims.issued_at() {
        None => Err(invalid("iat is missing")),
        Some(issued) if issued > now.plus(policy.leeway) => Err(invalid("iat is in the future")),
        Some(_) => Ok(()),
    }
}

/// Rules 11 to 13, and the hashes of §3.1.3.6 and §3.3.2.11.
fn check_binding(
    claims: &Claims,
    token: &str,
    expected: &Expected<'_>,
    policy: &IdTokenPolicy,
    now: Timestamp,
) -> Result<(), ValidationError> {
    if let Some(nonce) = expected.nonce {
        let found = claims.text("nonce").unwrap_or_default();
        if !constant_time_eq(sha256(found), sha256(nonce)) {
            return Err(ValidationError::NonceMismatch);
        }
    }
    for (name, bound) in [("at_hash", expected.access_token), ("c_hash", expected.code)] {
        let (Some(found), Some(bound), true) = (claims.get(name), bound, policy.checks_hashes) else {
            continue;
        };
        if found.as_str() != Some(left_half(algorithm_of(token)?, bound).as_str()) {
            return Err(ValidationError::HashMismatch(name));
        }
    }
    let Some(max_age) = expected.max_age else { return Ok(()) };
    let signed_in = claims.get("auth_time").and_then(Value::as_i64).map(Timestamp::from_seconds);
    let signed_in = signed_in.ok_or_else(|| invalid("auth_time is missing"))?;
    if now > signed_in.plus(Seconds(max_age)).plus(policy.leeway) {
        return Err(ValidationError::AuthenticationTooOld);
    }
    Ok(())
}
