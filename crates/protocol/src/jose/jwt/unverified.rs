//! What a token says before anyone has checked it.

use std::fmt;

use super::{JwtError, JwtHeader};
use crate::jose::json::{self, Members};
use crate::jose::{base64url, jws};

/// What a token says of itself, unchecked. Good for one thing: finding the keys to check it with. It does not turn
/// into [`super::Claims`].
pub struct Unverified {
    header: JwtHeader,
    members: Members,
}

impl Unverified {
    /// Reads header and payload and ignores the signature.
    ///
    /// # Errors
    /// As for [`super::Verifier::verify`], as far as form goes.
    pub fn parse(token: &str) -> Result<Self, JwtError> {
        let parts = jws::split(token, jws::MAX_LENGTH)?;
        let header = jws::Header::parse(parts.header)?.into();
        let payload = base64url::decode(parts.payload).map_err(|_| JwtError::Malformed)?;
        let members = json::parse_object(&payload).ok_or(JwtError::Malformed)?;
        Ok(Self { header, members })
    }

    /// The header.
    pub const fn header(&self) -> &JwtHeader {
        &self.header
    }

    /// Who claims to have made the token.
    pub fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// Whom the token claims to be about.
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// Any claim, if it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        json::optional_text(&self.members, name).unwrap_or(None)
    }
}

/// The header only: the claims are about people.
impl fmt::Debug for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified").field("header", &self.header).finish_non_exhaustive()
    }
}
