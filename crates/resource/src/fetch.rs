//! How documents of the issuer are fetched: a trait of one function, so that the HTTP client can be another.

mod http;

use std::future::Future;
use std::pin::Pin;

use ayb_protocol::time::Seconds;
use bytes::Bytes;
use url::Url;

pub use self::http::HttpFetch;

/// The largest document that is read, in bytes.
pub const MAX_DOCUMENT: usize = 1024 * 1024;

/// The answer of [`Fetch::get`], on its way.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Document, FetchError>> + Send + 'a>>;

/// Fetches public documents: the issuer's metadata and its keys.
///
/// Whoever implements it follows no redirect, reads no more than [`MAX_DOCUMENT`] bytes, and lets only status 200 pass.
/// The address has been checked, and the time is limited by the caller, who drops the future.
pub trait Fetch: Send + Sync + 'static {
    /// Fetches one document.
    fn get<'a>(&'a self, address: &'a Url) -> Fetching<'a>;
}

/// A document that arrived whole.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its bytes.
    pub body: Bytes,
    /// How much longer it may be kept, if the answer says so: `max-age` less `Age` (RFC 9111 §4.2); zero for `no-store`
    /// and `no-cache`.
    pub max_age: Option<Seconds>,
}

/// Why a document did not come.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, thiserror::Error)]
pub enum FetchError {
    /// No connection, no TLS, or it broke before the end of the document.
    #[error("the connection failed")]
    Connection,
    /// Another status than 200; redirects are among them, because none is followed.
    #[error("the answer has status {0}")]
    Status(u16),
    /// More than [`MAX_DOCUMENT`].
    #[error("the document is too large")]
    TooLarge,
    /// It took longer than [`CachePolicy::timeout`](crate::CachePolicy::timeout).
    #[error("the answer took too long")]
    TimedOut,
}
