//! A validator of ID tokens that says what it is told.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use ayb_protocol::jose::jwt::{self, ExpectedType, Expiry, Verifier};
use ayb_protocol::jose::{Algorithm, KeySet, VerifyingKeys};
use ayb_protocol::time::Timestamp;
use serde_json::Value;

use super::server::new_key;
use crate::error::{OAuth2Error, ValidationError};
use crate::id_token::{Expected, IdTokenClaims};
use crate::validate::JwtValidator;

/// Takes every ID token for one with the same claims, or refuses them all.
pub struct MockJwtValidator {
    verdict: Result<IdTokenClaims, ValidationError>,
    asked: Mutex<Vec<String>>,
}

impl MockJwtValidator {
    /// Every token has these claims.
    ///
    /// # Panics
    /// When the claims are no object.
    #[expect(clippy::panic, reason = "a test that gives broken claims has to hear of it at once")]
    pub fn accepting(claims: &Value) -> Self {
        // Claims come from a verifier only, so these are signed and verified too, with a key that nobody else has.
        let key = new_key();
        let keys = VerifyingKeys::from_key_set(&KeySet::new(vec![key.public_jwk()]));
        let rules = Verifier::new([Algorithm::ES256], ExpectedType::Any).with_expiry(Expiry::MayHavePassed);
        let signed = jwt::sign(&key, "JWT", claims).unwrap_or_default();
        match rules.verify(&signed, &keys, Timestamp::from_seconds(i64::from(u32::MAX))) {
            Ok(claims) => Self::saying(Ok(IdTokenClaims::of(claims))),
            Err(error) => panic!("{error}"),
        }
    }

    /// Every token is refused so.
    pub const fn refusing(error: ValidationError) -> Self {
        Self::saying(Err(error))
    }

    const fn saying(verdict: Result<IdTokenClaims, ValidationError>) -> Self {
        Self { verdict, asked: Mutex::new(Vec::new()) }
    }

    /// The tokens that it was asked about.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl JwtValidator for MockJwtValidator {
    async fn validate(&self, token: &str, _: &Expected<'_>) -> Result<IdTokenClaims, OAuth2Error> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(token.to_owned());
        Ok(self.verdict.clone()?)
    }
}
