//! A name for each request, so that a user's report finds its log line.

use std::fmt;
use std::sync::Arc;

use ayb_protocol::time::Timestamp;
use http::{HeaderMap, HeaderValue};
use uuid::fmt::Hyphenated;

use crate::entropy::Entropy;
use crate::http::headers::X_REQUEST_ID;

const MAX_LEN: usize = 128;
/// The length of a UUID as text.
const LENGTH: usize = Hyphenated::LENGTH;

/// The identifier of a request; the edge layer puts it into the request's extensions and the answer's headers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestId(Text);

/// Almost every identifier is ours and of one length, and needs no memory of its own.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Text {
    Fresh([u8; LENGTH]),
    Given(Arc<str>),
}

impl RequestId {
    /// The identifier that a trusted proxy gave, if it is one of up to 128 letters, digits, `.`, `_` and `-`; else a
    /// fresh one. Strangers do not choose what our log says.
    pub fn of(headers: &HeaderMap, from_trusted_proxy: bool, entropy: &Entropy, now: Timestamp) -> Self {
        let given = from_trusted_proxy.then(|| Self::read(headers)).flatten();
        given.unwrap_or_else(|| Self::generate(entropy, now))
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // The bytes are hexadecimal digits and hyphens.
            Text::Fresh(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
            Text::Given(text) => text,
        }
    }

    /// The identifier as the value of `X-Request-Id`.
    pub fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(self.as_str()).ok()
    }

    fn read(headers: &HeaderMap) -> Option<Self> {
        let mut fields = headers.get_all(X_REQUEST_ID).iter();
        let (text, None) = (fields.next()?.to_str().ok()?, fields.next()) else {
            return None;
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let sane = !text.is_empty() && text.len() <= MAX_LEN && text.bytes().all(plain);
        sane.then(|| Self(Text::Given(text.into())))
    }

    fn generate(entropy: &Entropy, now: Timestamp) -> Self {
        let mut bytes = [0; LENGTH];
        entropy.name(now).hyphenated().encode_lower(&mut bytes);
        Self(Text::Fresh(bytes))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(fields: &[&str], trusted: bool) -> String {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(X_REQUEST_ID, HeaderValue::from_bytes(field.as_bytes()).unwrap());
        }
        RequestId::of(&headers, trusted, &Entropy::open().unwrap(), Timestamp::from_seconds(1)).to_string()
    }

    #[test]
    fn a_sane_identifier_of_a_trusted_proxy_is_kept() {
        let longest = "a".repeat(128);
        for given in ["abc", "req_1.2-3", longest.as_str()] {
            assert_eq!(id(&[given], true), given);
        }
    }

    #[test]
    fn anything_else_gets_a_fresh_identifier() {
        let too_long = "a".repeat(129);
        for given in ["", "a b", "a\"b", "a{}b", "<script>", "\u{e9}", too_long.as_str()] {
            assert_ne!(id(&[given], true), given);
        }
        assert_ne!(id(&["abc"], false), "abc", "a stranger does not name requests");
        assert_ne!(id(&["abc", "abc"], true), "abc");
        assert_eq!(id(&[], false).len(), 36);
        assert_ne!(id(&[], false), id(&[], false));
    }
}
