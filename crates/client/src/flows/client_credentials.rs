//! Client credentials (RFC 6749 §4.4).

use std::sync::Arc;

use async_trait::async_trait;

use super::token::Grant;
use crate::core::Core;
use crate::error::{ConfigurationError, OAuth2Error};
use crate::resilience::Kind;
use crate::telemetry::Metric;
use crate::traits::ClientCredentialsFlow;
use crate::types::TokenResponse;

pub(crate) struct ClientCredentialsHandler(pub(crate) Arc<Core>);

#[async_trait]
impl ClientCredentialsFlow for ClientCredentialsHandler {
    async fn request_token(&self, scopes: Option<&[String]>) -> Result<TokenResponse, OAuth2Error> {
        self.0.own_token(scopes).await
    }
}

impl Core {
    /// A token for the program itself.
    pub(crate) async fn own_token(
        self: &Arc<Self>,
        scopes: Option<&[String]>,
    ) -> Result<TokenResponse, OAuth2Error> {
        // RFC 6749 §4.4: only confidential clients.
        if self.config.credentials.is_public() {
            return Err(ConfigurationError::MissingClientSecret.into());
        }
        let scope = self.scope_text(scopes)?;
        let operation = self.begin("client_credentials", scope.as_deref());
        let grant = Grant::new(Kind::ClientCredentials, "client_credentials");
        let grant = grant.add_some("scope", scope.as_deref());
        let result = match self.request_tokens(&operation, "oauth2.token_exchange", grant).await {
            Ok(response) => Ok(self.check_or_leave_out("client_credentials", response).await),
            Err(error) => Err(error),
        };
        self.end(operation, Metric::TokenExchanges, Some(Metric::TokenExchangeDuration), result)
    }
}
