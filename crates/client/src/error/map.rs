//! From what came over the wire to an error. The same word means different things at different endpoints, so the endpoint is
//! part of the mapping.

use std::time::Duration;

use ayb_protocol::answer::{AnswerError, ErrorAnswer};

use super::{
    AuthorizationError, ConfigurationError, DeviceFlowError, IntrospectionError, NetworkError, OAuth2Error,
    OAuthErrorResponse, TokenError, ValidationError,
};
use crate::Endpoint;

/// Where and how an answer came that is no success.
#[derive(Clone, Copy)]
pub(crate) struct Failed<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) status: Option<u16>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) request_id: Option<&'a str>,
    /// The grant or the response type that was asked for.
    pub(crate) asked: &'a str,
}

/// An answer that gives no value.
pub(crate) fn from_answer(error: AnswerError, failed: &Failed<'_>) -> OAuth2Error {
    let endpoint = failed.endpoint;
    let is_trouble = failed.status.is_some_and(|status| status >= 500 || status == 429);
    match error {
        AnswerError::Refused(answer) if is_trouble => server_failed(failed, Some(response(answer, failed))),
        AnswerError::Refused(answer) => from_code(answer, failed),
        AnswerError::Status(_) if is_trouble => server_failed(failed, None),
        AnswerError::Status(401) if matches!(endpoint, Endpoint::UserInfo | Endpoint::Registration) => {
            TokenError::InvalidToken { answer: None }.into()
        }
        AnswerError::Status(status @ 300..=399) => {
            let reason = format!("a redirect with status {status}, which is never followed");
            NetworkError::UnusableAnswer { endpoint, reason }.into()
        }
        other => NetworkError::UnusableAnswer { endpoint, reason: other.to_string() }.into(),
    }
}

fn server_failed(failed: &Failed<'_>, answer: Option<OAuthErrorResponse>) -> OAuth2Error {
    NetworkError::ServerFailed {
        endpoint: failed.endpoint,
        status: failed.status.unwrap_or_default(),
        retry_after: failed.retry_after,
        answer: answer.map(Box::new),
    }
    .into()
}

fn response(answer: ErrorAnswer, failed: &Failed<'_>) -> OAuthErrorResponse {
    OAuthErrorResponse {
        code: answer.error,
        description: answer.error_description,
        uri: answer.error_uri,
        endpoint: failed.endpoint,
        http_status: failed.status,
        request_id: failed.request_id.map(str::to_owned),
    }
}

/// An error that the server named.
pub(crate) fn from_code(answer: ErrorAnswer, failed: &Failed<'_>) -> OAuth2Error {
    let response = response(answer, failed);
    match failed.endpoint {
        Endpoint::Authorization => authorization(response, failed).into(),
        Endpoint::Discovery | Endpoint::Jwks => {
            let reason = format!("it refused with {}", response.code);
            NetworkError::UnusableAnswer { endpoint: failed.endpoint, reason }.into()
        }
        Endpoint::Introspection if response.code != "invalid_client" => {
            let message = response.code.clone();
            IntrospectionError::IntrospectionFailed { message, answer: Some(Box::new(response)) }.into()
        }
        Endpoint::Registration if !matches!(response.code.as_str(), "invalid_token" | "server_error") => {
            let code = response.code.clone();
            ConfigurationError::RegistrationRefused { code, answer: Some(Box::new(response)) }.into()
        }
        _ => token_endpoint(response, failed),
    }
}

fn authorization(response: OAuthErrorResponse, failed: &Failed<'_>) -> AuthorizationError {
    use AuthorizationError as E;
    let description = response.description.clone();
    let code = response.code.clone();
    let uri = response.uri.clone();
    let answer = Some(Box::new(response));
    match code.as_str() {
        "access_denied" => E::AccessDenied { answer },
        "invalid_scope" => E::InvalidScope { scope: String::new(), answer },
        "unauthorized_client" => E::UnauthorizedClient { answer },
        "unsupported_response_type" => {
            E::UnsupportedResponseType { response_type: failed.asked.to_owned(), answer }
        }
        "server_error" => E::ServerError { message: description.unwrap_or_default(), answer },
        "temporarily_unavailable" => E::TemporarilyUnavailable { retry_after: failed.retry_after, answer },
        _ => E::ProtocolError { error: code, description, uri, answer },
    }
}

fn token_endpoint(response: OAuthErrorResponse, failed: &Failed<'_>) -> OAuth2Error {
    use TokenError as E;
    let description = response.description.clone();
    let message = description.clone().unwrap_or_else(|| response.code.clone());
    let code = response.code.clone();
    let answer = Some(Box::new(response));
    let error = match code.as_str() {
        "authorization_pending" => return DeviceFlowError::AuthorizationPending.into(),
        "slow_down" => return DeviceFlowError::SlowDown { interval: 5 }.into(),
        "access_denied" => return DeviceFlowError::AccessDenied { answer }.into(),
        "expired_token" => return DeviceFlowError::ExpiredToken { answer }.into(),
        "invalid_grant" => E::InvalidGrant { message, answer },
        "invalid_client" => E::InvalidClient { answer },
        "invalid_request" => E::InvalidRequest { message, answer },
        "invalid_scope" => E::InvalidScope { scope: String::new(), answer },
        "unauthorized_client" => E::UnauthorizedClient { answer },
        "unsupported_grant_type" => E::UnsupportedGrantType { grant_type: failed.asked.to_owned(), answer },
        "invalid_token" => E::InvalidToken { answer },
        // RFC 6749 §5.2 does not list these two for the token endpoint; servers send them there all the same.
        "server_error" | "temporarily_unavailable" => {
            let status = failed.status.unwrap_or_default();
            let (endpoint, retry_after) = (failed.endpoint, failed.retry_after);
            return NetworkError::ServerFailed { endpoint, status, retry_after, answer }.into();
        }
        _ => E::ExchangeFailed { error: code, description, answer },
    };
    error.into()
}

impl From<ayb_protocol::jose::jwt::JwtError> for ValidationError {
    fn from(error: ayb_protocol::jose::jwt::JwtError) -> Self {
        use ayb_protocol::jose::jwt::JwtError;
        match error {
            JwtError::Malformed | JwtError::TooLarge => Self::InvalidTokenFormat,
            JwtError::Signature => Self::JwtSignatureInvalid,
            JwtError::Expired => Self::JwtExpired,
            JwtError::Issuer => Self::InvalidIssuer,
            JwtError::Audience => Self::InvalidAudience,
            other => Self::InvalidJwt { reason: other.to_string() },
        }
    }
}
