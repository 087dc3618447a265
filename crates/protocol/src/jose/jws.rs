//! JSON Web Signature in its compact form (RFC 7515 §7.1): reading it, signing and verifying any payload.

use std::fmt;

use serde_json::Value;

use super::json::{self, Members};
use super::{Algorithm, HmacKey, SigningError, SigningKey, VerifyingKey, base64url};

/// The longest token that is read, in bytes. Larger ones are refused before any work is done on them.
pub const MAX_LENGTH: usize = 16 * 1024;

/// Why a text is not a JWS that this crate reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, thiserror::Error)]
pub enum JwsError {
    /// Not three parts of base64url, or the header is not a JSON object with members of the right types, each once.
    #[error("the token is malformed")]
    Malformed,
    /// Longer than the limit.
    #[error("the token is too large")]
    TooLarge,
    /// `alg` is `none` or unknown.
    #[error("the algorithm is not supported")]
    Algorithm,
    /// `crit`, `b64` or `zip` ask for something that this crate does not do.
    #[error("the token uses an unsupported extension")]
    Critical,
    /// The key did not make this signature.
    #[error("the signature does not verify")]
    Signature,
}

/// The parts of a compact JWS as they stand in the text, not yet decoded.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Parts<'a> {
    /// The header in base64url.
    pub header: &'a str,
    /// The payload in base64url.
    pub payload: &'a str,
    /// The signature in base64url.
    pub signature: &'a str,
    /// What is signed: header, dot, payload (RFC 7515 §5.1).
    pub signing_input: &'a str,
}

/// Nothing of the text: whoever holds a token may use it.
impl fmt::Debug for Parts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// Splits a token of at most `limit` bytes at its dots.
///
/// # Errors
/// [`JwsError::TooLarge`], or [`JwsError::Malformed`] when there are not exactly three parts.
pub fn split(token: &str, limit: usize) -> Result<Parts<'_>, JwsError> {
    if token.len() > limit {
        return Err(JwsError::TooLarge);
    }
    let (signing_input, signature) = token.rsplit_once('.').ok_or(JwsError::Malformed)?;
    let (header, payload) = signing_input.split_once('.').ok_or(JwsError::Malformed)?;
    if payload.contains('.') {
        return Err(JwsError::Malformed);
    }
    Ok(Parts { header, payload, signature, signing_input })
}

/// The members of a JWS header that are acted on. A key or an address of a key in the header (`jwk`, `jku`, `x5c`,
/// `x5u`) is never trusted: whoever wrote the token wrote it too (RFC 8725 §3.9, §3.10).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Header {
    /// The algorithm.
    pub alg: Algorithm,
    /// The media type of the whole token.
    pub typ: Option<String>,
    /// The media type of the payload.
    pub cty: Option<String>,
    /// The name of the key.
    pub kid: Option<String>,
    members: Members,
}

impl Header {
    /// Reads a header from its base64url form.
    ///
    /// # Errors
    /// [`JwsError::Malformed`], [`JwsError::Algorithm`] or [`JwsError::Critical`].
    pub fn parse(text: &str) -> Result<Self, JwsError> {
        let bytes = base64url::decode(text).map_err(|_| JwsError::Malformed)?;
        let members = json::parse_object(&bytes).ok_or(JwsError::Malformed)?;
        refuse_extensions(&members)?;
        let alg = text_member(&members, "alg")?.ok_or(JwsError::Malformed)?;
        Ok(Self {
            alg: Algorithm::parse(&alg).ok_or(JwsError::Algorithm)?,
            typ: text_member(&members, "typ")?,
            cty: text_member(&members, "cty")?,
            kid: text_member(&members, "kid")?,
            members,
        })
    }

    /// Any other member, as the writer of the token set it.
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }
}

/// RFC 7515 §4.1.11: every name in `crit` must be understood; none is. RFC 7797 §3 and RFC 7516 §4.1.3 are not spoken, so
/// a token that was made with them is not taken for one that was not.
fn refuse_extensions(members: &Members) -> Result<(), JwsError> {
    let unencoded = members.get("b64").is_some_and(|value| *value != Value::Bool(true));
    if members.contains_key("crit") || members.contains_key("zip") || unencoded {
        return Err(JwsError::Critical);
    }
    Ok(())
}

fn text_member(members: &Members, name: &str) -> Result<Option<String>, JwsError> {
    match json::optional_text(members, name) {
        Ok(text) => Ok(text.map(str::to_owned)),
        Err(_) => Err(JwsError::Malformed),
    }
}

/// Signs `payload` under a header that names algorithm, key and, when it is not empty, `typ`.
///
/// # Errors
/// [`SigningError::Key`] when the library fails.
pub fn sign(key: &SigningKey, typ: &str, payload: &[u8]) -> Result<String, SigningError> {
    let mut token = signing_input(key.algorithm(), Some(key.kid()), typ, payload);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    base64url::encode_into(&signature, &mut token);
    Ok(token)
}

/// Signs `payload` under a header that carries the public key itself, for proofs that a client holds the private one. Whoever
/// verifies it learns nothing but that (RFC 9449 §4.2).
///
/// # Errors
/// [`SigningError::Key`] when the library fails.
pub fn sign_with_public_key(key: &SigningKey, typ: &str, payload: &[u8]) -> Result<String, SigningError> {
    let jwk = key.public_jwk().bare().to_json();
    let header = format!("{{\"alg\":\"{}\",\"typ\":{},\"jwk\":{jwk}}}", key.algorithm(), Value::from(typ));
    let mut token = joined(&header, payload);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    base64url::encode_into(&signature, &mut token);
    Ok(token)
}

/// Authenticates `payload` with a shared secret. The header names no key.
pub fn sign_hmac(key: &HmacKey, typ: &str, payload: &[u8]) -> String {
    let mut token = signing_input(key.algorithm(), None, typ, payload);
    let tag = key.sign(token.as_bytes());
    token.push('.');
    base64url::encode_into(&tag, &mut token);
    token
}

fn signing_input(algorithm: Algorithm, kid: Option<&str>, typ: &str, payload: &[u8]) -> String {
    let mut header = format!("{{\"alg\":\"{algorithm}\"");
    for (name, value) in [("typ", Some(typ).filter(|typ| !typ.is_empty())), ("kid", kid)] {
        if let Some(value) = value {
            header.push_str(&format!(",\"{name}\":{}", Value::from(value)));
        }
    }
    header.push('}');
    joined(&header, payload)
}

fn joined(header: &str, payload: &[u8]) -> String {
    // Room for the signature of a 4096-bit key, so that the text grows once.
    let mut text = String::with_capacity((header.len() + payload.len()) * 4 / 3 + 700);
    base64url::encode_into(header.as_bytes(), &mut text);
    text.push('.');
    base64url::encode_into(payload, &mut text);
    text
}

/// Verifies a token of at most [`MAX_LENGTH`] bytes with one public key and returns its payload.
///
/// # Errors
/// Any [`JwsError`].
pub fn verify(token: &str, key: &VerifyingKey) -> Result<Vec<u8>, JwsError> {
    verify_by(token, |algorithm, message, signature| key.verify(algorithm, message, signature))
}

/// Verifies a token of at most [`MAX_LENGTH`] bytes with a shared secret and returns its payload.
///
/// # Errors
/// Any [`JwsError`].
pub fn verify_hmac(token: &str, key: &HmacKey) -> Result<Vec<u8>, JwsError> {
    verify_by(token, |algorithm, message, tag| key.verify(algorithm, message, tag))
}

fn verify_by(token: &str, check: impl FnOnce(Algorithm, &[u8], &[u8]) -> bool) -> Result<Vec<u8>, JwsError> {
    let parts = split(token, MAX_LENGTH)?;
    let header = Header::parse(parts.header)?;
    let payload = base64url::decode(parts.payload).map_err(|_| JwsError::Malformed)?;
    let signature = base64url::decode(parts.signature).map_err(|_| JwsError::Malformed)?;
    if !check(header.alg, parts.signing_input.as_bytes(), &signature) {
        return Err(JwsError::Signature);
    }
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_parts_within_the_limit_split() {
        let parts = split("a.b.c", 5).unwrap();
        assert_eq!(
            (parts.header, parts.payload, parts.signature, parts.signing_input),
            ("a", "b", "c", "a.b")
        );
        assert!(split("..", 5).is_ok(), "empty parts are for the readers of the parts");
    }

    #[test]
    fn other_counts_of_parts_and_larger_texts_are_refused() {
        for token in ["", "a", "a.b", "a.b.c.d", "a.b.c.", ".a.b.c", "....", "a.b.c.d.e"] {
            assert_eq!(split(token, 100), Err(JwsError::Malformed), "{token:?}");
        }
        assert_eq!(split("a.b.cd", 5), Err(JwsError::TooLarge));
    }

    #[test]
    fn debug_shows_nothing_of_a_token() {
        assert_eq!(format!("{:?}", split("head.body.mac", 100)), "Ok(Parts { .. })");
    }
}
