//! Secrets as they come out of the configuration: readable on purpose only, wiped when dropped.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Deserializer};
use zeroize::{Zeroize, Zeroizing};

/// A secret in text form. `Debug` shows that there is one and nothing else; there is no `Display`.
#[derive(Clone, Eq, PartialEq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes the text over as a secret.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretText(********)")
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// The 256-bit key under which the signing keys are encrypted at rest.
#[derive(Clone, Eq, PartialEq)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// A key from bytes that the server's randomness has drawn.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads 64 hexadecimal digits or the base64 form (either alphabet, padding optional) of 32 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = decode_hex(text).or_else(|| decode_base64(text))?;
        let key = <[u8; 32]>::try_from(bytes.as_slice()).ok().map(Self::from_bytes);
        bytes.zeroize();
        key
    }

    /// The key itself.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hexadecimal form, as `ayb init` and the key file write it.
    pub fn to_hex(&self) -> SecretText {
        SecretText::new(self.0.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MasterKey(********)")
    }
}

impl<'de> Deserialize<'de> for MasterKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = SecretText::deserialize(deserializer)?;
        Self::parse(text.expose()).ok_or_else(|| serde::de::Error::custom("not a master key"))
    }
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let form = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let standard = GeneralPurpose::new(&alphabet::STANDARD, form);
    let url_safe = GeneralPurpose::new(&alphabet::URL_SAFE, form);
    standard.decode(text).or_else(|_| url_safe.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_a_secret_does_not_show_it() {
        let secret = SecretText::new("correct horse".to_owned());
        assert_eq!(format!("{secret:?}"), "SecretText(********)");
        assert_eq!(secret.expose(), "correct horse");
        assert_eq!(format!("{:?}", MasterKey::from_bytes([7; 32])), "MasterKey(********)");
    }

    #[test]
    fn master_key_is_read_from_hex_and_both_base64_alphabets() {
        let key = MasterKey::from_bytes([0xfb; 32]);
        let hex = key.to_hex();
        let padded = "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=";
        for text in
            [hex.expose(), padded, &padded.replace('=', ""), &padded.replace('+', "-").replace('/', "_")]
        {
            assert_eq!(MasterKey::parse(text), Some(key.clone()), "{text}");
        }
    }

    #[test]
    fn anything_but_thirty_two_bytes_is_no_master_key() {
        for text in ["", "00", &"0".repeat(63), &"0".repeat(66), &"g".repeat(64), "c2hvcnQ=", &"é".repeat(32)]
        {
            assert_eq!(MasterKey::parse(text), None, "{text}");
        }
    }
}
