//! The one place that draws randomness.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use ayb_protocol::time::Timestamp;
use uuid::Uuid;
use zeroize::Zeroizing;

/// The kinds of signing key that can be generated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyKind {
    /// RSA with a modulus of 2048 bits, for RS256.
    Rsa2048,
    /// The curve P-256, for ES256.
    P256,
    /// The curve of EdDSA.
    Ed25519,
}

/// The random number generator of the system did not answer. Nothing can be issued without it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the system's random number generator failed")]
pub struct EntropyError;

/// Draws randomness from the cryptographic generator. Clones share the sequence of row keys.
#[derive(Clone, Debug)]
pub struct Entropy(Arc<Sequence>);

impl Entropy {
    /// Opens the generator of the system.
    ///
    /// # Errors
    /// When the generator gives nothing.
    pub fn open() -> Result<Self, EntropyError> {
        let seed = u64::from_be_bytes(draw::<8>()?);
        Ok(Self(Arc::new(Sequence {
            seed,
            last: AtomicU64::new(0),
            names: AtomicU64::new(0),
            hasher: RandomState::new(),
        })))
    }

    /// Fills `target` with random bytes.
    ///
    /// # Errors
    /// When the generator gives nothing; `target` must not be used then.
    pub fn fill(&self, target: &mut [u8]) -> Result<(), EntropyError> {
        fill(target)
    }

    /// Draws `N` random bytes.
    ///
    /// # Errors
    /// When the generator gives nothing.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], EntropyError> {
        draw()
    }

    /// Draws a UUID of version 7 (RFC 9562 §5.7): 48 bits of milliseconds, 74 random bits.
    ///
    /// # Errors
    /// When the generator gives nothing.
    pub fn uuid_v7(&self, now: Timestamp) -> Result<Uuid, EntropyError> {
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        Ok(uuid::Builder::from_unix_timestamp_millis(millis, &draw()?).into_uuid())
    }

    /// The next row key: larger than each one before it in this process, even when the clock stands still or
    /// jumps back. From the highest bit: 48 bits of Unix milliseconds, 12 bits of counter, 4 bits of lane.
    ///
    /// A full counter carries into the milliseconds. The lane belongs to the process, and the counter starts each
    /// millisecond at a place that depends on the process, so two servers on one database seldom draw the same key; the
    /// primary key refuses the rare twin. The sign bit of a 64-bit column stays clear until the year 6429.
    pub fn sequence(&self, now: Timestamp) -> u64 {
        self.0.next(now)
    }

    /// A UUID of version 7 for what needs a name and no secret: its 74 bits come from a keyed hash (SipHash) of a
    /// counter, which is much cheaper than randomness and shows no count either.
    pub fn name(&self, now: Timestamp) -> Uuid {
        let count = self.0.names.fetch_add(1, Ordering::Relaxed);
        let mut bits = [0; 10];
        bits[..8].copy_from_slice(&self.0.hasher.hash_one(count).to_be_bytes());
        bits[8..].copy_from_slice(&self.0.hasher.hash_one((count, 0_u8)).to_be_bytes()[..2]);
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &bits).into_uuid()
    }

    /// Seeds a keyed hash (SipHash), so that nobody outside can aim at a slot of a table.
    pub fn hasher(&self) -> RandomState {
        RandomState::new()
    }

    /// Generates a private key as PKCS#8 version 1 (RFC 5208).
    ///
    /// # Errors
    /// When the generator gives nothing.
    pub fn private_key(&self, kind: KeyKind) -> Result<Zeroizing<Vec<u8>>, EntropyError> {
        let key = match kind {
            KeyKind::Rsa2048 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| EntropyError)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| EntropyError)?;
                Zeroizing::new(der.as_ref().to_vec())
            }
            KeyKind::P256 => {
                let pair =
                    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| EntropyError)?;
                copy(pair.to_pkcs8v1().map_err(|_| EntropyError)?.as_ref())
            }
            KeyKind::Ed25519 => {
                let pair = Ed25519KeyPair::generate().map_err(|_| EntropyError)?;
                copy(pair.to_pkcs8v1().map_err(|_| EntropyError)?.as_ref())
            }
        };
        Ok(key)
    }
}

fn copy(der: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(der.to_vec())
}

#[expect(clippy::disallowed_methods, reason = "this is the one file that draws randomness")]
fn fill(target: &mut [u8]) -> Result<(), EntropyError> {
    rand::fill(target).map_err(|_| EntropyError)
}

fn draw<const N: usize>() -> Result<[u8; N], EntropyError> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

/// Where a millisecond's counter may start at most; the rest is head-room before the carry.
const START_MASK: u64 = 0x7ff;
const MILLIS_MAX: u64 = (1 << 47) - 1;

#[derive(Debug)]
struct Sequence {
    seed: u64,
    last: AtomicU64,
    names: AtomicU64,
    hasher: RandomState,
}

impl Sequence {
    fn next(&self, now: Timestamp) -> u64 {
        let millis = u64::try_from(now.as_millis()).unwrap_or(0).min(MILLIS_MAX);
        let lane = self.seed & 0xf;
        let first = millis << 16 | self.start(millis) << 4 | lane;
        let following = |last: u64| if first > last { first } else { last.wrapping_add(1 << 4) };
        let last = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(following(last)));
        following(last.unwrap_or_else(|unchanged| unchanged))
    }

    /// Spreads the first counter of each millisecond, differently in each process (the finaliser of MurmurHash3).
    fn start(&self, millis: u64) -> u64 {
        let mut mixed = millis ^ self.seed;
        mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        (mixed ^ (mixed >> 33)) & START_MASK
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn row_keys_rise_while_the_clock_stands_still_or_jumps_back() {
        let entropy = Entropy::open().unwrap();
        let mut last = 0;
        for step in 0..20_000_i64 {
            let now = if step == 10_000 { at(1_700_000_000_000 - 3_600_000) } else { at(1_700_000_000_000) };
            let key = entropy.sequence(now);
            assert!(key > last, "key {step} does not rise");
            last = key;
        }
        assert!(last >> 16 > 1_700_000_000_000, "a full counter carries into the milliseconds");
    }

    #[test]
    fn a_row_key_prefixs_with_the_milliseconds() {
        let entropy = Entropy::open().unwrap();
        assert_eq!(entropy.sequence(at(1_700_000_000_123)) >> 16, 1_700_000_000_123);
        assert_eq!(entropy.sequence(at(1_700_000_000_124)) >> 16, 1_700_000_000_124);
    }

    #[test]
    fn hostile_clocks_neither_panic_nor_repeat_a_row_key() {
        let entropy = Entropy::open().unwrap();
        let mut seen = HashSet::new();
        for now in [at(i64::MIN), at(-1), at(0), at(i64::MAX), at(i64::MAX), at(0), at(i64::MIN)] {
            assert!(seen.insert(entropy.sequence(now)));
        }
        assert!(seen.iter().all(|key| i64::try_from(*key).is_ok()));
    }

    #[test]
    fn threads_never_share_a_row_key() {
        let entropy = Entropy::open().unwrap();
        let draw = |entropy: Entropy| move || (0..5_000).map(|_| entropy.sequence(at(1))).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(draw(entropy.clone()))).collect();
        let keys: Vec<u64> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
    }

    #[test]
    fn uuids_are_of_version_7_in_order_of_time_and_differ() {
        let entropy = Entropy::open().unwrap();
        let early = entropy.uuid_v7(at(1_700_000_000_000)).unwrap();
        let late = entropy.uuid_v7(at(1_700_000_000_001)).unwrap();
        assert_eq!(early.get_version_num(), 7);
        assert!(early < late);
        assert_ne!(early, entropy.uuid_v7(at(1_700_000_000_000)).unwrap());
        assert_eq!(entropy.uuid_v7(at(-1)).unwrap().get_version_num(), 7);
    }

    #[test]
    fn names_differ_between_calls_and_between_processes() {
        let (entropy, other) = (Entropy::open().unwrap(), Entropy::open().unwrap());
        let now = at(1_700_000_000_000);
        let names: HashSet<_> = (0..10_000).flat_map(|_| [entropy.name(now), other.name(now)]).collect();
        assert_eq!(names.len(), 20_000);
        assert!(
            names
                .iter()
                .all(|name| name.get_version_num() == 7 && *name < entropy.name(at(1_700_000_000_001)))
        );
    }

    #[test]
    fn random_bytes_fill_the_whole_target() {
        let entropy = Entropy::open().unwrap();
        let mut target = [0; 64];
        entropy.fill(&mut target).unwrap();
        assert!(target.chunks(16).all(|chunk| chunk.iter().any(|byte| *byte != 0)));
        assert_ne!(entropy.bytes::<32>().unwrap(), entropy.bytes::<32>().unwrap());
    }

    #[test]
    fn generated_keys_can_be_read_back() {
        let entropy = Entropy::open().unwrap();
        let rsa = entropy.private_key(KeyKind::Rsa2048).unwrap();
        assert_eq!(RsaKeyPair::from_pkcs8(&rsa).unwrap().public_modulus_len(), 256);
        let p256 = entropy.private_key(KeyKind::P256).unwrap();
        assert!(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &p256).is_ok());
        let ed25519 = entropy.private_key(KeyKind::Ed25519).unwrap();
        assert!(Ed25519KeyPair::from_pkcs8(&ed25519).is_ok());
    }
}
