//! Signing with nothing around it.

use anyhow::Result;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use aws_lc_rs::{rand, rsa};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// One key for each algorithm.
pub struct Signer {
    rsa: RsaKeyPair,
    ecdsa: EcdsaKeyPair,
    eddsa: Ed25519KeyPair,
}

const CLAIMS: &str = r#"{"iss":"https://id.example.com","sub":"ayb_cid_012345678901234567890123456789012345678901234567","aud":"ayb_cid_012345678901234567890123456789012345678901234567","client_id":"ayb_cid_012345678901234567890123456789012345678901234567","scope":"readonly","iat":1795231475,"exp":1795235075,"jti":"01a1fc22-68ac-744e-bd8e-8448c0387d07"}"#;

impl Signer {
    /// Makes keys.
    pub fn new() -> Result<Self> {
        let rng = rand::SystemRandom::new();
        let ecdsa = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng)?;
        let eddsa = Ed25519KeyPair::generate_pkcs8(&rng)?;
        Ok(Self {
            rsa: RsaKeyPair::generate(rsa::KeySize::Rsa2048)?,
            ecdsa: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, ecdsa.as_ref())?,
            eddsa: Ed25519KeyPair::from_pkcs8(eddsa.as_ref())?,
        })
    }

    /// A signed token of the size that an access token has.
    pub fn token(&self, algorithm: &str) -> String {
        let head = format!(
            r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"0123456789012345678901234567890123456789012"}}"#
        );
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(CLAIMS));
        let rng = rand::SystemRandom::new();
        let signature = match algorithm {
            "RS256" => {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                let _ = self.rsa.sign(&RSA_PKCS1_SHA256, &rng, message.as_bytes(), &mut signature);
                signature
            }
            "ES256" => {
                self.ecdsa.sign(&rng, message.as_bytes()).map(|s| s.as_ref().to_vec()).unwrap_or_default()
            }
            _ => self.eddsa.sign(message.as_bytes()).as_ref().to_vec(),
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
