//! What comes over the wire becomes the right error, and each error says what to do next.

use std::time::Duration;

use ayb_client::error::{
    AuthorizationError as A, ConfigurationError as C, DeviceFlowError as D, NetworkError as N,
    TokenError as T, ValidationError,
};
use ayb_client::mock::{Fault, TestAuthServer};
use ayb_client::primitives::errors::IntegrationError as _;
use ayb_client::{
    CallbackParams, ClientCredentials, Endpoint, OAuth2, OAuth2Client as _, OAuth2Config, OAuth2Error,
    ProviderConfig, Recovery,
};

use crate::kit::params;

async fn at_the_token_endpoint(code: &'static str) -> OAuth2Error {
    let idp = TestAuthServer::start();
    let client = idp.confidential("svc").build().unwrap();
    idp.next(Endpoint::Token, Fault::Error(code));
    client.client_credentials().request_token(Some(&["orders".to_owned()])).await.unwrap_err()
}

async fn through_the_browser(code: &str) -> OAuth2Error {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let start = client.start(params(&["a"])).unwrap();
    let state = &start.state;
    let text = format!(
        "error={code}&error_description=words&error_uri=https%3A%2F%2Fx&state={state}&iss=https%3A%2F%2Fid.test"
    );
    client.finish(start.pending, CallbackParams::parse(&text).unwrap()).await.unwrap_err()
}

#[tokio::test]
async fn codes_of_the_token_endpoint() {
    type Is = fn(&OAuth2Error) -> bool;
    let table: [(&str, Is, &str, bool); 13] = [
        ("invalid_grant", |e| matches!(e, OAuth2Error::Token(T::InvalidGrant { .. })), "OAUTH2_TOKEN", false),
        (
            "invalid_client",
            |e| matches!(e, OAuth2Error::Token(T::InvalidClient { .. })),
            "OAUTH2_TOKEN",
            false,
        ),
        (
            "invalid_request",
            |e| matches!(e, OAuth2Error::Token(T::InvalidRequest { .. })),
            "OAUTH2_TOKEN",
            false,
        ),
        (
            "invalid_scope",
            |e| matches!(e, OAuth2Error::Token(T::InvalidScope { scope, .. }) if scope == "orders"),
            "OAUTH2_TOKEN",
            false,
        ),
        (
            "unauthorized_client",
            |e| matches!(e, OAuth2Error::Token(T::UnauthorizedClient { .. })),
            "OAUTH2_TOKEN",
            false,
        ),
        (
            "unsupported_grant_type",
            |e| matches!(e, OAuth2Error::Token(T::UnsupportedGrantType { grant_type, .. }) if grant_type == "client_credentials"),
            "OAUTH2_TOKEN",
            false,
        ),
        (
            "access_denied",
            |e| matches!(e, OAuth2Error::DeviceFlow(D::AccessDenied { .. })),
            "OAUTH2_DEVICE",
            false,
        ),
        (
            "expired_token",
            |e| matches!(e, OAuth2Error::DeviceFlow(D::ExpiredToken { .. })),
            "OAUTH2_DEVICE",
            false,
        ),
        (
            "authorization_pending",
            |e| matches!(e, OAuth2Error::DeviceFlow(D::AuthorizationPending)),
            "OAUTH2_DEVICE",
            true,
        ),
        (
            "slow_down",
            |e| matches!(e, OAuth2Error::DeviceFlow(D::SlowDown { interval: 5 })),
            "OAUTH2_DEVICE",
            true,
        ),
        (
            "server_error",
            |e| matches!(e, OAuth2Error::Network(N::ServerFailed { .. })),
            "OAUTH2_NETWORK",
            true,
        ),
        (
            "temporarily_unavailable",
            |e| matches!(e, OAuth2Error::Network(N::ServerFailed { .. })),
            "OAUTH2_NETWORK",
            true,
        ),
        (
            "of_their_own",
            |e| matches!(e, OAuth2Error::Token(T::ExchangeFailed { error, .. }) if error == "of_their_own"),
            "OAUTH2_TOKEN",
            false,
        ),
    ];
    for (code, is, name, retryable) in table {
        let error = at_the_token_endpoint(code).await;
        assert!(is(&error), "{code}: {error:?}");
        assert_eq!((error.error_code(), error.is_retryable()), (name, retryable), "{code}");
    }
}

#[tokio::test]
async fn codes_that_come_through_the_browser() {
    type Is = fn(&A) -> bool;
    let table: [(&str, Is, bool); 8] = [
        ("access_denied", |e| matches!(e, A::AccessDenied { .. }), false),
        ("invalid_scope", |e| matches!(e, A::InvalidScope { .. }), false),
        ("unauthorized_client", |e| matches!(e, A::UnauthorizedClient { .. }), false),
        ("unsupported_response_type", |e| matches!(e, A::UnsupportedResponseType { .. }), false),
        ("server_error", |e| matches!(e, A::ServerError { message, .. } if message == "words"), true),
        ("temporarily_unavailable", |e| matches!(e, A::TemporarilyUnavailable { .. }), true),
        (
            "login_required",
            |e| matches!(e, A::ProtocolError { error, .. } if error == "login_required"),
            false,
        ),
        (
            "invalid_request",
            |e| matches!(e, A::ProtocolError { uri: Some(uri), .. } if uri == "https://x"),
            false,
        ),
    ];
    for (code, is, retryable) in table {
        let error = through_the_browser(code).await;
        let OAuth2Error::Authorization(inner) = &error else { panic!("{code}: {error:?}") };
        assert!(is(inner), "{code}: {error:?}");
        assert_eq!((error.error_code(), error.is_retryable()), ("OAUTH2_AUTH", retryable), "{code}");
        assert_eq!(error.response().unwrap().description.as_deref(), Some("words"));
    }
}

#[tokio::test]
async fn failures_of_the_network_are_told_apart() {
    let outcome = async |fault: Fault| {
        let idp = TestAuthServer::start();
        let client =
            idp.confidential("svc").configure(|config| config.retry_config.max_retries = 0).build().unwrap();
        idp.next(Endpoint::Token, fault);
        client.client_credentials().request_token(None).await.unwrap_err()
    };
    let endpoint = Endpoint::Token;
    let table = [
        (Fault::UnknownHost, N::DnsResolutionFailed { endpoint }, true),
        (Fault::Unreachable, N::ConnectionFailed { endpoint, sent: false }, true),
        (Fault::BadTls, N::TlsError { endpoint }, false),
        (Fault::TimeOut, N::Timeout { endpoint, sent: true }, true),
        (Fault::DropAfterProcessing, N::ConnectionFailed { endpoint, sent: true }, true),
    ];
    for (fault, expected, retryable) in table {
        let error = outcome(fault.clone()).await;
        assert!(matches!(&error, OAuth2Error::Network(found) if *found == expected), "{fault:?}: {error:?}");
        assert_eq!((error.is_retryable(), error.endpoint()), (retryable, Some(endpoint)), "{fault:?}");
    }
    for fault in [Fault::TornBody, Fault::Redirect, Fault::Huge, Fault::Status(404), Fault::Status(418)] {
        let error = outcome(fault.clone()).await;
        assert!(matches!(error, OAuth2Error::Network(N::UnusableAnswer { .. })), "{fault:?}: {error:?}");
        assert!(!error.is_retryable(), "{fault:?}");
    }
    let busy = outcome(Fault::RetryAfter(503, 7)).await;
    assert_eq!(busy.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(busy.recovery(), Recovery::Retry { after: Some(Duration::from_secs(7)) });
}

#[tokio::test]
async fn every_configuration_error_has_a_trigger() {
    let provider = TestAuthServer::start().provider();
    let build = |provider: ProviderConfig, credentials| {
        OAuth2::builder(OAuth2Config::new(provider, credentials)).build().map(drop)
    };
    let plain = ProviderConfig::with_token_endpoint("http://id.example/token".parse().unwrap());
    let is = |result: Result<(), OAuth2Error>, expected: fn(&C) -> bool| {
        let error = result.unwrap_err();
        assert_eq!((error.error_code(), error.recovery()), ("OAUTH2_CONFIG", Recovery::FixConfiguration));
        assert!(matches!(&error, OAuth2Error::Configuration(inner) if expected(inner)), "{error:?}");
    };
    is(build(provider.clone(), ClientCredentials::public("")), |e| *e == C::MissingClientId);
    let secretless = ClientCredentials::public("a").method(ayb_client::ClientAuthMethod::ClientSecretPost);
    is(build(provider.clone(), secretless), |e| *e == C::MissingClientSecret);
    is(build(plain, ClientCredentials::public("a")), |e| matches!(e, C::InvalidEndpointUrl { .. }));
    let idp = TestAuthServer::start();
    idp.alter_metadata("issuer", "https://evil.test".into());
    let found = idp.client("app").discover(idp.issuer()).await.map(drop);
    is(found, |e| matches!(e, C::DiscoveryFailed { .. }));
    let mut bare = provider;
    bare.authorization_endpoint = None;
    let client = OAuth2::builder(OAuth2Config::new(bare, ClientCredentials::public("a"))).build().unwrap();
    is(client.start(params(&["a"])).map(drop), |e| *e == C::MissingEndpoint(Endpoint::Authorization));
}

#[test]
fn every_error_explains_itself_and_says_what_next() {
    let table = [
        (OAuth2Error::from(T::NoTokens), Recovery::Reauthenticate, "sign in again"),
        (T::InvalidClient { answer: None }.into(), Recovery::FixConfiguration, "correct the configuration"),
        (
            T::InvalidScope { scope: String::new(), answer: None }.into(),
            Recovery::AdjustRequest,
            "change what is asked for",
        ),
        (ValidationError::NonceMismatch.into(), Recovery::Fatal, "report it"),
        (N::OutcomeUnknown { endpoint: Endpoint::Token }.into(), Recovery::Reauthenticate, "sign in again"),
        (
            D::SlowDown { interval: 10 }.into(),
            Recovery::Retry { after: Some(Duration::from_secs(10)) },
            "in 10 seconds",
        ),
    ];
    for (error, recovery, words) in table {
        assert_eq!(error.recovery(), recovery, "{error}");
        assert!(error.explain().contains(words), "{}", error.explain());
    }
}

#[tokio::test]
async fn a_code_about_the_request_asks_for_another_request_and_not_for_another_sign_in() {
    let idp = TestAuthServer::start();
    let client = idp.confidential("app").build().unwrap();
    idp.next(Endpoint::Token, Fault::Error("invalid_target"));
    let error = client.client_credentials().request_token(None).await.unwrap_err();
    assert_eq!(error.recovery(), Recovery::AdjustRequest, "{error}");
    for (code, recovery) in [
        ("invalid_request", Recovery::AdjustRequest),
        ("invalid_request_object", Recovery::AdjustRequest),
        ("unmet_authentication_requirements", Recovery::AdjustRequest),
        ("login_required", Recovery::Reauthenticate),
        ("interaction_required", Recovery::Reauthenticate),
        ("consent_required", Recovery::Reauthenticate),
        ("account_selection_required", Recovery::Reauthenticate),
    ] {
        let start = client.start(params(&["a"])).unwrap();
        let callback = format!("error={code}&state={}&iss=https://id.test", start.state);
        let callback = ayb_client::CallbackParams::parse(&callback).unwrap();
        let error = client.finish(start.pending, callback).await.unwrap_err();
        assert_eq!((error.recovery(), error.response().unwrap().code.as_str()), (recovery, code));
    }
}
