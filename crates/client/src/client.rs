//! The client itself: one concrete type that is cheap to clone.

mod dpop;
mod register;
mod unchecked;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
#[cfg(feature = "blocking")]
use std::time::Duration;

use async_trait::async_trait;
use ayb_primitives::circuit_breaker::CircuitState;
use ayb_primitives::logging::{Logger, TracingLogger};
use ayb_primitives::tracing::{Tracer, TracingTracer};
use ayb_primitives::types::{RandomProvider, SystemRandom, SystemTimeProvider, TimeProvider};
use ayb_protocol::message::logout::LogoutRequest;
use url::Url;

use crate::Endpoint;
use crate::config::{ClientCredentials, OAuth2Config, ProviderConfig};
use crate::core::Core;
use crate::dpop::Nonces;
use crate::error::{ConfigurationError, OAuth2Error};
use crate::flows::{
    ClientCredentialsHandler, CodeHandler, DeviceHandler, IntrospectionHandler, PkceHandler,
    RevocationHandler, TokenExchange, UserInfo, discover, discover_at,
};
use crate::http::HttpTransport;
use crate::id_token::{Expected, IdTokenClaims};
use crate::key_cache::KeyCache;
use crate::logout_token::LogoutTokenClaims;
use crate::pending::{PendingAuthorization, StateStore};
use crate::presets::Preset;
use crate::resilience::{Resilience, RetryHook};
use crate::telemetry::{MetricsRecorder, NoMetrics};
use crate::tokens::{Owner, TokenManager, TokenManagerImpl, TokenStorageKey, open_storage};
use crate::traits::{
    AuthorizationCodeFlow, AuthorizationCodePkceFlow, ClientCredentialsFlow, DeviceAuthorizationFlow,
    OAuth2Client, OAuth2ClientFactory, TokenIntrospection, TokenRevocation,
};
use crate::types::{AuthorizationParams, AuthorizationStart, CallbackParams, TokenResponse};

/// How many managers are kept at least, with what they have in memory, though nobody has them.
const IDLE_MANAGERS: usize = 200;

/// A client of one provider. Clones share everything.
#[derive(Clone)]
pub struct OAuth2(Arc<Shared>);

struct Shared {
    core: Arc<Core>,
    code: CodeHandler,
    pkce: PkceHandler,
    credentials: ClientCredentialsHandler,
    device: DeviceHandler,
    introspection: IntrospectionHandler,
    revocation: RevocationHandler,
    tokens: TokenManagerImpl,
    managers: Mutex<HashMap<String, TokenManagerImpl>>,
}

/// What a client is made of. Everything has a default but, without the feature `reqwest`, the transport.
pub struct OAuth2Builder {
    config: OAuth2Config,
    transport: Option<Arc<dyn HttpTransport>>,
    time: Arc<dyn TimeProvider>,
    random: Arc<dyn RandomProvider>,
    logger: Arc<dyn Logger>,
    tracer: Arc<dyn Tracer>,
    metrics: Arc<dyn MetricsRecorder>,
    retry_hook: Option<Arc<dyn RetryHook>>,
}

macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident: $trait:path),+ $(,)?) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name(mut self, $name: Arc<dyn $trait>) -> Self {
            self.$name = $name;
            self
        })+
    };
}

impl OAuth2Builder {
    parts! {
        /// Another clock.
        time: TimeProvider,
        /// Another source of randomness.
        random: RandomProvider,
        /// Where messages go. To the crate `tracing` by default.
        logger: Logger,
        /// Where spans go. To the crate `tracing` by default.
        tracer: Tracer,
        /// Where measurements go. Nowhere by default.
        metrics: MetricsRecorder,
    }

    /// Another way to send requests.
    #[must_use]
    pub fn transport(mut self, transport: Arc<dyn HttpTransport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Who has a say in retries.
    #[must_use]
    pub fn retry_hook(mut self, hook: Arc<dyn RetryHook>) -> Self {
        self.retry_hook = Some(hook);
        self
    }

    /// Changes the configuration.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut OAuth2Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Checks everything and makes the client.
    ///
    /// # Errors
    /// [`ConfigurationError`] for what is missing or out of its bounds, [`crate::error::StorageError`] when the storage cannot be
    /// opened.
    pub fn build(self) -> Result<OAuth2, OAuth2Error> {
        self.config.credentials.check()?;
        self.config.provider.check()?;
        self.config.check_dpop()?;
        self.config.check_bounds()?;
        let transport = match self.transport {
            Some(transport) => transport,
            None => default_transport()?,
        };
        let storage = open_storage(&self.config.storage)?;
        let core = Arc::new(Core {
            resilience: Arc::new(Resilience::new(&self.config, Arc::clone(&self.time))),
            states: Arc::new(StateStore::default()),
            keys: Arc::new(KeyCache::default()),
            nonces: Arc::new(Nonces::default()),
            storage,
            transport,
            time: self.time,
            random: self.random,
            logger: self.logger,
            tracer: self.tracer,
            metrics: self.metrics,
            retry_hook: self.retry_hook,
            config: self.config,
        });
        Ok(OAuth2::on(core))
    }
}

#[cfg(feature = "reqwest")]
fn default_transport() -> Result<Arc<dyn HttpTransport>, OAuth2Error> {
    let failed = |_| ConfigurationError::Invalid("TLS cannot be set up on this machine");
    Ok(Arc::new(crate::http::ReqwestTransport::new().map_err(failed)?))
}

#[cfg(not(feature = "reqwest"))]
fn default_transport() -> Result<Arc<dyn HttpTransport>, OAuth2Error> {
    Err(ConfigurationError::Invalid("there is no transport: the feature `reqwest` is off").into())
}

impl OAuth2 {
    /// A client for a provider that is known.
    pub fn builder(config: OAuth2Config) -> OAuth2Builder {
        OAuth2Builder {
            config,
            transport: None,
            time: Arc::new(SystemTimeProvider::default()),
            random: Arc::new(SystemRandom),
            logger: Arc::new(TracingLogger),
            tracer: Arc::new(TracingTracer),
            metrics: Arc::new(NoMetrics),
            retry_hook: None,
        }
    }

    /// Reads the metadata of an issuer and makes a client for it.
    ///
    /// # Errors
    /// [`ConfigurationError::DiscoveryFailed`] when the issuer does not describe itself, or as another one.
    pub async fn discover(issuer: &str, credentials: ClientCredentials) -> Result<Self, OAuth2Error> {
        Self::builder(OAuth2Config::new(ProviderConfig::default(), credentials))
            .discover(issuer)
            .await?
            .build()
    }

    fn on(core: Arc<Core>) -> Self {
        let key = storage_key(&core, &Owner::Default);
        let tokens = TokenManagerImpl::new(Arc::clone(&core), key, None);
        let revocation = RevocationHandler { core: Arc::clone(&core), tokens: tokens.clone() };
        Self(Arc::new(Shared {
            code: CodeHandler(Arc::clone(&core)),
            pkce: PkceHandler(Arc::clone(&core)),
            credentials: ClientCredentialsHandler(Arc::clone(&core)),
            device: DeviceHandler(Arc::clone(&core)),
            introspection: IntrospectionHandler(Arc::clone(&core)),
            revocation,
            tokens,
            managers: Mutex::default(),
            core,
        }))
    }

    /// The provider as it was configured or found.
    pub fn provider(&self) -> &ProviderConfig {
        &self.0.core.config.provider
    }

    /// Begins a sign-in that any process can end: keep what is pending sealed in a cookie of the browser, and nobody can have
    /// somebody else's sign-in ended there.
    ///
    /// # Errors
    /// [`ConfigurationError`] for what may not be asked.
    pub fn start(&self, params: AuthorizationParams) -> Result<AuthorizationStart, OAuth2Error> {
        self.0.core.start("authorization_code", params)
    }

    /// Ends it: checks state and issuer, exchanges the code, and checks the ID token.
    ///
    /// # Errors
    /// Any of [`OAuth2Error`]; nothing was issued to this client that it could use.
    pub async fn finish(
        &self,
        pending: PendingAuthorization,
        callback: CallbackParams,
    ) -> Result<TokenResponse, OAuth2Error> {
        self.0.core.finish(pending, callback).await
    }

    /// The tokens of one key. Every call for the same key gives the same manager, so there is one refresh for all.
    pub fn tokens_for(&self, key: &TokenStorageKey) -> Arc<dyn TokenManager> {
        Arc::new(self.manager(&Owner::Key(key), None))
    }

    /// Tokens for the program itself (RFC 6749 §4.4), asked for when there are none or they expire, and kept meanwhile: one request
    /// however many ask. No scopes means the default ones.
    pub fn own_tokens<S: Into<String>>(&self, scopes: impl IntoIterator<Item = S>) -> Arc<dyn TokenManager> {
        let mut scopes: Vec<String> = scopes.into_iter().map(Into::into).collect();
        if scopes.is_empty() {
            scopes.clone_from(&self.0.core.config.default_scopes);
        }
        Arc::new(self.manager(&Owner::Program(&scopes.join(" ")), Some(scopes)))
    }

    fn manager(&self, owner: &Owner<'_>, own: Option<Vec<String>>) -> TokenManagerImpl {
        let core = &self.0.core;
        let name = storage_key(core, owner);
        let mut managers = self.managers();
        // Before it grows, those go that nobody has: what they knew is in the storage.
        if managers.len() >= IDLE_MANAGERS && managers.len() == managers.capacity() {
            managers.retain(|_, manager| !manager.is_idle());
        }
        let make = |name: &String| TokenManagerImpl::new(Arc::clone(core), name.clone(), own);
        managers.entry(name).or_insert_with_key(make).clone()
    }

    /// Revokes the tokens of a key at the provider, the refresh token first, and forgets them, as
    /// [`TokenRevocation::revoke_all`] does for the default key.
    ///
    /// # Errors
    /// What kept the provider from revoking; the tokens are forgotten all the same, unless the error is a
    /// [`crate::error::StorageError`].
    pub async fn sign_out(&self, key: &TokenStorageKey) -> Result<(), OAuth2Error> {
        self.0.revocation.end(&self.manager(&Owner::Key(key), None)).await
    }

    /// The manager of the default key, to be used where `dyn` is in the way; see [`TokenManagerImpl::keep_fresh`].
    pub fn default_tokens(&self) -> TokenManagerImpl {
        self.0.tokens.clone()
    }

    /// Waits for every refresh that is under way. A refresh goes on while nobody waits for it, but not when its runtime ends: between
    /// the provider's answer and the storage that loses a refresh token. So await this before the program does; none begins
    /// unless somebody asks for tokens.
    pub async fn settle(&self) {
        self.0.tokens.settle().await;
        let managers: Vec<_> = self.managers().values().cloned().collect();
        for manager in managers {
            manager.settle().await;
        }
    }

    /// Now, by this client's clock.
    #[cfg(feature = "loopback")]
    pub(crate) fn now(&self) -> ayb_protocol::time::Timestamp {
        self.0.core.now()
    }

    /// How long a call may take at most.
    #[cfg(feature = "blocking")]
    pub(crate) fn timeout(&self) -> Duration {
        self.0.core.config.timeout
    }

    fn managers(&self) -> MutexGuard<'_, HashMap<String, TokenManagerImpl>> {
        self.0.managers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks an ID token that came another way than through a flow of this module.
    ///
    /// # Errors
    /// [`crate::error::ValidationError`] for the first rule that it breaks.
    pub async fn verify_id_token(
        &self,
        token: &str,
        expected: &Expected<'_>,
    ) -> Result<IdTokenClaims, OAuth2Error> {
        self.0.core.verify_id_token(token, expected).await
    }

    /// Checks a logout token that the provider sent (OpenID Connect Back-Channel Logout 1.0 §2.6). Whoever calls this ends the sessions
    /// that it names, and remembers `token_id` until the token has expired: the same one may come twice.
    ///
    /// # Errors
    /// [`crate::error::ValidationError`] for the first rule that it breaks.
    pub async fn verify_logout_token(&self, token: &str) -> Result<LogoutTokenClaims, OAuth2Error> {
        self.0.core.verify_logout_token(token).await
    }

    /// As [`OAuth2::start`], but what is asked goes to the provider directly and the browser carries a name for it only (RFC 9126).
    ///
    /// # Errors
    /// [`ConfigurationError::MissingEndpoint`] when the provider does not take it, and whatever it refuses.
    pub async fn start_pushed(&self, params: AuthorizationParams) -> Result<AuthorizationStart, OAuth2Error> {
        self.0.core.start_pushed(params).await
    }

    /// Asks who the person is. `subject` is the one of a checked ID token.
    ///
    /// # Errors
    /// [`crate::error::ValidationError::SubjectMismatch`] when the answer is about somebody else.
    pub async fn user_info(&self, access_token: &str, subject: &str) -> Result<UserInfo, OAuth2Error> {
        self.0.core.user_info(access_token, subject).await
    }

    /// Exchanges a token for another one (RFC 8693). Never sent twice: the token may be good for one use.
    ///
    /// # Errors
    /// Any of [`OAuth2Error`].
    pub async fn exchange_token(&self, exchange: &TokenExchange) -> Result<TokenResponse, OAuth2Error> {
        self.0.core.exchange_token(exchange).await
    }

    /// Where the browser is sent to sign out (OpenID Connect RP-Initiated Logout 1.0).
    ///
    /// # Errors
    /// [`ConfigurationError::MissingEndpoint`].
    pub fn logout_url(&self, request: LogoutRequest) -> Result<Url, OAuth2Error> {
        self.0.core.logout_url(request)
    }

    /// Whether an endpoint is being left alone.
    pub fn circuit_state(&self, endpoint: Endpoint) -> CircuitState {
        self.0.core.resilience.state(endpoint)
    }
}

impl OAuth2Builder {
    /// Reads the metadata of an issuer, with the transport and the limits of this builder.
    ///
    /// # Errors
    /// [`ConfigurationError::DiscoveryFailed`].
    pub async fn discover(self, issuer: &str) -> Result<Self, OAuth2Error> {
        self.discover_at(issuer, issuer).await
    }

    async fn discover_at(mut self, described_at: &str, issuer: &str) -> Result<Self, OAuth2Error> {
        let transport = match &self.transport {
            Some(transport) => Arc::clone(transport),
            None => default_transport()?,
        };
        self.transport = Some(transport);
        let client = self.asker(self.config.credentials.clone())?;
        self.config.provider = discover_at(&client.0.core, described_at, issuer).await?;
        Ok(self)
    }

    /// A client for a question that comes before this builder is done.
    fn asker(&self, credentials: ClientCredentials) -> Result<OAuth2, OAuth2Error> {
        let asker = Self {
            config: OAuth2Config { credentials, ..self.config.clone() },
            transport: self.transport.clone(),
            time: Arc::clone(&self.time),
            random: Arc::clone(&self.random),
            logger: Arc::clone(&self.logger),
            tracer: Arc::clone(&self.tracer),
            metrics: Arc::clone(&self.metrics),
            retry_hook: self.retry_hook.clone(),
        };
        asker.build()
    }
}

impl OAuth2Builder {
    /// A well-known provider: its addresses and its ways. `place` fills the gaps of an issuer that has some: a tenant, a domain.
    ///
    /// # Errors
    /// [`ConfigurationError::DiscoveryFailed`], and [`ConfigurationError::Invalid`] when the gaps and what fills them do not match.
    pub async fn preset(self, preset: &Preset, place: &[&str]) -> Result<Self, OAuth2Error> {
        let builder = match preset.issuer(place)? {
            Some((described_at, issuer)) => self.discover_at(&described_at, &issuer).await?,
            None => self.configure(|config| config.provider = preset.endpoints()),
        };
        Ok(builder.configure(|config| preset.apply(config)))
    }
}

fn storage_key(core: &Core, owner: &Owner<'_>) -> String {
    let config = &core.config;
    owner.bound_to(&core.provider_binding(), &config.credentials.client_id, config.resource.as_deref())
}

#[async_trait]
impl OAuth2Client for OAuth2 {
    fn authorization_code(&self) -> &dyn AuthorizationCodeFlow {
        &self.0.code
    }

    fn authorization_code_pkce(&self) -> &dyn AuthorizationCodePkceFlow {
        &self.0.pkce
    }

    fn client_credentials(&self) -> &dyn ClientCredentialsFlow {
        &self.0.credentials
    }

    fn device_authorization(&self) -> &dyn DeviceAuthorizationFlow {
        &self.0.device
    }

    fn tokens(&self) -> &dyn TokenManager {
        &self.0.tokens
    }

    fn introspection(&self) -> &dyn TokenIntrospection {
        &self.0.introspection
    }

    fn revocation(&self) -> &dyn TokenRevocation {
        &self.0.revocation
    }

    async fn discover(&self, issuer_url: &Url) -> Result<ProviderConfig, OAuth2Error> {
        discover(&self.0.core, issuer_text(issuer_url)).await
    }
}

/// An issuer without a path has no slash at its end (RFC 8414 §2), and `Url` always prints one.
fn issuer_text(issuer: &Url) -> &str {
    let text = issuer.as_str();
    if issuer.path() == "/" { text.trim_end_matches('/') } else { text }
}

/// Makes clients with the defaults of every part.
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultOAuth2ClientFactory;

#[async_trait]
impl OAuth2ClientFactory for DefaultOAuth2ClientFactory {
    fn create(&self, config: OAuth2Config) -> Result<Box<dyn OAuth2Client>, OAuth2Error> {
        create_oauth2_client(config)
    }

    async fn discover(
        &self,
        issuer_url: &Url,
        credentials: ClientCredentials,
    ) -> Result<Box<dyn OAuth2Client>, OAuth2Error> {
        create_oauth2_client_from_discovery(issuer_url, credentials).await
    }
}

/// A client for a provider that is known.
///
/// # Errors
/// As [`OAuth2Builder::build`].
pub fn create_oauth2_client(config: OAuth2Config) -> Result<Box<dyn OAuth2Client>, OAuth2Error> {
    Ok(Box::new(OAuth2::builder(config).build()?))
}

/// A client for a provider that describes itself.
///
/// # Errors
/// As [`OAuth2::discover`].
pub async fn create_oauth2_client_from_discovery(
    issuer_url: &Url,
    credentials: ClientCredentials,
) -> Result<Box<dyn OAuth2Client>, OAuth2Error> {
    Ok(Box::new(OAuth2::discover(issuer_text(issuer_url), credentials).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn managers_that_nobody_has_do_not_pile_up_and_one_that_somebody_has_stays_the_only_one() {
        let config = OAuth2Config::new(ProviderConfig::default(), ClientCredentials::public("app"));
        let client = OAuth2::builder(config).build().unwrap();
        let key = |person: u32| TokenStorageKey::new("acme").user(person.to_string());
        let name = storage_key(&client.0.core, &Owner::Key(&key(0)));
        let kept = client.tokens_for(&key(0));
        let manager = client.managers()[&name].clone();
        for person in 1..20_000 {
            drop(client.tokens_for(&key(person)));
        }
        assert!(client.managers().len() < 3 * IDLE_MANAGERS, "{}", client.managers().len());
        assert!(client.managers()[&name].is_same(&manager));
        drop((kept, manager));
        for person in 1..20_000 {
            drop(client.tokens_for(&key(person)));
        }
        assert!(!client.managers().contains_key(&name));
    }
}
