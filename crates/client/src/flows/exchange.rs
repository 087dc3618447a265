//! Token exchange (RFC 8693).

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::token::Grant;
use crate::config::check_scopes;
use crate::core::Core;
use crate::error::OAuth2Error;
use crate::resilience::Kind;
use crate::telemetry::Metric;
use crate::types::TokenResponse;

/// What is exchanged for what. The resource of the configuration goes along.
#[derive(Clone)]
pub struct TokenExchange {
    /// The token of whoever the new one is about.
    pub subject_token: SecretString,
    /// What kind of token that is; `urn:ietf:params:oauth:token-type:access_token` for an access token.
    pub subject_token_type: String,
    /// The token of whoever acts for them, and its kind.
    pub actor: Option<(SecretString, String)>,
    /// What kind of token is wanted, if not the server's usual one.
    pub requested_token_type: Option<String>,
    /// The service for which it is wanted, by its name at the server.
    pub audience: Option<String>,
    /// Scopes.
    pub scopes: Option<Vec<String>>,
}

impl TokenExchange {
    /// Exchanges an access token.
    pub fn access_token(token: impl Into<SecretString>) -> Self {
        Self {
            subject_token: token.into(),
            subject_token_type: "urn:ietf:params:oauth:token-type:access_token".to_owned(),
            actor: None,
            requested_token_type: None,
            audience: None,
            scopes: None,
        }
    }
}

impl Core {
    pub(crate) async fn exchange_token(
        self: &Arc<Self>,
        exchange: &TokenExchange,
    ) -> Result<TokenResponse, OAuth2Error> {
        let scope = exchange.scopes.as_ref().map(|scopes| scopes.join(" "));
        check_scopes(scope.as_deref().unwrap_or_default())?;
        let operation = self.begin("token_exchange", scope.as_deref());
        let actor = exchange.actor.as_ref();
        let grant = Grant::new(Kind::TokenExchange, "urn:ietf:params:oauth:grant-type:token-exchange")
            .add("subject_token", exchange.subject_token.expose_secret())
            .add("subject_token_type", &exchange.subject_token_type)
            .add_some("actor_token", actor.map(|(token, _)| token.expose_secret()))
            .add_some("actor_token_type", actor.map(|(_, kind)| kind.as_str()))
            .add_some("requested_token_type", exchange.requested_token_type.as_deref())
            .add_some("audience", exchange.audience.as_deref())
            .add_some("scope", scope.as_deref());
        let result = match self.request_tokens(&operation, "oauth2.token_exchange", grant).await {
            Ok(response) => Ok(self.check_or_leave_out("token_exchange", response).await),
            Err(error) => Err(error),
        };
        self.end(operation, Metric::TokenExchanges, Some(Metric::TokenExchangeDuration), result)
    }
}
