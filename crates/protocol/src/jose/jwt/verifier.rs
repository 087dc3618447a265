//! The one place where a token becomes [`Claims`].

use std::borrow::Cow;

use super::{Claims, JwtError};
use crate::jose::{Algorithm, HmacKey, VerifyingKeys, base64url, jws};
use crate::time::{Seconds, Timestamp};

/// What `typ` has to be. Kinds of token that share keys must differ in it (RFC 8725 §3.11, §3.12).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ExpectedType {
    /// This type, and the header must say so.
    Is(Cow<'static, str>),
    /// This type, or no `typ` at all: for kinds of token that are older than the rule.
    IsOrAbsent(Cow<'static, str>),
    /// Not looked at.
    Any,
}

/// What `exp` has to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expiry {
    /// Present and in the future.
    Required,
    /// In the future when present.
    Optional,
    /// A number when present, but it may have passed: for `id_token_hint` (OpenID Connect RP-Initiated Logout 1.0 §2).
    MayHavePassed,
}

/// What a token must say to be accepted. Build it once and use it for every token of its kind.
#[derive(Clone, Debug)]
pub struct Verifier {
    algorithms: Vec<Algorithm>,
    typ: ExpectedType,
    issuer: Option<String>,
    audience: Option<Vec<String>>,
    leeway: Seconds,
    expiry: Expiry,
}

impl Verifier {
    /// Accepts these algorithms (RFC 8725 §3.1) and this type; `exp` is required, nothing is forgiven, and issuer and
    /// audience are not looked at until they are named.
    pub fn new(algorithms: impl Into<Vec<Algorithm>>, typ: ExpectedType) -> Self {
        Self {
            algorithms: algorithms.into(),
            typ,
            issuer: None,
            audience: None,
            leeway: Seconds(0),
            expiry: Expiry::Required,
        }
    }

    /// Requires `iss` to be exactly this.
    #[must_use]
    pub fn with_issuer(self, issuer: impl Into<String>) -> Self {
        Self { issuer: Some(issuer.into()), ..self }
    }

    /// Requires `aud` to name this. Called again, any one of the names will do.
    #[must_use]
    pub fn with_audience(self, audience: impl Into<String>) -> Self {
        let mut accepted = self.audience.unwrap_or_default();
        accepted.push(audience.into());
        Self { audience: Some(accepted), ..self }
    }

    /// Forgives clocks that differ by this much, for `exp` and `nbf`.
    #[must_use]
    pub fn with_leeway(self, leeway: Seconds) -> Self {
        Self { leeway, ..self }
    }

    /// Changes what `exp` has to be.
    #[must_use]
    pub fn with_expiry(self, expiry: Expiry) -> Self {
        Self { expiry, ..self }
    }

    /// Checks a token that was signed with a private key.
    ///
    /// # Errors
    /// The first reason found, signature before claims.
    pub fn verify(&self, token: &str, keys: &VerifyingKeys, now: Timestamp) -> Result<Claims, JwtError> {
        self.verify_by(token, now, |header, message, signature| {
            let key = keys.find(header.kid.as_deref(), header.alg).ok_or(JwtError::UnknownKey)?;
            Ok(key.verify(header.alg, message, signature))
        })
    }

    /// Checks a token that was authenticated with a shared secret.
    ///
    /// # Errors
    /// The first reason found, signature before claims.
    pub fn verify_hmac(&self, token: &str, key: &HmacKey, now: Timestamp) -> Result<Claims, JwtError> {
        self.verify_by(token, now, |header, message, tag| {
            if header.alg != key.algorithm() {
                return Err(JwtError::Algorithm);
            }
            Ok(key.verify(header.alg, message, tag))
        })
    }

    fn verify_by(
        &self,
        token: &str,
        now: Timestamp,
        check: impl FnOnce(&jws::Header, &[u8], &[u8]) -> Result<bool, JwtError>,
    ) -> Result<Claims, JwtError> {
        let parts = jws::split(token, jws::MAX_LENGTH)?;
        let header = jws::Header::parse(parts.header)?;
        if !self.algorithms.contains(&header.alg) {
            return Err(JwtError::Algorithm);
        }
        self.typ.check(header.typ.as_deref())?;
        let signature = base64url::decode(parts.signature).map_err(|_| JwtError::Malformed)?;
        if !check(&header, parts.signing_input.as_bytes(), &signature)? {
            return Err(JwtError::Signature);
        }
        let payload = base64url::decode(parts.payload).map_err(|_| JwtError::Malformed)?;
        let claims = Claims::parse(&payload)?;
        self.check_times(&claims, now)?;
        self.check_names(&claims)?;
        Ok(claims)
    }

    fn check_times(&self, claims: &Claims, now: Timestamp) -> Result<(), JwtError> {
        match (self.expiry, claims.expires_at()) {
            (Expiry::Required, None) => return Err(JwtError::Claim("exp")),
            // RFC 7519 §4.1.4: on or after this time it is not accepted.
            (Expiry::Required | Expiry::Optional, Some(end)) if now >= end.plus(self.leeway) => {
                return Err(JwtError::Expired);
            }
            _ => {}
        }
        match claims.not_before() {
            // RFC 7519 §4.1.5.
            Some(start) if now < start.minus(self.leeway) => Err(JwtError::NotYetValid),
            _ => Ok(()),
        }
    }

    fn check_names(&self, claims: &Claims) -> Result<(), JwtError> {
        // RFC 7519 §2 StringOrURI: compared as text, without any normalisation.
        if self.issuer.as_ref().is_some_and(|expected| claims.issuer() != Some(expected)) {
            return Err(JwtError::Issuer);
        }
        match &self.audience {
            Some(accepted)
                if !claims.audience().iter().any(|name| accepted.iter().any(|own| own == name)) =>
            {
                Err(JwtError::Audience)
            }
            _ => Ok(()),
        }
    }
}

impl ExpectedType {
    fn check(&self, found: Option<&str>) -> Result<(), JwtError> {
        let accepted = match (self, found) {
            (Self::Any, _) | (Self::IsOrAbsent(_), None) => true,
            (Self::Is(_), None) => false,
            (Self::Is(expected) | Self::IsOrAbsent(expected), Some(found)) => same_type(expected, found),
        };
        if accepted { Ok(()) } else { Err(JwtError::Type) }
    }
}

/// RFC 7515 §4.1.9: media types ignore case, and `application/` may be left out where no other slash follows.
fn same_type(a: &str, b: &str) -> bool {
    short_type(a).eq_ignore_ascii_case(short_type(b))
}

fn short_type(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match typ.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) && !rest.contains('/') => rest,
        _ => typ,
    }
}
