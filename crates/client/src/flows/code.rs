//! Authorization code (RFC 6749 §4.1) with PKCE (RFC 7636), state, nonce and issuer (RFC 9207).

use std::sync::Arc;

use async_trait::async_trait;
use ayb_protocol::answer::ErrorAnswer;
use secrecy::ExposeSecret as _;
use url::Url;
use zeroize::Zeroizing;

use super::token::Grant;
use crate::Endpoint;
use crate::config::check_code;
use crate::core::{Core, Operation};
use crate::error::{AuthorizationError, ConfigurationError, Failed, OAuth2Error, ValidationError, from_code};
use crate::id_token::{Expected, is_issuer};
use crate::pending::PendingAuthorization;
use crate::resilience::Kind;
use crate::sent::Sent;
use crate::telemetry::Metric;
use crate::traits::{AuthorizationCodeFlow, AuthorizationCodePkceFlow};
use crate::types::{
    AuthorizationParams, AuthorizationUrlResult, CallbackParams, PkceAuthorizationResult, PkceVerifier,
    TokenResponse,
};

pub(crate) struct CodeHandler(pub(crate) Arc<Core>);
pub(crate) struct PkceHandler(pub(crate) Arc<Core>);

#[async_trait]
impl AuthorizationCodeFlow for CodeHandler {
    fn authorization_url(&self, params: AuthorizationParams) -> Result<AuthorizationUrlResult, OAuth2Error> {
        let start = self.0.start("authorization_code", params)?;
        self.0.states.keep(start.pending);
        Ok(AuthorizationUrlResult { url: start.url, state: start.state })
    }

    async fn exchange_code(
        &self,
        code: &str,
        state: &str,
        redirect_uri: &Url,
    ) -> Result<TokenResponse, OAuth2Error> {
        let pending = self.0.states.take(state, self.0.now())?;
        self.0.same_address(&pending, redirect_uri)?;
        self.0.redeem("authorization_code", code, &pending).await
    }

    async fn handle_callback(&self, callback_params: CallbackParams) -> Result<TokenResponse, OAuth2Error> {
        let pending = self.0.states.take(&callback_params.state, self.0.now())?;
        self.0.finish(pending, callback_params).await
    }
}

#[async_trait]
impl AuthorizationCodePkceFlow for PkceHandler {
    fn authorization_url(&self, params: AuthorizationParams) -> Result<PkceAuthorizationResult, OAuth2Error> {
        if params.without_pkce {
            return Err(ConfigurationError::Invalid("the flow with PKCE cannot go without PKCE").into());
        }
        let start = self.0.start("authorization_code_pkce", params)?;
        let missing = ConfigurationError::Invalid("there is no verifier");
        let pkce_verifier = start.pending.verifier.clone().ok_or(missing)?;
        self.0.states.keep(start.pending);
        Ok(PkceAuthorizationResult { url: start.url, state: start.state, pkce_verifier })
    }

    async fn exchange_code(
        &self,
        code: &str,
        state: &str,
        pkce_verifier: &PkceVerifier,
        redirect_uri: &Url,
    ) -> Result<TokenResponse, OAuth2Error> {
        let mut pending = self.0.states.take(state, self.0.now())?;
        self.0.same_address(&pending, redirect_uri)?;
        pending.verifier = Some(pkce_verifier.clone());
        self.0.redeem("authorization_code_pkce", code, &pending).await
    }
}

impl Core {
    /// Reads what came back and exchanges the code. State first, then issuer: an error of somebody else's is not believed.
    pub(crate) async fn finish(
        self: &Arc<Self>,
        pending: PendingAuthorization,
        callback: CallbackParams,
    ) -> Result<TokenResponse, OAuth2Error> {
        pending.check(&callback.state, self.now())?;
        self.same_issuer(&pending, callback.iss.as_deref())?;
        if let Some(error) = callback.error {
            let answer = ErrorAnswer {
                error,
                error_description: callback.error_description,
                error_uri: callback.error_uri,
            };
            let known = [Some(&pending.state), pending.nonce.as_ref()].into_iter().flatten();
            let sent = Sent::new(known.map(|text| Zeroizing::new(text.clone())).collect());
            let answer = sent.blank_refusal(answer);
            let endpoint = Endpoint::Authorization;
            let failed =
                Failed { endpoint, status: None, retry_after: None, request_id: None, asked: "code" };
            let operation = self.begin("authorization_code", None);
            return self.end(operation, Metric::AuthorizationRequests, None, Err(from_code(answer, &failed)));
        }
        let code = callback.code.ok_or(AuthorizationError::MissingCode)?;
        self.redeem("authorization_code", &code, &pending).await
    }

    /// RFC 9207 §2.4: compared when it is there, and required where it is announced. What was begun with another provider or
    /// as another client is not ended here: providers without an issuer differ in where the code would go (RFC 9700 §4.4.2).
    fn same_issuer(&self, pending: &PendingAuthorization, received: Option<&str>) -> Result<(), OAuth2Error> {
        let is_right = match (received, &pending.issuer) {
            (Some(received), Some(issuer)) => is_issuer(issuer, received),
            (Some(_), None) => true,
            (None, _) => !self.config.provider.iss_parameter_supported,
        };
        let provider = &self.config.provider;
        let is_ours = pending.issuer == provider.issuer
            && pending.token_endpoint == provider.token_endpoint
            && pending.client_id == self.config.credentials.client_id;
        if is_right && is_ours { Ok(()) } else { Err(AuthorizationError::IssuerMismatch.into()) }
    }

    fn same_address(&self, pending: &PendingAuthorization, redirect_uri: &Url) -> Result<(), OAuth2Error> {
        if pending.redirect_uri == *redirect_uri {
            return Ok(());
        }
        let reason = "it is not the one of the authorization request";
        Err(ConfigurationError::InvalidRedirectUri { reason }.into())
    }

    /// Exchanges a code whose state was compared.
    pub(crate) async fn redeem(
        self: &Arc<Self>,
        flow: &'static str,
        code: &str,
        pending: &PendingAuthorization,
    ) -> Result<TokenResponse, OAuth2Error> {
        let scope = pending.scopes.join(" ");
        let operation = self.begin(flow, Some(&scope));
        let result = self.exchange(&operation, code, pending).await;
        self.end(operation, Metric::TokenExchanges, Some(Metric::TokenExchangeDuration), result)
    }

    async fn exchange(
        self: &Arc<Self>,
        operation: &Operation,
        code: &str,
        pending: &PendingAuthorization,
    ) -> Result<TokenResponse, OAuth2Error> {
        check_code(code)?;
        // Before the code is spent on a proof that it is not bound to.
        self.holds_key(pending.dpop_jkt.as_deref())?;
        let grant = Grant::new(Kind::Code, "authorization_code")
            .add("code", code)
            .add("redirect_uri", pending.redirect_uri.as_str())
            .add_some("code_verifier", pending.verifier.as_ref().map(PkceVerifier::secret));
        let response = self.request_tokens(operation, "oauth2.token_exchange", grant).await?;
        if !self.config.id_token.is_checked() {
            return Ok(response);
        }
        if pending.nonce.is_none() {
            return Ok(self.check_or_leave_out("authorization_code", response).await);
        }
        let Some(id_token) = &response.id_token else { return Err(ValidationError::MissingIdToken.into()) };
        let expected = Expected {
            nonce: pending.nonce.as_deref(),
            access_token: Some(response.access_token.expose_secret()),
            code: Some(code),
            max_age: pending.max_age,
        };
        self.verify_id_token(id_token.expose_secret(), &expected).await?;
        Ok(response)
    }
}
