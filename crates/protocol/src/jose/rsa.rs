//! RSA public keys: what is accepted, and the DER form in which the library hands them out.

use super::KeyError;

const MIN_BITS: usize = 2048;
const MAX_BITS: usize = 8192;

/// An RSA public key that passed every check here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct RsaPublicKey {
    n: Vec<u8>,
    e: Vec<u8>,
}

impl RsaPublicKey {
    /// From modulus and exponent, big-endian without leading zeros (RFC 7518 §6.3.1, §2 `Base64urlUInt`).
    pub(super) fn from_components(n: Vec<u8>, e: Vec<u8>) -> Result<Self, KeyError> {
        if n.first().is_none_or(|byte| *byte == 0) || e.first().is_none_or(|byte| *byte == 0) {
            return Err(KeyError::Malformed);
        }
        // RFC 7518 §3.3: at least 2048 bits. The upper end bounds what one verification can cost.
        let bits = bits(&n);
        if bits < MIN_BITS {
            return Err(KeyError::Weak);
        }
        if bits > MAX_BITS || e.len() > 4 || is_even(&n) || is_even(&e) {
            return Err(KeyError::Invalid);
        }
        // With exponent 1 a message is its own signature.
        if e == [1] || has_roca_pattern(&n) {
            return Err(KeyError::Weak);
        }
        Ok(Self { n, e })
    }

    /// From the DER of `RSAPublicKey` (RFC 8017 appendix A.1.1).
    pub(super) fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let (body, rest) = der_value(der, 0x30).ok_or(KeyError::Malformed)?;
        let (n, after_n) = der_value(body, 0x02).ok_or(KeyError::Malformed)?;
        let (e, after_e) = der_value(after_n, 0x02).ok_or(KeyError::Malformed)?;
        if !rest.is_empty() || !after_e.is_empty() {
            return Err(KeyError::Malformed);
        }
        Self::from_components(unsigned(n).to_vec(), unsigned(e).to_vec())
    }

    /// The modulus, big-endian.
    pub(super) fn n(&self) -> &[u8] {
        &self.n
    }

    /// The public exponent, big-endian.
    pub(super) fn e(&self) -> &[u8] {
        &self.e
    }
}

fn bits(number: &[u8]) -> usize {
    let leading = number.first().map_or(0, |byte| byte.leading_zeros() as usize);
    number.len() * 8 - leading
}

fn is_even(number: &[u8]) -> bool {
    number.last().is_none_or(|byte| byte.is_multiple_of(2))
}

/// Reads one DER value with the given tag: its content and what follows. Lengths up to 65535 are enough for a key.
fn der_value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (length, content) = match der {
        [found, length @ 0..=0x7f, content @ ..] if *found == tag => (usize::from(*length), content),
        [found, 0x81, length, content @ ..] if *found == tag => (usize::from(*length), content),
        [found, 0x82, high, low, content @ ..] if *found == tag => {
            (usize::from(u16::from_be_bytes([*high, *low])), content)
        }
        _ => return None,
    };
    content.split_at_checked(length)
}

/// DER writes a zero before a number whose first bit is set, to mark it positive.
fn unsigned(number: &[u8]) -> &[u8] {
    match number {
        [0, rest @ ..] => rest,
        _ => number,
    }
}

/// Small primes for which the powers of 65537 leave out residues; others say nothing about a key.
const ROCA_PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

/// Whether both factors look like those of the broken generator of CVE-2017-15361: then the modulus is a power of
/// 65537 modulo every small prime. A sound key does so once in 2^28.
fn has_roca_pattern(n: &[u8]) -> bool {
    ROCA_PRIMES.iter().all(|prime| is_power_of_65537(remainder(n, *prime), *prime))
}

fn remainder(n: &[u8], prime: u32) -> u32 {
    n.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime)
}

fn is_power_of_65537(residue: u32, prime: u32) -> bool {
    let mut power = 1;
    for _ in 0..prime {
        if power == residue {
            return true;
        }
        power = power * (65537 % prime) % prime;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modulus(bytes: usize) -> Vec<u8> {
        let mut n = vec![0xc5; bytes];
        n[bytes - 1] = 0x0f;
        n
    }

    #[test]
    fn size_and_shape_are_checked() {
        let e = vec![1, 0, 1];
        let cases = [
            (modulus(256), e.clone(), None),
            (modulus(1024), e.clone(), None),
            (modulus(256), vec![3], None),
            (modulus(255), e.clone(), Some(KeyError::Weak)),
            (modulus(128), e.clone(), Some(KeyError::Weak)),
            (modulus(1025), e.clone(), Some(KeyError::Invalid)),
            (modulus(256), vec![1], Some(KeyError::Weak)),
            (modulus(256), vec![2], Some(KeyError::Invalid)),
            (modulus(256), vec![1, 0, 0, 0, 1], Some(KeyError::Invalid)),
            (modulus(256), vec![0, 3], Some(KeyError::Malformed)),
            (modulus(256), vec![], Some(KeyError::Malformed)),
            (vec![], e.clone(), Some(KeyError::Malformed)),
            ([vec![0], modulus(256)].concat(), e.clone(), Some(KeyError::Malformed)),
            ([modulus(256), vec![2]].concat(), e, Some(KeyError::Invalid)),
        ];
        for (index, (n, e, expected)) in cases.into_iter().enumerate() {
            assert_eq!(RsaPublicKey::from_components(n, e).err(), expected, "case {index}");
        }
    }

    #[test]
    fn a_modulus_with_the_roca_pattern_is_refused() {
        // 65537^200 has the pattern by construction; 65537^200 + 2 is one of the numbers beside it.
        let mut power = vec![1_u8];
        for _ in 0..200 {
            power = times_65537(&power);
        }
        assert!(has_roca_pattern(&power));
        *power.last_mut().unwrap() += 2;
        assert!(!has_roca_pattern(&power));
    }

    /// n * 65537 = n * 65536 + n.
    fn times_65537(n: &[u8]) -> Vec<u8> {
        let mut shifted = [&[0], n, &[0, 0]].concat();
        let mut carry = 0_u16;
        for offset in 0..shifted.len() {
            let place = shifted.len() - 1 - offset;
            let add = if offset < n.len() { u16::from(n[n.len() - 1 - offset]) } else { 0 };
            let sum = u16::from(shifted[place]) + add + carry;
            shifted[place] = sum as u8;
            carry = sum >> 8;
        }
        shifted
    }

    #[test]
    fn der_reads_back_and_its_faults_are_refused() {
        let n = modulus(256);
        let mut integers = vec![0x02, 0x82, 0x01, 0x01, 0x00];
        integers.extend_from_slice(&n);
        integers.extend_from_slice(&[0x02, 0x03, 1, 0, 1]);
        let mut der = vec![0x30, 0x82, 0x01, (integers.len() - 256) as u8];
        der.extend_from_slice(&integers);
        let key = RsaPublicKey::from_der(&der).unwrap();
        assert_eq!((key.n(), key.e()), (n.as_slice(), [1, 0, 1].as_slice()));

        for end in 0..der.len() {
            assert!(RsaPublicKey::from_der(&der[..end]).is_err(), "cut at {end}");
        }
        assert!(RsaPublicKey::from_der(&[der.as_slice(), &[0]].concat()).is_err());
        der[0] = 0x31;
        assert!(RsaPublicKey::from_der(&der).is_err());
    }
}
