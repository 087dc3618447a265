//! The flows, one file each.

mod authorize;
mod client_credentials;
mod code;
mod device;
mod discovery;
mod exchange;
mod introspect;
mod logout;
mod pushed;
mod refresh;
mod register;
mod revoke;
mod token;
mod userinfo;

pub(crate) use client_credentials::ClientCredentialsHandler;
pub(crate) use code::{CodeHandler, PkceHandler};
pub(crate) use device::DeviceHandler;
pub(crate) use discovery::{discover, discover_at};
pub use exchange::TokenExchange;
pub(crate) use introspect::IntrospectionHandler;
pub(crate) use revoke::RevocationHandler;
pub use userinfo::UserInfo;
