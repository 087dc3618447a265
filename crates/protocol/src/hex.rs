//! Lowercase hexadecimal, the form in which hashes are stored.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The text is not lowercase hexadecimal of whole bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not lowercase hexadecimal")]
pub struct HexError;

/// Two lowercase digits for each byte.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    let mut text = String::with_capacity(bytes.as_ref().len() * 2);
    encode_into(bytes, &mut text);
    text
}

/// Writes two lowercase digits for each byte behind `text`.
pub fn encode_into(bytes: impl AsRef<[u8]>, text: &mut String) {
    let bytes = bytes.as_ref();
    text.reserve(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 0x0f)]));
    }
}

/// The bytes that [`encode`] turns into exactly this text.
///
/// # Errors
/// [`HexError`] for an odd length and for every character outside `0-9a-f`. Uppercase is refused, so that one value
/// has one spelling.
pub fn decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, HexError> {
    let text = text.as_ref();
    if !text.len().is_multiple_of(2) {
        return Err(HexError);
    }
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for pair in text.chunks_exact(2) {
        bytes.push(digit(pair[0])? << 4 | digit(pair[1])?);
    }
    Ok(bytes)
}

fn digit(character: u8) -> Result<u8, HexError> {
    match character {
        b'0'..=b'9' => Ok(character - b'0'),
        b'a'..=b'f' => Ok(character - b'a' + 10),
        _ => Err(HexError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_the_round_trip() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text = encode(&bytes);
        assert_eq!(text.len(), 512);
        assert!(text.starts_with("000102") && text.ends_with("fdfeff"));
        assert_eq!(decode(text), Ok(bytes));
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in ["0", "0A", "FF", "0g", " 00", "00 ", "0x00", "é"] {
            assert_eq!(decode(text), Err(HexError), "{text:?}");
        }
        assert_eq!(decode(""), Ok(Vec::new()));
    }
}
