//! Words of OAuth 2.0 and OpenID Connect: types and messages that both sides share.

pub mod time;
