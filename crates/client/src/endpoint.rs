//! Which endpoint an error, a breaker or a metric is about.

use std::fmt;

/// An endpoint of an authorization server.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// Where the browser is sent (RFC 6749 §3.1).
    Authorization,
    /// Where tokens come from (RFC 6749 §3.2).
    Token,
    /// RFC 8628 §3.1.
    DeviceAuthorization,
    /// RFC 7662.
    Introspection,
    /// RFC 7009.
    Revocation,
    /// OpenID Connect Core §5.3.
    UserInfo,
    /// RFC 8414, OpenID Connect Discovery 1.0.
    Discovery,
    /// RFC 7517 §5.
    Jwks,
    /// OpenID Connect RP-Initiated Logout 1.0.
    EndSession,
    /// RFC 9126.
    PushedAuthorization,
    /// RFC 7591; the addresses of single registrations (RFC 7592) too.
    Registration,
}

impl Endpoint {
    /// The name in metrics and errors.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::Token => "token",
            Self::DeviceAuthorization => "device_authorization",
            Self::Introspection => "introspection",
            Self::Revocation => "revocation",
            Self::UserInfo => "userinfo",
            Self::Discovery => "discovery",
            Self::Jwks => "jwks",
            Self::EndSession => "end_session",
            Self::PushedAuthorization => "pushed_authorization_request",
            Self::Registration => "client_registration",
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
