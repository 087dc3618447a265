//! What can go wrong, on order.

use std::time::Duration;

/// What happens to one request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The host is not found.
    UnknownHost,
    /// Nobody listens.
    Unreachable,
    /// The certificate is not to be trusted.
    BadTls,
    /// The connection breaks before the server has seen the request, but after bytes were sent.
    DropBeforeProcessing,
    /// The server acts on the request, and the answer is lost.
    DropAfterProcessing,
    /// The server acts on the request, and the client stops waiting for the answer.
    TimeOut,
    /// The server acts on the request, and the answer ends in the middle.
    TornBody,
    /// The answer takes this long by the test's clock.
    Slow(Duration),
    /// This status, without acting.
    Status(u16),
    /// This status with `Retry-After` in seconds, without acting.
    RetryAfter(u16, u64),
    /// An OAuth error with status 400, without acting.
    Error(&'static str),
    /// A demand for a proof of possession with this nonce, without acting (RFC 9449 §8).
    DpopNonce(&'static str),
    /// Any answer, without acting: status, content type, body.
    Answer(u16, &'static str, String),
    /// A redirect to somewhere else, without acting.
    Redirect,
    /// A body of more than a megabyte, without acting.
    Huge,
}
