//! The three kinds of public key, checked once when they are read.

use aws_lc_rs::signature::{
    self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};

use super::rsa::RsaPublicKey;
use super::{Algorithm, KeyError};

/// A public key whose numbers were checked: a strong enough modulus, a point on its curve.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum PublicKey {
    Rsa(RsaPublicKey),
    Ec { curve: Curve, point: Vec<u8> },
    Ed25519([u8; 32]),
}

/// The curves of RFC 7518 §6.2.1.1 that have an algorithm here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Curve {
    P256,
    P384,
}

impl Curve {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::P256, Self::P384].into_iter().find(|curve| curve.as_str() == name)
    }

    /// Length in bytes of one coordinate.
    pub(super) const fn coordinate_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }
}

impl PublicKey {
    /// From an uncompressed point (SEC 1 §2.3.3).
    pub(super) fn from_point(curve: Curve, point: Vec<u8>) -> Result<Self, KeyError> {
        if point.len() != 1 + 2 * curve.coordinate_len() || point.first() != Some(&4) {
            return Err(KeyError::Malformed);
        }
        ParsedPublicKey::new(ecdsa(curve), &point).map_err(|_| KeyError::Invalid)?;
        Ok(Self::Ec { curve, point })
    }

    /// From the 32 bytes of RFC 8032 §5.1.5.
    pub(super) fn from_ed25519(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes = bytes.try_into().map_err(|_| KeyError::Malformed)?;
        ParsedPublicKey::new(&signature::ED25519, bytes).map_err(|_| KeyError::Invalid)?;
        Ok(Self::Ed25519(bytes))
    }

    /// The algorithms that a key of this kind can verify. Never an HMAC: RFC 8725 §2.1.
    pub(super) const fn algorithms(&self) -> &'static [Algorithm] {
        match self {
            Self::Rsa(_) => &[
                Algorithm::RS256,
                Algorithm::RS384,
                Algorithm::RS512,
                Algorithm::PS256,
                Algorithm::PS384,
                Algorithm::PS512,
            ],
            Self::Ec { curve: Curve::P256, .. } => &[Algorithm::ES256],
            Self::Ec { curve: Curve::P384, .. } => &[Algorithm::ES384],
            Self::Ed25519(_) => &[Algorithm::EdDSA],
        }
    }

    /// The key in the form that verifies, for one of its algorithms.
    pub(super) fn for_algorithm(&self, algorithm: Algorithm) -> Result<ParsedPublicKey, KeyError> {
        if !self.algorithms().contains(&algorithm) {
            return Err(KeyError::Algorithm);
        }
        let parsed = match self {
            Self::Rsa(key) => {
                let parameters = rsa_parameters(algorithm).ok_or(KeyError::Algorithm)?;
                RsaPublicKeyComponents { n: key.n(), e: key.e() }.to_parsed_public_key(parameters)
            }
            Self::Ec { curve, point } => ParsedPublicKey::new(ecdsa(*curve), point),
            Self::Ed25519(bytes) => ParsedPublicKey::new(&signature::ED25519, bytes),
        };
        parsed.map_err(|_| KeyError::Invalid)
    }
}

/// Signatures are `r || s` of fixed length, never DER (RFC 7518 §3.4).
fn ecdsa(curve: Curve) -> &'static dyn VerificationAlgorithm {
    match curve {
        Curve::P256 => &signature::ECDSA_P256_SHA256_FIXED,
        Curve::P384 => &signature::ECDSA_P384_SHA384_FIXED,
    }
}

/// The salt of PSS is as long as the hash (RFC 7518 §3.5), which is these constants' default.
fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::RS256 => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Some(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Some(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Some(&signature::RSA_PSS_2048_8192_SHA512),
        _ => None,
    }
}
