//! Private keys, parsed once and ready to sign.

use std::fmt;

use aws_lc_rs::digest::{self, digest};
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaKeyPair, RsaSignatureEncoding,
};

use super::public_key::{Curve, PublicKey};
use super::rsa::RsaPublicKey;
use super::{Algorithm, Jwk, KeyError, SigningError};

/// A private key bound to one algorithm, ready to sign.
pub struct SigningKey {
    pair: Pair,
    algorithm: Algorithm,
    public: Jwk,
    kid: String,
}

enum Pair {
    Rsa { pair: RsaKeyPair, padding: &'static RsaSignatureEncoding, hash: &'static digest::Algorithm },
    Ec { pair: EcdsaKeyPair, hash: &'static digest::Algorithm },
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Reads an unencrypted PKCS#8 private key (RFC 5958). This is the costly part: keep the result.
    ///
    /// # Errors
    /// [`KeyError::Algorithm`] for an HMAC algorithm, [`KeyError::Invalid`] when the key is broken, of another type or
    /// on another curve than the algorithm asks for, [`KeyError::Weak`] for a weak RSA key.
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyError> {
        let (pair, public) = match algorithm {
            Algorithm::RS256 => rsa(der, &signature::RSA_PKCS1_SHA256, &digest::SHA256)?,
            Algorithm::RS384 => rsa(der, &signature::RSA_PKCS1_SHA384, &digest::SHA384)?,
            Algorithm::RS512 => rsa(der, &signature::RSA_PKCS1_SHA512, &digest::SHA512)?,
            Algorithm::PS256 => rsa(der, &signature::RSA_PSS_SHA256, &digest::SHA256)?,
            Algorithm::PS384 => rsa(der, &signature::RSA_PSS_SHA384, &digest::SHA384)?,
            Algorithm::PS512 => rsa(der, &signature::RSA_PSS_SHA512, &digest::SHA512)?,
            Algorithm::ES256 => {
                ec(der, Curve::P256, &signature::ECDSA_P256_SHA256_FIXED_SIGNING, &digest::SHA256)?
            }
            Algorithm::ES384 => {
                ec(der, Curve::P384, &signature::ECDSA_P384_SHA384_FIXED_SIGNING, &digest::SHA384)?
            }
            Algorithm::EdDSA => ed25519(der)?,
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => return Err(KeyError::Algorithm),
        };
        let public = Jwk::from_public_key(public, algorithm);
        let kid = public.thumbprint();
        Ok(Self { pair, algorithm, public: public.with_kid(&kid), kid })
    }

    /// The same key under a `kid` of the operator's choice.
    #[must_use]
    pub fn with_kid(self, kid: impl Into<String>) -> Self {
        let kid = kid.into();
        Self { public: self.public.with_kid(&kid), kid, ..self }
    }

    /// The algorithm that the key signs with.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The name of the key in token headers and in the published set: its thumbprint, unless chosen otherwise.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half with `kid`, `use` and `alg`, as it is published.
    pub fn public_jwk(&self) -> Jwk {
        self.public.clone()
    }

    /// Signs `message`.
    ///
    /// # Errors
    /// [`SigningError::Key`] when the library fails, which no input causes.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        // Hashing first is the form of the library's call that takes no random source: it draws its own.
        match &self.pair {
            Pair::Rsa { pair, padding, hash } => {
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign_digest(*padding, &digest(hash, message), &mut out)
                    .map_err(|_| SigningError::Key)?;
                Ok(out)
            }
            Pair::Ec { pair, hash } => {
                let signature = pair.sign_digest(&digest(hash, message)).map_err(|_| SigningError::Key)?;
                Ok(signature.as_ref().to_vec())
            }
            Pair::Ed25519(pair) => {
                let signature = pair.try_sign(message).map_err(|_| SigningError::Key)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("alg", &self.algorithm)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

fn rsa(
    der: &[u8],
    padding: &'static RsaSignatureEncoding,
    hash: &'static digest::Algorithm,
) -> Result<(Pair, PublicKey), KeyError> {
    let pair = RsaKeyPair::from_pkcs8(der).map_err(|_| KeyError::Invalid)?;
    let public = RsaPublicKey::from_der(pair.public_key().as_ref())?;
    Ok((Pair::Rsa { pair, padding, hash }, PublicKey::Rsa(public)))
}

fn ec(
    der: &[u8],
    curve: Curve,
    algorithm: &'static EcdsaSigningAlgorithm,
    hash: &'static digest::Algorithm,
) -> Result<(Pair, PublicKey), KeyError> {
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, der).map_err(|_| KeyError::Invalid)?;
    let public = PublicKey::from_point(curve, pair.public_key().as_ref().to_vec())?;
    Ok((Pair::Ec { pair, hash }, public))
}

fn ed25519(der: &[u8]) -> Result<(Pair, PublicKey), KeyError> {
    let pair = Ed25519KeyPair::from_pkcs8(der).map_err(|_| KeyError::Invalid)?;
    let public = PublicKey::from_ed25519(pair.public_key().as_ref())?;
    Ok((Pair::Ed25519(pair), public))
}
