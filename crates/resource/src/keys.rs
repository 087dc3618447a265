//! The issuer's public keys: where they are, how long they are kept, and when they are fetched again.

mod cache;
mod policy;
mod source;

pub(crate) use cache::KeyCache;
pub use policy::CachePolicy;
pub(crate) use source::Source;
