//! Words of OAuth 2.0 and OpenID Connect: the types and messages that a server and a client share.
//!
//! No IO, no clock, no randomness, no `async`: everything comes in as a value.
//!
//! | Specification | Module |
//! |---|---|
//! | RFC 6749 parameters, §3.1 and §3.2 | [`params`] |
//! | RFC 6749 §4.1, OpenID Connect Core §3.1.2: authorization request and answer | [`message::authorize`] |
//! | RFC 6749 §4.1.3, §4.4, §5, §6: token request and answer | [`message::token`] |
//! | RFC 6749 §2.3: client authentication | [`message::client_auth`] |
//! | RFC 7009: revocation | [`message::revoke`] |
//! | OpenID Connect Core §5.3: UserInfo | [`message::userinfo`] |
//! | OpenID Connect RP-Initiated Logout 1.0 | [`message::logout`] |
//! | RFC 6749 §5, RFC 7662 §2.2, RFC 8628 §3.2, RFC 8414 §3.2: answers as a client reads them | [`answer`] |
//! | RFC 6749 §3.3, OpenID Connect Core §5.4: scopes | [`scope`] |
//! | RFC 6749 §3.1.2, RFC 8252 §7.3: redirect URIs | [`redirect_uri`] |
//! | RFC 7636: proof key for code exchange | [`pkce`] |
//! | RFC 8414, OpenID Connect Discovery 1.0: metadata | [`metadata`] |
//! | RFC 9068: JWT access tokens | [`access_token`] |
//! | OpenID Connect Core §2, §5.5: ID tokens and the `claims` parameter | [`id_token`], [`claims`] |
//! | RFC 9449: proofs of possession | [`dpop`] |
//! | RFC 7515 to 7519, 7638, 8037: JOSE | [`jose`] |

pub mod access_token;
pub mod answer;
pub mod claims;
pub mod dpop;
pub mod error;
pub mod hex;
pub mod id_token;
pub mod ids;
pub mod jose;
pub mod message;
pub mod metadata;
pub mod params;
pub mod pkce;
pub mod redirect_uri;
pub mod scope;
pub mod secret;
pub mod tables;
pub mod time;
