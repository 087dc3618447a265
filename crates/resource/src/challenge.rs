//! What a refused request is answered: status and `WWW-Authenticate` (RFC 6750 §3, RFC 9728 §5.1).

use ayb_protocol::error::ErrorCode;
use ayb_protocol::jose::jwt::JwtError;
use ayb_protocol::time::Seconds;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};

use crate::error::TokenError;

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, thiserror::Error)]
pub enum Refusal {
    /// No bearer token came, or another kind of credential: 401 without an error code (RFC 6750 §3.1).
    #[error("no bearer token came")]
    Missing,
    /// More than one credential came, or one that is not of the form of RFC 6750 §2.1: 400.
    #[error("the Authorization header is malformed")]
    Malformed,
    /// The token is not good: 401; or that cannot be known: 503.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The token is good, and its scope is too small: 403.
    #[error("the scope of the token is too small")]
    Scope,
}

impl Refusal {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Token(TokenError::Keys(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Missing | Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Scope => StatusCode::FORBIDDEN,
        }
    }

    /// Code and text for the caller; nothing where the standard wants nothing said.
    fn said(&self) -> Option<(ErrorCode, &'static str)> {
        match self {
            Self::Missing | Self::Token(TokenError::Keys(_)) => None,
            Self::Malformed => Some((ErrorCode::InvalidRequest, "Send one bearer token.")),
            Self::Token(TokenError::Refused(JwtError::Expired)) => {
                Some((ErrorCode::InvalidToken, "The access token has expired."))
            }
            Self::Token(_) => Some((ErrorCode::InvalidToken, "The access token is not valid here.")),
            Self::Scope => Some((ErrorCode::InsufficientScope, "The access token does not allow this.")),
        }
    }
}

/// The parts of a challenge that do not depend on the refusal. All are safe inside quotes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Challenge {
    pub(crate) realm: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) resource_metadata: Option<String>,
}

impl Challenge {
    /// The answer, with an empty body.
    pub(crate) fn answer<R: Default>(&self, refusal: &Refusal, retry_after: Seconds) -> Response<R> {
        let mut response = Response::new(R::default());
        *response.status_mut() = refusal.status();
        if refusal.status() == StatusCode::SERVICE_UNAVAILABLE {
            // Our trouble is no challenge: another token would not help.
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after.0));
        } else if let Ok(value) = HeaderValue::try_from(self.text(refusal)) {
            response.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
        response
    }

    fn text(&self, refusal: &Refusal) -> String {
        let said = refusal.said();
        let parts = [
            ("realm", self.realm.as_deref()),
            ("error", said.map(|(code, _)| code.as_str())),
            ("error_description", said.map(|(_, text)| text)),
            ("scope", self.scope.as_deref()),
            ("resource_metadata", self.resource_metadata.as_deref()),
        ];
        let parts = parts.into_iter().filter_map(|(name, value)| Some(format!("{name}=\"{}\"", value?)));
        let parts = parts.collect::<Vec<_>>().join(", ");
        format!("Bearer {parts}").trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::KeysError;
    use crate::fetch::FetchError;

    fn answer(challenge: &Challenge, refusal: Refusal) -> (u16, String, String) {
        let response = challenge.answer::<()>(&refusal, Seconds(5));
        let header =
            |name| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        (response.status().as_u16(), header(WWW_AUTHENTICATE), header(RETRY_AFTER))
    }

    #[test]
    fn each_refusal_is_said_as_rfc_6750_wants_it() {
        let plain = Challenge::default();
        let full = Challenge {
            realm: Some("notes".to_owned()),
            scope: Some("readonly".to_owned()),
            resource_metadata: Some("https://notes.example/.well-known/oauth-protected-resource".to_owned()),
        };
        let rest = "scope=\"readonly\", resource_metadata=\"https://notes.example/.well-known/oauth-protected-resource\"";
        let table = [
            (Refusal::Missing, 401, ""),
            (
                Refusal::Malformed,
                400,
                "error=\"invalid_request\", error_description=\"Send one bearer token.\"",
            ),
            (
                Refusal::Token(JwtError::Signature.into()),
                401,
                "error=\"invalid_token\", error_description=\"The access token is not valid here.\"",
            ),
            (
                Refusal::Token(JwtError::Expired.into()),
                401,
                "error=\"invalid_token\", error_description=\"The access token has expired.\"",
            ),
            (
                Refusal::Scope,
                403,
                "error=\"insufficient_scope\", error_description=\"The access token does not allow this.\"",
            ),
        ];
        for (refusal, status, said) in table {
            let short = format!("Bearer {said}").trim_end().to_owned();
            assert_eq!(answer(&plain, refusal), (status, short, String::new()));
            let between = if said.is_empty() { String::new() } else { format!("{said}, ") };
            let long = format!("Bearer realm=\"notes\", {between}{rest}");
            assert_eq!(answer(&full, refusal), (status, long, String::new()));
        }
        let keys = Refusal::Token(KeysError::Fetch(FetchError::TimedOut).into());
        assert_eq!(answer(&full, keys), (503, String::new(), "5".to_owned()));
    }
}
