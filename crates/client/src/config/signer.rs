//! The key of `private_key_jwt`, wherever it is.

use async_trait::async_trait;
use ayb_protocol::jose::{Algorithm, SigningKey, base64url};
use serde_json::{Value, json};

use crate::error::{ConfigurationError, OAuth2Error};

/// Signs for the client: a key in this process ([`SigningKey`]), or one that never leaves a hardware module or a key service.
#[async_trait]
pub trait JwsSigner: Send + Sync + 'static {
    /// With which algorithm it signs: one with a private key, as the provider knows the client's.
    fn algorithm(&self) -> Algorithm;

    /// What the provider calls the key (`kid`, RFC 7515 §4.1.4); none if it has one key of this client only.
    fn key_id(&self) -> Option<&str>;

    /// Signs these bytes. The result is in the form of RFC 7518 §3: of ECDSA the two numbers one after the other, each as long as
    /// the curve's, and not the DER that most modules give. It is asked anew for every attempt, within the time of the operation.
    ///
    /// # Errors
    /// Whatever keeps it from signing. The request is not sent then.
    async fn sign(&self, input: &[u8]) -> Result<Vec<u8>, OAuth2Error>;
}

#[async_trait]
impl JwsSigner for SigningKey {
    fn algorithm(&self) -> Algorithm {
        Self::algorithm(self)
    }

    fn key_id(&self) -> Option<&str> {
        Some(self.kid())
    }

    async fn sign(&self, input: &[u8]) -> Result<Vec<u8>, OAuth2Error> {
        let failed = |_| ConfigurationError::Invalid("the client's key could not sign").into();
        Self::sign(self, input).map_err(failed)
    }
}

/// A JWS of these claims in the compact form (RFC 7515 §7.1).
pub(crate) async fn sign_jwt(
    signer: &dyn JwsSigner,
    typ: &str,
    claims: &Value,
) -> Result<String, OAuth2Error> {
    let mut header = json!({ "alg": signer.algorithm().to_string(), "typ": typ });
    if let Some(name) = signer.key_id() {
        header["kid"] = Value::from(name);
    }
    let mut token =
        format!("{}.{}", base64url::encode(header.to_string()), base64url::encode(claims.to_string()));
    let signature = signer.sign(token.as_bytes()).await?;
    token.push('.');
    token.push_str(&base64url::encode(signature));
    Ok(token)
}
