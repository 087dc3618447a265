//! AES-256-GCM with a random nonce, for what is kept outside this process.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ayb_primitives::types::RandomProvider;
use zeroize::Zeroizing;

/// The key is another one, or something was changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Unopenable;

/// Encrypts `plain`; `bound` is not stored and must be the same when it is opened. Nonce first, then text and tag.
pub(crate) fn seal(
    key: &[u8; 32],
    bound: &[u8],
    plain: &[u8],
    random: &dyn RandomProvider,
) -> Result<Vec<u8>, Unopenable> {
    let mut nonce = [0; NONCE_LEN];
    random.fill(&mut nonce);
    // The copy is encrypted in place, so no clear text is left in it.
    let mut text = plain.to_vec();
    let key = UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| Unopenable)?;
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound), &mut text)
        .map_err(|_| Unopenable)?;
    let mut sealed = nonce.to_vec();
    sealed.extend_from_slice(&text);
    Ok(sealed)
}

/// Decrypts what [`seal`] made.
pub(crate) fn open(key: &[u8; 32], bound: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unopenable> {
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(Unopenable)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unopenable)?;
    let key = UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| Unopenable)?;
    let mut text = Zeroizing::new(text.to_vec());
    let length = key.open_in_place(nonce, Aad::from(bound), &mut text).map_err(|_| Unopenable)?.len();
    text.truncate(length);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ayb_primitives::types::SystemRandom;

    #[test]
    fn only_the_same_key_and_the_same_bound_text_open_it() {
        let sealed = seal(&[1; 32], b"bound", b"canary", &SystemRandom).unwrap();
        assert_eq!(open(&[1; 32], b"bound", &sealed).unwrap().as_slice(), b"canary");
        assert!(!sealed.windows(6).any(|part| part == b"canary"));
        assert_eq!(open(&[2; 32], b"bound", &sealed), Err(Unopenable));
        assert_eq!(open(&[1; 32], b"other", &sealed), Err(Unopenable));
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            assert_eq!(open(&[1; 32], b"bound", &flipped), Err(Unopenable), "bit of byte {at}");
        }
        assert_eq!(open(&[1; 32], b"bound", &sealed[..5]), Err(Unopenable));
    }
}
