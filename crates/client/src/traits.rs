//! The interface: one trait for each flow, every one of them object-safe.

use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use crate::config::{ClientCredentials, OAuth2Config, ProviderConfig};
use crate::error::OAuth2Error;
use crate::tokens::TokenManager;
use crate::types::{
    AuthorizationParams, AuthorizationUrlResult, CallbackParams, DeviceAuthorizationResponse,
    IntrospectionResponse, PkceAuthorizationResult, PkceVerifier, TokenResponse,
};

/// Everything a client does.
#[async_trait]
pub trait OAuth2Client: Send + Sync {
    /// Authorization code (RFC 6749 §4.1). PKCE is sent here too.
    fn authorization_code(&self) -> &dyn AuthorizationCodeFlow;

    /// Authorization code with PKCE (RFC 7636), the verifier in the caller's hands.
    fn authorization_code_pkce(&self) -> &dyn AuthorizationCodePkceFlow;

    /// Client credentials (RFC 6749 §4.4).
    fn client_credentials(&self) -> &dyn ClientCredentialsFlow;

    /// Device authorization (RFC 8628).
    fn device_authorization(&self) -> &dyn DeviceAuthorizationFlow;

    /// The tokens of the default key.
    fn tokens(&self) -> &dyn TokenManager;

    /// Introspection (RFC 7662).
    fn introspection(&self) -> &dyn TokenIntrospection;

    /// Revocation (RFC 7009).
    fn revocation(&self) -> &dyn TokenRevocation;

    /// Reads the metadata of an issuer (OpenID Connect Discovery 1.0, RFC 8414).
    async fn discover(&self, issuer_url: &Url) -> Result<ProviderConfig, OAuth2Error>;
}

/// Makes clients.
#[async_trait]
pub trait OAuth2ClientFactory: Send + Sync {
    /// A client for a provider that is known.
    fn create(&self, config: OAuth2Config) -> Result<Box<dyn OAuth2Client>, OAuth2Error>;

    /// A client for a provider that describes itself.
    async fn discover(
        &self,
        issuer_url: &Url,
        credentials: ClientCredentials,
    ) -> Result<Box<dyn OAuth2Client>, OAuth2Error>;
}

/// Authorization code (RFC 6749 §4.1), with what is pending in the memory of this process: for programs of one person. A website
/// uses [`crate::OAuth2::start`] and [`crate::OAuth2::finish`], which tie a sign-in to its browser.
#[async_trait]
pub trait AuthorizationCodeFlow: Send + Sync {
    /// The address to which the person is sent. What the end needs is kept in this process, for ten minutes.
    fn authorization_url(&self, params: AuthorizationParams) -> Result<AuthorizationUrlResult, OAuth2Error>;

    /// Exchanges a code. `state` must be one that this process gave out, not used yet and not too old. Who answered cannot be seen
    /// here (RFC 9207): with more than one provider, use [`AuthorizationCodeFlow::handle_callback`].
    async fn exchange_code(
        &self,
        code: &str,
        state: &str,
        redirect_uri: &Url,
    ) -> Result<TokenResponse, OAuth2Error>;

    /// Reads what came back and exchanges the code.
    async fn handle_callback(&self, callback_params: CallbackParams) -> Result<TokenResponse, OAuth2Error>;
}

/// Authorization code with PKCE (RFC 7636).
#[async_trait]
pub trait AuthorizationCodePkceFlow: Send + Sync {
    /// The address to which the person is sent, and the verifier.
    fn authorization_url(&self, params: AuthorizationParams) -> Result<PkceAuthorizationResult, OAuth2Error>;

    /// Exchanges a code. `state` must be one that this process gave out.
    async fn exchange_code(
        &self,
        code: &str,
        state: &str,
        pkce_verifier: &PkceVerifier,
        redirect_uri: &Url,
    ) -> Result<TokenResponse, OAuth2Error>;
}

/// Client credentials (RFC 6749 §4.4).
#[async_trait]
pub trait ClientCredentialsFlow: Send + Sync {
    /// Asks for a token for the client itself.
    async fn request_token(&self, scopes: Option<&[String]>) -> Result<TokenResponse, OAuth2Error>;
}

/// What shows a person the code.
pub type OnUserCode<'a> = Box<dyn FnOnce(&DeviceAuthorizationResponse) + Send + 'a>;

/// Device authorization (RFC 8628).
#[async_trait]
pub trait DeviceAuthorizationFlow: Send + Sync {
    /// Asks for codes.
    async fn request_device_authorization(
        &self,
        scopes: Option<&[String]>,
    ) -> Result<DeviceAuthorizationResponse, OAuth2Error>;

    /// Asks until the person has decided, the codes are too old, or `timeout` is over, or 15 minutes; or five times in a row no answer
    /// came.
    async fn poll_token(
        &self,
        device_code: &str,
        interval: Duration,
        timeout: Duration,
    ) -> Result<TokenResponse, OAuth2Error>;

    /// The whole flow, object-safe.
    async fn execute_boxed(
        &self,
        scopes: Option<&[String]>,
        on_user_code: OnUserCode<'_>,
    ) -> Result<TokenResponse, OAuth2Error>;
}

/// The whole flow with any function, on every [`DeviceAuthorizationFlow`] and on `dyn` too.
#[async_trait]
pub trait DeviceAuthorizationFlowExt: DeviceAuthorizationFlow {
    /// Asks for codes, has them shown, and asks until the person has decided.
    async fn execute<F>(
        &self,
        scopes: Option<&[String]>,
        on_user_code: F,
    ) -> Result<TokenResponse, OAuth2Error>
    where
        F: FnOnce(&DeviceAuthorizationResponse) + Send,
    {
        self.execute_boxed(scopes, Box::new(on_user_code)).await
    }
}

impl<T: DeviceAuthorizationFlow + ?Sized> DeviceAuthorizationFlowExt for T {}

/// Introspection (RFC 7662).
#[async_trait]
pub trait TokenIntrospection: Send + Sync {
    /// Asks about an access token.
    async fn introspect_access_token(&self, token: &str) -> Result<IntrospectionResponse, OAuth2Error>;

    /// Asks about a refresh token.
    async fn introspect_refresh_token(&self, token: &str) -> Result<IntrospectionResponse, OAuth2Error>;
}

/// Revocation (RFC 7009).
#[async_trait]
pub trait TokenRevocation: Send + Sync {
    /// Revokes an access token.
    async fn revoke_access_token(&self, token: &str) -> Result<(), OAuth2Error>;

    /// Revokes a refresh token.
    async fn revoke_refresh_token(&self, token: &str) -> Result<(), OAuth2Error>;

    /// Revokes what is stored under the default key, the refresh token first, and forgets it. What is stored is forgotten
    /// even when the server cannot be reached; the error says so.
    async fn revoke_all(&self) -> Result<(), OAuth2Error>;
}
