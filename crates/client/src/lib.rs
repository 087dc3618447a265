//! A client of OAuth 2.0 / 2.1 and OpenID Connect providers, anybody's.
//!
//! ```no_run
//! use ayb_client::{ClientCredentials, OAuth2, OAuth2Client as _};
//!
//! # async fn run() -> Result<(), ayb_client::OAuth2Error> {
//! let client = OAuth2::discover("https://id.example", ClientCredentials::with_secret("svc", "secret")).await?;
//! let token = client.client_credentials().request_token(Some(&["orders.read".to_owned()])).await?;
//! println!("{token:?}"); // says what it is, and shows nothing of it
//! # Ok(()) }
//! ```
//!
//! | To | Use |
//! |---|---|
//! | sign a person in | [`OAuth2::start`] and [`OAuth2::finish`], or the traits of the specification: [`AuthorizationCodeFlow`], [`AuthorizationCodePkceFlow`] |
//! | sign a person in from a program on their machine, with all that belongs to it | `OAuth2::login`, with the feature `loopback` |
//! | know the addresses and the ways of well-known providers | [`presets`] |
//! | receive the answer of a sign-in on this machine | `loopback::Loopback`, with the feature `loopback` |
//! | get a token for the program itself | [`ClientCredentialsFlow`] |
//! | sign in on a device without a browser | [`DeviceAuthorizationFlow`] |
//! | have an access token that counts, always | [`TokenManager`] |
//! | ask an API, with a token that goes to it and nowhere else | [`http::ApiClient`]; `http::TokenLayer`, with the feature `tower` |
//! | keep tokens | [`TokenStorage`]: in memory, in encrypted files, or anywhere else |
//! | ask about and end tokens | [`TokenIntrospection`], [`TokenRevocation`] |
//! | act for somebody at another service | [`OAuth2::exchange_token`] |
//! | end sessions when the provider says so | [`OAuth2::verify_logout_token`] |
//! | register the client at the provider | [`OAuth2Builder::register`] |
//! | bind tokens to a key (DPoP) | [`DpopKey`], [`OAuth2::authorize_request`] |
//! | do without async | `blocking::BlockingOAuth2`, with the feature `blocking` |
//! | know what to do after an error | [`OAuth2Error::recovery`] |
//!
//! What holds everywhere: PKCE and state with every code, a nonce and a complete check with every ID token, https only but for
//! this machine, no redirects, answers of at most a megabyte, a code never sent twice, and no secret in any text that is printed.

mod auth;
#[cfg(feature = "blocking")]
pub mod blocking;
mod client;
mod coalesce;
pub mod config;
mod core;
mod dpop;
mod endpoint;
pub mod error;
mod flows;
pub mod http;
mod id_token;
mod key_cache;
#[cfg(feature = "loopback")]
pub mod login;
mod logout_token;
#[cfg(feature = "loopback")]
pub mod loopback;
#[cfg(feature = "test-server")]
pub mod mock;
mod pending;
pub mod presets;
mod resilience;
mod sealed;
mod sent;
mod telemetry;
mod tokens;
mod traits;
mod types;
mod validate;

pub use ayb_primitives as primitives;
pub use ayb_protocol::answer::{Deviation, Strictness};
pub use ayb_protocol::jose::{Algorithm, SigningKey};
pub use ayb_protocol::message::logout::LogoutRequest;
pub use ayb_protocol::time::{Seconds, Timestamp};
pub use secrecy::{ExposeSecret, SecretString};

pub use client::{
    DefaultOAuth2ClientFactory, OAuth2, OAuth2Builder, create_oauth2_client,
    create_oauth2_client_from_discovery,
};
pub use config::{
    BearerPlacement, ClientAuthMethod, ClientAuthenticator, ClientCredentials, JwsSigner,
    OAuth2CircuitBreakerConfig, OAuth2Config, OAuth2Credentials, OAuth2RateLimitConfig, OAuth2RetryConfig,
    ProviderConfig, RefreshStrategy, RetryConfig, TokenStorageConfig,
};
pub use dpop::DpopKey;
pub use endpoint::Endpoint;
pub use error::{OAuth2Error, OAuth2ErrorKind, OAuthErrorResponse, Recovery};
pub use flows::{TokenExchange, UserInfo};
pub use http::HttpTransport;
pub use id_token::{Expected, IdTokenClaims, IdTokenPolicy};
pub use logout_token::LogoutTokenClaims;
pub use pending::PendingAuthorization;
pub use resilience::{RetryDecision, RetryHook};
pub use telemetry::{Label, MemoryMetrics, MetricsRecorder, NoMetrics, OAuth2LogContext};
pub use tokens::{
    FileTokenStorage, InMemoryTokenStorage, KeySource, StorageCapabilities, StorageGuard, StoredTokenSet,
    TokenManager, TokenManagerImpl, TokenStorage, TokenStorageKey,
};
pub use traits::{
    AuthorizationCodeFlow, AuthorizationCodePkceFlow, ClientCredentialsFlow, DeviceAuthorizationFlow,
    DeviceAuthorizationFlowExt, OAuth2Client, OAuth2ClientFactory, OnUserCode, TokenIntrospection,
    TokenRevocation,
};
pub use types::{
    AccessToken, AuthorizationParams, AuthorizationStart, AuthorizationUrlResult, CallbackParams,
    ClientMetadata, ClientRegistration, DeviceAuthorizationResponse, Fingerprint, IntrospectionResponse,
    PkceAuthorizationResult, PkceMethod, PkceVerifier, Prompt, RegisteredClient, ResponseMode, TokenResponse,
    TokenSet,
};
pub use validate::{JwtValidator, TokenValidator};
