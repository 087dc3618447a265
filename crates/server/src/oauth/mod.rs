//! The OAuth and OpenID Connect endpoints, one file each.

pub mod answer;
pub mod authorize;
pub mod client_auth;
pub mod client_request;
pub mod error;
pub mod id_token;
pub mod id_token_hint;
pub mod issue;
pub mod keys;
pub mod metadata;
pub mod progress;
pub mod prompt;
pub mod refresh;
pub mod revoke;
pub mod token;
pub mod userinfo;
