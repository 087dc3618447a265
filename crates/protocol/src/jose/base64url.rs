//! Base64url without padding (RFC 7515 §2, RFC 4648 §5): one spelling for each value.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The text is not the base64url spelling of any bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not base64url without padding")]
pub struct Base64UrlError;

/// Encodes without padding.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Appends the encoding of `bytes` to `text`.
pub(crate) fn encode_into(bytes: &[u8], text: &mut String) {
    URL_SAFE_NO_PAD.encode_string(bytes, text);
}

/// Decodes the text that [`encode`] would have written.
///
/// # Errors
/// [`Base64UrlError`] for padding, white space, a character outside the alphabet and unused bits that are not zero.
/// Tolerance here would let two different texts pass for one token.
pub fn decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, Base64UrlError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Base64UrlError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_4648_examples_read_back() {
        for (bytes, text) in
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE")]
        {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text).unwrap(), bytes.as_bytes());
        }
        assert_eq!(encode([0xfb, 0xff]), "-_8");
    }

    #[test]
    fn a_second_spelling_is_refused() {
        // Padding, white space, the other alphabet, unused bits set, an impossible length, foreign characters.
        for text in
            ["Zg==", "Zg=", "Z g", " Zg", "Zg\n", "+/8", "Zh", "Zm9", "Z", "AAAAA", "Zg.", "Zg?", "Zg\0", "é"]
        {
            assert_eq!(decode(text), Err(Base64UrlError), "{text:?}");
        }
    }
}
