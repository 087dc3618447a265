//! The messages of the endpoints, one file each: reading, printing and tests together.

pub mod authorize;
pub mod client_auth;
pub mod logout;
pub mod revoke;
pub mod token;
pub mod userinfo;
