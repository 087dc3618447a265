//! Why a key is refused and why a signature could not be made. The texts are fixed: none repeats its input.

/// Why a key is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, thiserror::Error)]
pub enum KeyError {
    /// Not a JSON object, a member twice, a required member missing, or a member of the wrong type.
    #[error("the key is not a well-formed JWK")]
    Malformed,
    /// A key type or curve that this crate does not speak, or not one that the place allows.
    #[error("the key type is not supported")]
    Type,
    /// An algorithm that this crate does not speak, or one that does not belong to the key type.
    #[error("the algorithm does not fit the key")]
    Algorithm,
    /// A private key where a public one is expected. Whoever sees it must treat the key as leaked.
    #[error("the key contains private members")]
    Private,
    /// Too short, or made in a way that is known to be breakable.
    #[error("the key is too weak")]
    Weak,
    /// `use` or `key_ops` forbid verifying signatures (RFC 7517 §4.2, §4.3).
    #[error("the key is not meant for signatures")]
    Use,
    /// The numbers are not a key: a point off its curve, an inconsistent private key.
    #[error("the key is not valid")]
    Invalid,
}

/// Why a token could not be signed. Neither is the fault of whoever asked for the token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, thiserror::Error)]
pub enum SigningError {
    /// The claims have no JSON form, or it is not an object.
    #[error("the claims cannot be written as a JSON object")]
    Claims,
    /// The cryptographic library refused to sign.
    #[error("the key could not sign")]
    Key,
}
