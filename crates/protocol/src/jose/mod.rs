//! JOSE: signed tokens and the keys that sign and verify them.
//!
//! | RFC | module |
//! |---|---|
//! | 7515 JSON Web Signature, compact form | [`jws`] |
//! | 7517 JSON Web Key, 7638 thumbprint, 8037 Ed25519 | [`Jwk`], [`KeySet`] |
//! | 7518 JSON Web Algorithms | [`Algorithm`] |
//! | 7519 JSON Web Token, 8725 best current practice | [`jwt`] |
//!
//! Three types hold keys and none becomes another: [`SigningKey`] is private, [`VerifyingKey`] is public,
//! [`HmacKey`] is shared. A token therefore cannot choose what kind of key checks it (RFC 8725 §2.1).

mod algorithm;
pub mod base64url;
mod digest;
mod error;
mod hmac_key;
pub mod json;
mod jwk;
pub mod jws;
pub mod jwt;
mod key_set;
mod public_key;
mod rsa;
mod signing_key;
mod verifying_key;
mod verifying_keys;

pub use algorithm::Algorithm;
pub use digest::{MacKey, constant_time_eq, hmac_sha256, sha256};
pub use error::{KeyError, SigningError};
pub use hmac_key::HmacKey;
pub use jwk::{Jwk, KeyUse};
pub use key_set::KeySet;
pub use signing_key::SigningKey;
pub use verifying_key::VerifyingKey;
pub use verifying_keys::VerifyingKeys;
