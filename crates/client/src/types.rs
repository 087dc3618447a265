//! What goes in and out of the flows.

mod authorization;
mod device;
mod introspection;
mod pkce;
mod registration;
mod tokens;

pub use authorization::{
    AuthorizationParams, AuthorizationStart, AuthorizationUrlResult, CallbackParams, PkceAuthorizationResult,
    Prompt, ResponseMode,
};
pub use device::DeviceAuthorizationResponse;
pub use introspection::IntrospectionResponse;
pub use pkce::{PkceMethod, PkceVerifier};
pub use registration::{ClientMetadata, ClientRegistration, RegisteredClient};
pub(crate) use tokens::now as tokens_now;
pub use tokens::{AccessToken, Fingerprint, TokenResponse, TokenSet};
