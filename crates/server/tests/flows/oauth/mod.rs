//! The provider, as clients, browsers and attackers meet it.

mod authorize;
mod authorize_address;
mod bearer;
mod client_auth;
mod consent;
mod disabled;
mod expiry;
mod revoke;
mod smoke;
mod token_client_credentials;
mod token_code;
mod token_refresh;
mod userinfo;
