//! Hashes and comparisons that the rest of the product shares, so that one library does all cryptography.

use std::fmt;

use aws_lc_rs::{constant_time, digest, hmac};

/// SHA-256 of `bytes`.
pub fn sha256(bytes: impl AsRef<[u8]>) -> [u8; 32] {
    fixed(digest::digest(&digest::SHA256, bytes.as_ref()).as_ref())
}

/// HMAC-SHA-256 of `bytes` under `key` (RFC 2104). Any key length is taken; the caller chooses a long one.
pub fn hmac_sha256(key: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) -> [u8; 32] {
    MacKey::new(key).sign([bytes.as_ref()])
}

/// A key of HMAC-SHA-256 that is used often: its schedule is worked out once.
#[derive(Clone)]
pub struct MacKey(hmac::Key);

impl MacKey {
    /// Any key length is taken; the caller chooses a long one.
    pub fn new(key: impl AsRef<[u8]>) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()))
    }

    /// The code of all `parts`, one after the other without anything between them.
    pub fn sign<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        fixed(context.sign().as_ref())
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(redacted)")
    }
}

/// Whether both are equal, in a time that depends on their lengths only.
#[must_use]
pub fn constant_time_eq(a: impl AsRef<[u8]>, b: impl AsRef<[u8]>) -> bool {
    constant_time::verify_slices_are_equal(a.as_ref(), b.as_ref()).is_ok()
}

fn fixed(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(bytes);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    #[test]
    fn sha256_of_the_nist_examples() {
        assert_eq!(
            hex::encode(sha256("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            hex::encode(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn hmac_of_rfc_4231_case_2() {
        let mac = hmac_sha256("Jefe", "what do ya want for nothing?");
        assert_eq!(hex::encode(mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn parts_are_authenticated_as_if_they_were_one() {
        let key = MacKey::new("Jefe");
        let whole = key.sign([b"what do ya want for nothing?".as_slice()]);
        assert_eq!(key.sign([b"what do ya ".as_slice(), b"want for nothing?"]), whole);
        assert_eq!(format!("{key:?}"), "MacKey(redacted)");
    }

    #[test]
    fn equality_looks_at_length_and_every_byte() {
        assert!(constant_time_eq("", ""));
        assert!(constant_time_eq("abc", b"abc"));
        for other in ["", "ab", "abcd", "abd", "bbc"] {
            assert!(!constant_time_eq("abc", other), "{other:?}");
        }
    }
}
