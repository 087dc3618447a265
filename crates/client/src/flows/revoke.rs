//! Revocation (RFC 7009).

use std::sync::Arc;

use async_trait::async_trait;
use ayb_protocol::answer::Strictness;
use ayb_protocol::answer::{Answer, AnswerError, Reading, TokenAnswer};
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use crate::Endpoint;
use crate::auth::{JSON, Proven};
use crate::core::Core;
use crate::error::OAuth2Error;
use crate::resilience::{Call, Kind};
use crate::telemetry::Metric;
use crate::tokens::{TokenManager as _, TokenManagerImpl};
use crate::traits::TokenRevocation;

pub(crate) struct RevocationHandler {
    pub(crate) core: Arc<Core>,
    pub(crate) tokens: TokenManagerImpl,
}

impl RevocationHandler {
    async fn revoke(&self, token: &str, hint: &'static str) -> Result<(), OAuth2Error> {
        let core = &self.core;
        let operation = core.begin("revocation", None);
        let result = async {
            let url = core.config.provider.endpoint(Endpoint::Revocation)?.clone();
            let form = vec![
                ("token".into(), Zeroizing::new(token.to_owned())),
                ("token_type_hint".into(), Zeroizing::new(hint.to_owned())),
            ];
            let call = Call {
                endpoint: Endpoint::Revocation,
                kind: Kind::Idempotent,
                asked: "revocation",
                span: &*operation.span,
                parse_span: "oauth2.token_parse",
            };
            core.call(&call, Proven { endpoint: Endpoint::Revocation, url, form, accept: JSON }, done)
                .await
                .map(drop)
        };
        let result = result.await;
        core.end(operation, Metric::RevocationRequests, None, result)
    }
}

impl RevocationHandler {
    /// Revokes what a manager keeps, and forgets it.
    pub(crate) async fn end(&self, tokens: &TokenManagerImpl) -> Result<(), OAuth2Error> {
        // No refresh meanwhile: what it brought would be forgotten without being revoked.
        let _lock = tokens.lock().await;
        let Some(set) = tokens.get_current_tokens().await? else { return Ok(()) };
        // The refresh token first: with it, new access tokens could be made.
        let refresh = match &set.refresh_token {
            Some(token) => self.revoke_refresh_token(token.expose_secret()).await,
            None => Ok(()),
        };
        let access = self.revoke_access_token(set.access_token.expose_secret()).await;
        tokens.forget().await?;
        refresh.and(access)
    }
}

/// Any 2xx means that the token is dead (RFC 7009 §2.2), whatever is in the body; anything else is an error.
fn done(answer: Answer<'_>) -> Result<Reading<()>, AnswerError> {
    if (200..300).contains(&answer.status) {
        return Ok(Reading { value: (), deviations: Vec::new() });
    }
    match TokenAnswer::read(answer, Strictness::Lenient) {
        Err(error) => Err(error),
        Ok(_) => Err(AnswerError::Status(answer.status)),
    }
}

#[async_trait]
impl TokenRevocation for RevocationHandler {
    async fn revoke_access_token(&self, token: &str) -> Result<(), OAuth2Error> {
        self.revoke(token, "access_token").await
    }

    async fn revoke_refresh_token(&self, token: &str) -> Result<(), OAuth2Error> {
        self.revoke(token, "refresh_token").await
    }

    async fn revoke_all(&self) -> Result<(), OAuth2Error> {
        self.end(&self.tokens).await
    }
}
