//! A provider in this process: its keys, its ID tokens, and a transport that answers without a network.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow};
use async_trait::async_trait;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, ParsedPublicKey, RsaKeyPair,
};
use ayb_client::http::{HttpRequest, HttpResponse, TransportError};
use ayb_client::{
    Algorithm, ClientCredentials, HttpTransport, OAuth2, OAuth2Config, ProviderConfig, SigningKey,
};
use ayb_protocol::jose::jwt;
use serde_json::json;

pub const ISSUER: &str = "https://id.example";
pub const CLIENT: &str = "client-0123456789";
pub const SECRET: &str = "a-secret-of-some-length-0123456789";
pub const CALLBACK: &str = "https://app.example/callback";
pub const NONCE: &str = "n-0S6_WzA2Mj-n-0S6_WzA2Mj";

/// The key of one algorithm, an ID token that it signed, and the public key for the check alone.
pub struct Signer {
    pub algorithm: Algorithm,
    pub token: String,
    pub jwks: String,
    public: ParsedPublicKey,
}

impl Signer {
    /// A new key.
    ///
    /// # Errors
    /// When the library makes none.
    pub fn new(algorithm: Algorithm) -> Result<Self> {
        let failed = |_| anyhow!("no key for {algorithm}");
        let (der, public) = match algorithm {
            Algorithm::RS256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
                let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
                (pair.as_der().map_err(failed)?.as_ref().to_vec(), public)
            }
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
                let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
                (pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec(), public)
            }
            _ => {
                let pair = Ed25519KeyPair::generate().map_err(failed)?;
                let public = ParsedPublicKey::new(&ED25519, pair.public_key().as_ref());
                (pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec(), public)
            }
        };
        let public = public.map_err(|_| anyhow!("the public key of {algorithm} is refused"))?;
        let key = SigningKey::from_pkcs8(algorithm, &der).map_err(|error| anyhow!("{error}"))?;
        let mut jwk = serde_json::to_value(key.public_jwk())?;
        jwk["use"] = "sig".into();
        let jwks = json!({"keys": [jwk]}).to_string();
        Ok(Self { algorithm, token: sign(&key)?, jwks, public })
    }

    /// Whether the signature is right, and nothing else.
    pub fn check_signature(&self) -> bool {
        let Some((message, signature)) = self.parts() else { return false };
        self.public.verify_sig(message, &signature).is_ok()
    }

    /// What is signed, and the signature.
    pub fn parts(&self) -> Option<(&[u8], Vec<u8>)> {
        let (message, signature) = self.token.rsplit_once('.')?;
        Some((message.as_bytes(), ayb_protocol::jose::base64url::decode(signature).ok()?))
    }

    /// Whether this is the signature of the message.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(message, signature).is_ok()
    }
}

/// An ID token as providers make them.
fn sign(key: &SigningKey) -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let claims = json!({
        "iss": ISSUER, "sub": "248289761001", "aud": CLIENT, "exp": now + 3600, "iat": now,
        "auth_time": now, "nonce": NONCE, "sid": "08a5019c-17e1-4977-8f42-65a12843ea02",
        "email": "ada@example.com", "email_verified": true, "name": "Ada Lovelace",
    });
    jwt::sign(key, "JWT", &claims).map_err(|error| anyhow!("{error}"))
}

/// Answers every request with the same document.
struct Fixed(String);

#[async_trait]
impl HttpTransport for Fixed {
    async fn send(&self, _: HttpRequest, _: Duration) -> Result<HttpResponse, TransportError> {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Ok(HttpResponse { status: 200, headers, body: self.0.clone().into() })
    }
}

/// A client of this provider, to which every request is answered with `document`.
///
/// # Errors
/// When the client cannot be built.
pub fn client(document: &str) -> Result<OAuth2> {
    let at = |path: &str| format!("{ISSUER}{path}").parse().ok();
    let provider = ProviderConfig {
        authorization_endpoint: at("/authorize"),
        token_endpoint: at("/token"),
        jwks_uri: at("/jwks"),
        issuer: Some(ISSUER.to_owned()),
        ..ProviderConfig::default()
    };
    let config = OAuth2Config::new(provider, ClientCredentials::with_secret(CLIENT, SECRET));
    OAuth2::builder(config).transport(Arc::new(Fixed(document.to_owned()))).build().context("no client")
}
