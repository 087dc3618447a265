//! PKCE (RFC 7636), on the words of `ayb-protocol`.

use std::fmt;

use ayb_primitives::types::{RandomProvider, SystemRandom};
use ayb_protocol::pkce::CodeVerifier;

use crate::error::{OAuth2Error, TokenError};

/// How a challenge is made from a verifier (RFC 7636 §4.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PkceMethod {
    /// SHA-256.
    S256,
    /// The verifier itself. It protects against nothing that reads the authorization request.
    Plain,
}

impl PkceMethod {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S256 => "S256",
            Self::Plain => "plain",
        }
    }
}

/// The secret behind a challenge: 43 to 128 unreserved characters.
#[derive(Clone)]
pub struct PkceVerifier(CodeVerifier);

impl PkceVerifier {
    /// A new one with 256 bits of the system's randomness.
    pub fn generate() -> Self {
        Self::draw(&SystemRandom)
    }

    pub(crate) fn draw(random: &dyn RandomProvider) -> Self {
        Self(CodeVerifier::generate(|bytes| random.fill(bytes)))
    }

    /// One that was kept somewhere.
    ///
    /// # Errors
    /// [`TokenError::InvalidRequest`] when it has not the form of RFC 7636 §4.1.
    pub fn from_secret(text: &str) -> Result<Self, OAuth2Error> {
        let wrong = |refusal: ayb_protocol::error::Refusal| TokenError::InvalidRequest {
            message: refusal.public.to_owned(),
            answer: None,
        };
        Ok(Self(CodeVerifier::parse(text).map_err(wrong)?))
    }

    /// The text itself, for the token request and for nothing else.
    pub fn secret(&self) -> &str {
        self.0.expose()
    }

    /// The challenge for the authorization request.
    pub fn challenge(&self, method: PkceMethod) -> String {
        match method {
            PkceMethod::S256 => self.0.challenge().to_string(),
            PkceMethod::Plain => self.secret().to_owned(),
        }
    }
}

impl fmt::Debug for PkceVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PkceVerifier([REDACTED])")
    }
}
