//! What an application is told to do after each error, and in which words.

use std::time::Duration;

use ayb_client::error::{
    AuthorizationError, ConfigurationError, DeviceFlowError, IntrospectionError, NetworkError, StorageError,
    TokenError, ValidationError,
};
use ayb_client::{Endpoint, OAuth2Error, OAuthErrorResponse, Recovery};

fn answer() -> Option<Box<OAuthErrorResponse>> {
    Some(Box::new(OAuthErrorResponse {
        code: "invalid_request".to_owned(),
        description: None,
        uri: None,
        endpoint: Endpoint::Token,
        http_status: Some(400),
        request_id: None,
    }))
}

#[test]
fn every_error_has_a_next_step_and_says_it() {
    let minute = Duration::from_secs(60);
    let endpoint = Endpoint::Token;
    let later = Recovery::Retry { after: Some(minute) };
    let table: [(OAuth2Error, Recovery, &str); 18] = [
        (ConfigurationError::MissingClientId.into(), Recovery::FixConfiguration, "correct the configuration"),
        (
            AuthorizationError::InvalidScope { scope: "a".into(), answer: answer() }.into(),
            Recovery::AdjustRequest,
            "change what is asked for",
        ),
        (
            AuthorizationError::UnauthorizedClient { answer: answer() }.into(),
            Recovery::FixConfiguration,
            "correct",
        ),
        (AuthorizationError::IssuerMismatch.into(), Recovery::Fatal, "report it"),
        (AuthorizationError::MissingCode.into(), Recovery::Fatal, "report it"),
        (
            AuthorizationError::AccessDenied { answer: answer() }.into(),
            Recovery::Reauthenticate,
            "sign in again",
        ),
        (TokenError::NoTokens.into(), Recovery::Reauthenticate, "sign in again"),
        (TokenError::ExpiredToken.into(), Recovery::Reauthenticate, "sign in again"),
        (
            DeviceFlowError::PollingTimeout { elapsed: minute }.into(),
            Recovery::Reauthenticate,
            "sign in again",
        ),
        (NetworkError::OutcomeUnknown { endpoint }.into(), Recovery::Reauthenticate, "sign in again"),
        (NetworkError::TlsError { endpoint }.into(), Recovery::FixConfiguration, "correct"),
        (
            NetworkError::RateLimited { endpoint, retry_after: minute }.into(),
            later,
            "try again in 60 seconds",
        ),
        (StorageError::DecryptionFailed.into(), Recovery::FixConfiguration, "correct"),
        (StorageError::NotFound.into(), Recovery::Reauthenticate, "sign in again"),
        (StorageError::Conflict.into(), Recovery::Retry { after: None }, "try again"),
        (ValidationError::AuthenticationTooOld.into(), Recovery::Reauthenticate, "sign in again"),
        (IntrospectionError::EndpointNotSupported.into(), Recovery::FixConfiguration, "correct"),
        (IntrospectionError::TokenInactive.into(), Recovery::Reauthenticate, "sign in again"),
    ];
    for (error, recovery, words) in table {
        assert_eq!(error.recovery(), recovery, "{error}");
        let (told, explained) = (error.to_string(), error.explain());
        assert!(explained.starts_with(&told) && explained.contains(words), "{explained}");
    }
}

#[test]
fn an_error_knows_its_endpoint_and_what_the_server_said() {
    let endpoint = Endpoint::Token;
    let refused: OAuth2Error =
        IntrospectionError::IntrospectionFailed { message: "no".into(), answer: answer() }.into();
    let denied: OAuth2Error = DeviceFlowError::AccessDenied { answer: answer() }.into();
    let failed: OAuth2Error =
        NetworkError::ServerFailed { endpoint, status: 503, retry_after: None, answer: answer() }.into();
    for error in [&refused, &denied, &failed] {
        assert_eq!(error.response().map(|answer| answer.code.as_str()), Some("invalid_request"), "{error}");
        assert_eq!(error.endpoint(), Some(Endpoint::Token), "{error}");
    }
    let unread: OAuth2Error = ConfigurationError::DiscoveryFailed { reason: "no".into() }.into();
    assert_eq!(unread.endpoint(), Some(Endpoint::Discovery));
    let missing: OAuth2Error = ConfigurationError::MissingEndpoint(Endpoint::Jwks).into();
    assert_eq!((missing.endpoint(), missing.response()), (Some(Endpoint::Jwks), None));
    let here: OAuth2Error = DeviceFlowError::PollingTimeout { elapsed: Duration::ZERO }.into();
    assert_eq!((here.endpoint(), here.response()), (None, None));
}

#[test]
fn what_became_of_a_request_is_known_unless_it_was_on_its_way_when_it_broke() {
    let endpoint = Endpoint::Token;
    let server = |status| NetworkError::ServerFailed { endpoint, status, retry_after: None, answer: None };
    let table: [(OAuth2Error, bool); 6] = [
        (NetworkError::OutcomeUnknown { endpoint }.into(), false),
        (NetworkError::UnusableAnswer { endpoint, reason: "torn".into() }.into(), false),
        (server(503).into(), false),
        (server(429).into(), true),
        (NetworkError::DnsResolutionFailed { endpoint }.into(), true),
        (TokenError::NoTokens.into(), true),
    ];
    for (error, is_known) in table {
        assert_eq!(error.outcome_known(), is_known, "{error}");
    }
}
