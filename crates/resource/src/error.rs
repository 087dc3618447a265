//! Why a token is not accepted, why keys are missing, why a verifier cannot be built. The texts are fixed: none repeats
//! what came from outside.

use ayb_protocol::jose::jwt::JwtError;

use crate::fetch::FetchError;

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, thiserror::Error)]
pub enum TokenError {
    /// The token is not one of this issuer for this API that is alive now.
    #[error(transparent)]
    Refused(#[from] JwtError),
    /// The token has a `cnf` claim (RFC 7800): it is worth something only with a proof that this crate does not check
    /// (RFC 9449 §7.2, RFC 8705 §3), so it is no bearer token.
    #[error("the token is bound to a key and cannot be used as a bearer token")]
    Bound,
    /// Whether the token is good cannot be known now: the keys could not be fetched. It is our trouble, not the caller's.
    #[error("the keys of the issuer are not available: {0}")]
    Keys(#[from] KeysError),
}

/// Why the issuer's keys are not at hand.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, thiserror::Error)]
pub enum KeysError {
    /// A document did not come.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The metadata is not a JSON object with `issuer` and `jwks_uri` (RFC 8414 §2).
    #[error("the metadata of the issuer cannot be read")]
    Metadata,
    /// The metadata is another issuer's (RFC 8414 §3.3).
    #[error("the metadata names another issuer")]
    Issuer,
    /// The metadata's `jwks_uri` is not an address that may be asked.
    #[error("the address of the keys is not allowed")]
    Address,
    /// The key set is not a JWK Set (RFC 7517 §5).
    #[error("the key set cannot be read")]
    KeySet,
    /// Fetching ended before its time: it panicked, or its runtime was shut down.
    #[error("fetching the keys was interrupted")]
    Interrupted,
}

/// Why something cannot be built: a mistake of the programmer or of the configuration.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, thiserror::Error)]
pub enum BuildError {
    /// The issuer is not an `https` address without query and fragment (RFC 8414 §2); `http` is for loopback.
    #[error("the issuer is not an https address without query and fragment")]
    Issuer,
    /// `jwks_uri` is not an `https` address; `http` is for loopback.
    #[error("the address of the keys is not an https address")]
    JwksUri,
    /// No audience was named: every token of the issuer would do, also those for other APIs (RFC 9068 §4).
    #[error("no audience was named")]
    Audience,
    /// The list of algorithms is empty.
    #[error("no algorithm is allowed")]
    NoAlgorithm,
    /// An HMAC is among the algorithms: this API and the issuer share no secret (RFC 8725 §3.1).
    #[error("an HMAC does not work with published keys")]
    SharedSecret,
    /// More leeway than [`MAX_LEEWAY`](crate::MAX_LEEWAY).
    #[error("the leeway is too large")]
    Leeway,
    /// A time of the [`CachePolicy`](crate::CachePolicy) contradicts another one.
    #[error("the times of the key cache contradict each other")]
    Policy,
    /// TLS could not be set up on this machine.
    #[error("the HTTP client cannot be made")]
    Client,
    /// The text holds no certificate that can be read.
    #[error("there is no certificate in the text")]
    Certificate,
    /// Not one or more scope words (RFC 6749 §3.3).
    #[error("not a list of scope words")]
    Scope,
    /// A text for a header with a quote, a backslash or a sign beyond ASCII in it.
    #[error("the text does not fit into a header")]
    Text,
    /// The resource is not an `https` address without query and fragment (RFC 9728 §1.2); `http` is for loopback.
    #[error("the resource is not an https address without query and fragment")]
    Resource,
}
