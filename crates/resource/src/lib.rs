//! Protects an API with the JWT access tokens (RFC 9068) of an OAuth 2.0 server.
//!
//! [`Verifier::verify`] is the check as a plain function. [`BearerLayer`] is the same as a tower layer for every
//! `http::Request`: it puts the [`AccessToken`] into the request's extensions, or answers 401 or 403 with the challenge that
//! RFC 6750 §3 asks for. [`ResourceMetadata`] tells clients where to get tokens.
//!
//! ```
//! use ayb_resource::{BearerLayer, RequiredScope, ResourceMetadata, Verifier};
//!
//! # fn main() -> Result<(), ayb_resource::BuildError> {
//! let resource = ResourceMetadata::new("https://notes.example")?.authorization_server("https://id.example");
//! let verifier = Verifier::builder("https://id.example").audience(resource.resource()).build()?;
//! let reading = BearerLayer::new(verifier)
//!     .resource_metadata(&resource.address())
//!     .require(RequiredScope::words(["notes.read"])?);
//! # let _ = reading;
//! # Ok(())
//! # }
//! ```
//!
//! | Specification | Here |
//! |---|---|
//! | RFC 9068 §4: validating a JWT access token | [`Verifier`], [`AccessToken`] |
//! | RFC 8414 §3, OpenID Connect Discovery 1.0 §4: finding the keys | [`VerifierBuilder`] |
//! | RFC 7517 §5: the keys, and how long they are kept | [`CachePolicy`], [`Fetch`] |
//! | RFC 6750 §2.1, §3: header and challenge | [`BearerLayer`], [`Refusal`] |
//! | RFC 9728: metadata of the API, and its place in the challenge | [`ResourceMetadata`] |
//!
//! What it does not do: it asks nobody whether a token was revoked. A JWT lives until its `exp`; give tokens short lives, or
//! ask the issuer where that matters. It takes no opaque tokens, and refuses tokens that are bound to a key (RFC 9449, RFC
//! 8705), because it could not check the proof.

/// The program in the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod address;
mod bearer;
mod builder;
mod challenge;
mod clock;
mod error;
mod fetch;
mod keys;
mod metadata;
mod scope;
mod token;
mod verifier;

pub use ayb_protocol::jose::Algorithm;
pub use ayb_protocol::jose::jwt::{Claims, JwtError};
pub use ayb_protocol::scope::ResourceScope;
pub use ayb_protocol::time::{Seconds, Timestamp};
pub use url::Url;

pub use bearer::{BearerLayer, BearerService};
pub use builder::{MAX_LEEWAY, VerifierBuilder};
pub use challenge::Refusal;
pub use clock::{Clock, SystemClock};
pub use error::{BuildError, KeysError, TokenError};
pub use fetch::{Document, Fetch, FetchError, Fetching, HttpFetch, MAX_DOCUMENT};
pub use keys::CachePolicy;
pub use metadata::{MetadataService, ResourceMetadata};
pub use scope::RequiredScope;
pub use token::AccessToken;
pub use verifier::Verifier;
