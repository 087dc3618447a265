//! How a caller is told that they are not let in, or not that far (RFC 6750 §3).

use axum::response::{IntoResponse, Response};
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_provider::access::Denied;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::error::ApiError;
use crate::http::headers::{APP_RATE_LIMIT, BEARER_CHALLENGE};
use crate::limits::Standing;
use crate::oauth::error::OAuthError;

/// Why a request is not let in.
#[derive(Clone, Debug)]
pub enum NotAdmitted {
    /// No credential came: 401 without an error code in the challenge (RFC 6750 §3.1).
    Missing,
    /// The credential is malformed, dead, or not enough.
    Refused(OAuthError),
    /// The app that the credential belongs to has used up its limit.
    OverLimit(Standing),
}

impl<E: Into<OAuthError>> From<E> for NotAdmitted {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

impl NotAdmitted {
    /// The answer outside the OAuth endpoints: the same status and challenge, with the error in the envelope.
    pub fn envelope(self) -> Response {
        match self {
            Self::Missing => challenge(ApiError::unauthorized("sign in first").into_response(), None, None),
            Self::OverLimit(_) => self.into_response(),
            Self::Refused(error) => {
                let refusal = error.refusal().clone();
                challenge(ApiError::from(error).into_response(), Some(&refusal), None)
            }
        }
    }
}

impl IntoResponse for NotAdmitted {
    fn into_response(self) -> Response {
        match self {
            Self::Missing => {
                let refusal = Refusal::new(ErrorCode::InvalidToken, "Send an access token.");
                challenge(OAuthError::from(refusal).into_response(), None, None)
            }
            Self::OverLimit(standing) => {
                let mut response =
                    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "app rate limit exceeded").into_response();
                APP_RATE_LIMIT.write(response.headers_mut(), &standing);
                response
            }
            Self::Refused(error) => {
                let refusal = error.refusal().clone();
                challenge(error.into_response(), Some(&refusal), None)
            }
        }
    }
}

/// 403 at an OAuth endpoint for a token whose scope is too small; `scope` is what would do (RFC 6750 §3.1).
pub fn insufficient_scope(scope: &'static str) -> Response {
    let refusal = Refusal::new(ErrorCode::InsufficientScope, "The access token does not allow this.");
    challenge(OAuthError::from(refusal.clone()).into_response(), Some(&refusal), Some(scope))
}

/// 403, or 401 for a token for another API, outside the OAuth endpoints, in the envelope: `data.error` is the code of
/// the challenge, and `data.scope` names the scope that would do, if one would.
pub fn denied(denied: Denied) -> Response {
    let (refusal, scope) = (denied.refusal(), denied.scope());
    let mut data = json!({"error": refusal.code.as_str()});
    if let Some(scope) = scope {
        data["scope"] = scope.into();
    }
    let status = StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::FORBIDDEN);
    challenge(ApiError::new(status, refusal.public).data(data).into_response(), Some(&refusal), scope)
}

/// Adds the challenge of RFC 6750 §3. Our own trouble is no challenge.
fn challenge(mut response: Response, refusal: Option<&Refusal>, scope: Option<&str>) -> Response {
    let text = match refusal {
        None => BEARER_CHALLENGE.to_owned(),
        Some(refusal) if refusal.code.status() >= 500 || refusal.code.status() == 429 => return response,
        Some(refusal) => {
            let scope = scope.map(|scope| format!(", scope=\"{scope}\"")).unwrap_or_default();
            format!(
                "{BEARER_CHALLENGE}, error=\"{}\", error_description=\"{}\"{scope}",
                refusal.code, refusal.public
            )
        }
    };
    if let Ok(value) = HeaderValue::try_from(text) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use ayb_protocol::scope::ResourceScope;
    use http_body_util::BodyExt;

    use super::*;

    async fn shown(response: Response) -> (u16, String, serde_json::Value) {
        let status = response.status().as_u16();
        let challenge = response.headers()[WWW_AUTHENTICATE].to_str().unwrap().to_owned();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, challenge, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn too_little_scope_is_said_in_the_challenge_and_in_the_envelope() {
        let small = Denied::InsufficientScope { would_do: ResourceScope::Readwrite };
        let (status, challenge, body) = shown(denied(small)).await;
        assert_eq!(status, 403);
        assert!(challenge.starts_with("Bearer realm=\"ayb\", error=\"insufficient_scope\""), "{challenge}");
        assert!(challenge.ends_with(", scope=\"readwrite\""), "{challenge}");
        assert_eq!(body["data"], json!({"error": "insufficient_scope", "scope": "readwrite"}));
    }

    #[tokio::test]
    async fn a_table_that_is_not_on_the_list_names_no_scope() {
        let (status, challenge, body) = shown(denied(Denied::TableNotAllowed)).await;
        assert_eq!((status, body["code"].as_u64()), (403, Some(403)));
        assert!(challenge.contains("insufficient_scope") && !challenge.contains("scope=\""), "{challenge}");
        assert_eq!(body["data"], json!({"error": "insufficient_scope"}));
    }

    #[tokio::test]
    async fn a_token_for_another_api_is_answered_like_a_dead_one() {
        let (status, challenge, body) = shown(denied(Denied::AnotherAudience)).await;
        assert_eq!((status, &body["data"]), (401, &json!({"error": "invalid_token"})));
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
}
