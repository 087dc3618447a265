//! The same client for programs without async: each call runs to its end on threads of the client's own. Not to be called from
//! inside a runtime.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::config::ClientCredentials;
use crate::error::{ConfigurationError, OAuth2Error};
use crate::traits::{DeviceAuthorizationFlowExt as _, OAuth2Client as _};
use crate::types::{
    AccessToken, AuthorizationParams, AuthorizationStart, CallbackParams, DeviceAuthorizationResponse,
    IntrospectionResponse, TokenResponse, TokenSet,
};
use crate::{OAuth2, OAuth2Builder, PendingAuthorization};

/// How much longer than a call may take the last clone waits for a refresh: for its tokens to be stored.
const TIME_TO_STORE: Duration = Duration::from_secs(5);

/// A client whose calls wait. Clones share everything. The last one that is dropped waits for a refresh that is under way, as
/// [`OAuth2::settle`] does, but no longer than a call may take and five seconds.
#[derive(Clone)]
pub struct BlockingOAuth2(Arc<Shared>);

struct Shared {
    client: OAuth2,
    runtime: Runtime,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Inside a runtime nothing can be waited for.
        if Handle::try_current().is_err() {
            let (settled, most) = (self.client.settle(), self.client.timeout().saturating_add(TIME_TO_STORE));
            // Longer than that, it is lost.
            let _in_time = self.runtime.block_on(async { tokio::time::timeout(most, settled).await });
        }
    }
}

impl BlockingOAuth2 {
    /// Makes a client.
    ///
    /// # Errors
    /// As [`OAuth2Builder::build`], and when no thread can be started.
    pub fn build(builder: OAuth2Builder) -> Result<Self, OAuth2Error> {
        let runtime = runtime()?;
        Ok(Self(Arc::new(Shared { client: builder.build()?, runtime })))
    }

    /// Reads the metadata of an issuer and makes a client for it.
    ///
    /// # Errors
    /// As [`OAuth2::discover`], and when no thread can be started.
    pub fn discover(issuer: &str, credentials: ClientCredentials) -> Result<Self, OAuth2Error> {
        let runtime = runtime()?;
        let client = runtime.block_on(OAuth2::discover(issuer, credentials))?;
        Ok(Self(Arc::new(Shared { client, runtime })))
    }

    /// The client itself, for what is not here: give its futures to [`BlockingOAuth2::run`].
    pub fn client(&self) -> &OAuth2 {
        &self.0.client
    }

    /// Runs anything to its end.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        self.0.runtime.block_on(future)
    }

    /// As [`OAuth2::start`].
    ///
    /// # Errors
    /// The same.
    pub fn start(&self, params: AuthorizationParams) -> Result<AuthorizationStart, OAuth2Error> {
        self.0.client.start(params)
    }

    /// As [`OAuth2::finish`].
    ///
    /// # Errors
    /// The same.
    pub fn finish(
        &self,
        pending: PendingAuthorization,
        callback: CallbackParams,
    ) -> Result<TokenResponse, OAuth2Error> {
        self.run(self.0.client.finish(pending, callback))
    }

    /// As [`crate::ClientCredentialsFlow::request_token`].
    ///
    /// # Errors
    /// The same.
    pub fn request_token(&self, scopes: Option<&[String]>) -> Result<TokenResponse, OAuth2Error> {
        self.run(self.0.client.client_credentials().request_token(scopes))
    }

    /// As [`crate::DeviceAuthorizationFlowExt::execute`].
    ///
    /// # Errors
    /// The same.
    pub fn device(
        &self,
        scopes: Option<&[String]>,
        on_user_code: impl FnOnce(&DeviceAuthorizationResponse) + Send,
    ) -> Result<TokenResponse, OAuth2Error> {
        self.run(self.0.client.device_authorization().execute(scopes, on_user_code))
    }

    /// As [`OAuth2::settle`].
    pub fn settle(&self) {
        self.run(self.0.client.settle());
    }

    /// As [`crate::TokenManager::store_tokens`].
    ///
    /// # Errors
    /// The same.
    pub fn store_tokens(&self, tokens: TokenSet) -> Result<(), OAuth2Error> {
        self.run(self.0.client.tokens().store_tokens(tokens))
    }

    /// As [`crate::TokenManager::get_access_token`].
    ///
    /// # Errors
    /// The same.
    pub fn get_access_token(&self) -> Result<AccessToken, OAuth2Error> {
        self.run(self.0.client.tokens().get_access_token())
    }

    /// As [`crate::TokenIntrospection::introspect_access_token`].
    ///
    /// # Errors
    /// The same.
    pub fn introspect_access_token(&self, token: &str) -> Result<IntrospectionResponse, OAuth2Error> {
        self.run(self.0.client.introspection().introspect_access_token(token))
    }

    /// As [`crate::TokenRevocation::revoke_all`].
    ///
    /// # Errors
    /// The same.
    pub fn revoke_all(&self) -> Result<(), OAuth2Error> {
        self.run(self.0.client.revocation().revoke_all())
    }
}

/// A refresh goes on while nobody waits, so there is a thread that is not the caller's.
fn runtime() -> Result<Runtime, OAuth2Error> {
    let built = Builder::new_multi_thread().worker_threads(1).enable_all().thread_name("ayb-client").build();
    let failed = |_| ConfigurationError::Invalid("no thread can be started");
    Ok(built.map_err(failed)?)
}
