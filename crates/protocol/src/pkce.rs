//! Proof Key for Code Exchange (RFC 7636), method S256 only.

use crate::error::{ErrorCode, Refusal};
use crate::jose;
use std::fmt;
use zeroize::Zeroizing;

/// The only method there is; `plain` does not exist.
pub const METHOD_S256: &str = "S256";

/// The challenge of an authorization request: base64url of a SHA-256 hash (RFC 7636 §4.2).
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct CodeChallenge([u8; 32]);

impl CodeChallenge {
    /// Reads the parameters `code_challenge` and `code_challenge_method`.
    ///
    /// # Errors
    /// `invalid_request` when the challenge is missing or not the base64url of 32 bytes, and when the method is
    /// anything but `S256`; a missing method would mean `plain` (RFC 7636 §4.3).
    pub fn parse(challenge: Option<&str>, method: Option<&str>) -> Result<Self, Refusal> {
        let refuse = |text| Err(Refusal::new(ErrorCode::InvalidRequest, text));
        let Some(challenge) = challenge else {
            return refuse("PKCE is required: code_challenge is missing.");
        };
        if method != Some(METHOD_S256) {
            return refuse("PKCE is required with code_challenge_method=S256.");
        }
        Self::from_stored(challenge).ok_or(Refusal::new(
            ErrorCode::InvalidRequest,
            "code_challenge is not the base64url of a SHA-256 hash.",
        ))
    }

    /// Reads back a stored challenge.
    pub fn from_stored(text: &str) -> Option<Self> {
        Some(Self(jose::base64url::decode(text).ok()?.try_into().ok()?))
    }

    /// Whether `verifier` is the one that the challenge was made from (RFC 7636 §4.6).
    pub fn matches(&self, verifier: &CodeVerifier) -> bool {
        jose::constant_time_eq(self.0, jose::sha256(verifier.0.as_bytes()))
    }
}

impl fmt::Display for CodeChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&jose::base64url::encode(self.0))
    }
}

impl fmt::Debug for CodeChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodeChallenge({self})")
    }
}

/// The verifier of a token request: 43 to 128 unreserved characters (RFC 7636 §4.1).
#[derive(Clone)]
pub struct CodeVerifier(Zeroizing<String>);

impl CodeVerifier {
    /// Reads the parameter `code_verifier`.
    ///
    /// # Errors
    /// `invalid_request` when its length or alphabet is wrong.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let alphabet =
            text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'));
        if !(43..=128).contains(&text.len()) || !alphabet {
            return Err(Refusal::new(
                ErrorCode::InvalidRequest,
                "code_verifier must have 43 to 128 unreserved characters.",
            ));
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// Makes a verifier out of 32 random bytes that `fill` writes (RFC 7636 §4.1 recommends exactly that many).
    pub fn generate(fill: impl FnOnce(&mut [u8])) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        fill(&mut *bytes);
        Self(Zeroizing::new(jose::base64url::encode(bytes.as_slice())))
    }

    /// The text itself, for the token request and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The challenge that belongs to this verifier.
    pub fn challenge(&self) -> CodeChallenge {
        CodeChallenge(jose::sha256(self.0.as_bytes()))
    }
}

impl fmt::Debug for CodeVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeVerifier(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_rfc_7636_appendix_b_matches() {
        let challenge = CodeChallenge::parse(Some(CHALLENGE), Some("S256")).expect("valid");
        let verifier = CodeVerifier::parse(VERIFIER).expect("valid");
        assert!(challenge.matches(&verifier));
        assert_eq!(verifier.challenge().to_string(), CHALLENGE);
        assert!(!challenge.matches(&CodeVerifier::parse(&VERIFIER.replace('k', "l")).expect("valid")));
    }

    #[test]
    fn a_generated_verifier_is_well_formed_and_holds_all_its_randomness() {
        let verifier = CodeVerifier::generate(|bytes| bytes.fill(0xfe));
        assert_eq!(verifier.expose().len(), 43);
        assert!(CodeVerifier::parse(verifier.expose()).is_ok());
        assert_eq!(jose::base64url::decode(verifier.expose()).expect("base64url"), [0xfe; 32]);
    }

    #[test]
    fn plain_and_missing_methods_are_refused() {
        for (challenge, method) in [
            (Some(CHALLENGE), None),
            (Some(CHALLENGE), Some("plain")),
            (Some(CHALLENGE), Some("s256")),
            (Some(CHALLENGE), Some("")),
            (None, Some("S256")),
            (None, None),
        ] {
            assert!(CodeChallenge::parse(challenge, method).is_err(), "{challenge:?} {method:?}");
        }
    }

    #[test]
    fn malformed_challenges_and_verifiers_are_refused() {
        let padded = format!("{CHALLENGE}=");
        for bad in [VERIFIER.get(1..).unwrap_or(""), "", &padded, &CHALLENGE.replace('-', "+")] {
            assert!(CodeChallenge::parse(Some(bad), Some("S256")).is_err(), "{bad}");
        }
        let long = "a".repeat(129);
        for bad in
            ["", &"a".repeat(42), &long, &format!("{}é", "a".repeat(50)), &format!("{} ", "a".repeat(50))]
        {
            assert!(CodeVerifier::parse(bad).is_err(), "{bad}");
        }
        assert!(CodeVerifier::parse(&"a".repeat(128)).is_ok());
    }
}
