//! The provider, as clients, browsers and attackers meet it.

mod authorize;
mod authorize_address;
mod bearer;
mod client_auth;
mod consent;
mod cors;
mod disabled;
mod expiry;
mod headers;
mod id_token;
mod jwt;
mod jwt_tokens;
mod keys;
mod limits;
mod logout;
mod metadata;
mod races;
mod remembered;
mod revoke;
mod secrets;
mod smoke;
mod token_client_credentials;
mod token_code;
mod token_refresh;
mod userinfo;
