//! Retries, rate limits and breakers, wired into every request.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ayb_client::error::NetworkError;
use ayb_client::mock::{Fault, TestAuthServer};
use ayb_client::primitives::circuit_breaker::CircuitState;
use ayb_client::primitives::types::TimeProvider as _;
use ayb_client::{
    Endpoint, ExposeSecret as _, OAuth2, OAuth2Client as _, OAuth2Error, Recovery, RetryDecision, RetryHook,
    TokenExchange,
};

use crate::kit::{minutes, signed_in};

async fn ask(client: &OAuth2) -> Result<(), OAuth2Error> {
    client.client_credentials().request_token(None).await.map(drop)
}

fn elapsed(idp: &TestAuthServer) -> Duration {
    idp.clock().monotonic()
}

#[tokio::test]
async fn pauses_grow_and_the_number_of_attempts_is_bounded() {
    let idp = TestAuthServer::start();
    let client =
        idp.confidential("svc").configure(|config| config.retry_config.jitter = 0.0).build().unwrap();
    for _ in 0..4 {
        idp.next(Endpoint::Token, Fault::Status(502));
    }
    assert!(ask(&client).await.is_err());
    assert_eq!(idp.requests(Endpoint::Token).len(), 4);
    assert_eq!(elapsed(&idp), Duration::from_millis(500 + 1000 + 2000));
    assert!(ask(&client).await.is_ok());
}

#[tokio::test]
async fn retry_after_is_waited_for_and_no_longer_than_the_operation_may_take() {
    let idp = TestAuthServer::start();
    let client = idp.confidential("svc").build().unwrap();
    idp.next(Endpoint::Token, Fault::RetryAfter(429, 12));
    ask(&client).await.unwrap();
    assert_eq!(elapsed(&idp), Duration::from_secs(12));
    for (fault, seconds) in [(Fault::RetryAfter(503, 31), 31), (Fault::Status(429), 60)] {
        let idp = TestAuthServer::start();
        let client = idp.confidential("svc").build().unwrap();
        idp.next(Endpoint::Token, fault.clone());
        let error = ask(&client).await.unwrap_err();
        assert_eq!(
            idp.requests(Endpoint::Token).len(),
            1,
            "{fault:?}: {seconds} s are more than the deadline"
        );
        assert!(matches!(error, OAuth2Error::Network(NetworkError::ServerFailed { .. })));
        assert_eq!(elapsed(&idp), Duration::ZERO);
    }
}

#[tokio::test]
async fn a_refusal_is_not_repeated_and_neither_is_a_token_exchange() {
    let idp = TestAuthServer::start();
    let client = idp.confidential("svc").build().unwrap();
    idp.next(Endpoint::Token, Fault::Error("invalid_client"));
    assert!(ask(&client).await.is_err());
    assert_eq!(idp.requests(Endpoint::Token).len(), 1);
    idp.next(Endpoint::Token, Fault::DropAfterProcessing);
    let error = client.exchange_token(&TokenExchange::access_token("subject")).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Network(NetworkError::OutcomeUnknown { .. })), "{error}");
    let sent = idp.requests(Endpoint::Token).pop().unwrap().form;
    assert_eq!((idp.requests(Endpoint::Token).len(), sent["subject_token"].as_str()), (2, "subject"));
    assert_eq!(sent["grant_type"], "urn:ietf:params:oauth:grant-type:token-exchange");
}

#[tokio::test]
async fn what_may_be_spent_has_an_unknown_outcome_and_is_never_tried_again() {
    let broken = |status, body: &str| Fault::Answer(status, "application/json", body.to_owned());
    for fault in [
        Fault::Status(500),
        Fault::Status(503),
        broken(200, r#"{"access_token":"at","refre"#),
        Fault::Huge,
        broken(200, r#"{"token_type":"Bearer"}"#),
        broken(400, r#"{"error":"server_error"}"#),
    ] {
        let idp = TestAuthServer::start();
        let client = idp.confidential("svc").build().unwrap();
        idp.next(Endpoint::Token, fault.clone());
        let exchanged = client.exchange_token(&TokenExchange::access_token("subject")).await.map(drop);
        idp.next(Endpoint::Token, fault.clone());
        let redeemed = crate::kit::sign_in(&idp, &client, crate::kit::params(&["a"])).await.map(drop);
        for error in [exchanged.unwrap_err(), redeemed.unwrap_err()] {
            assert!(
                matches!(error, OAuth2Error::Network(NetworkError::OutcomeUnknown { .. })),
                "{fault:?}: {error}"
            );
            assert!(!error.outcome_known() && error.recovery() == Recovery::Reauthenticate, "{fault:?}");
        }
        assert_eq!(idp.requests(Endpoint::Token).len(), 2, "{fault:?}: each was sent once");
    }
    // A request that may be repeated keeps its error, and it too may have been acted upon.
    let idp = TestAuthServer::start();
    let client =
        idp.confidential("svc").configure(|config| config.retry_config.max_retries = 0).build().unwrap();
    for (fault, is_known) in
        [(Fault::Status(500), false), (Fault::TornBody, false), (Fault::Status(429), true)]
    {
        idp.next(Endpoint::Token, fault.clone());
        let error = ask(&client).await.unwrap_err();
        assert_eq!(error.outcome_known(), is_known, "{fault:?}: {error}");
    }
}

#[tokio::test]
async fn a_rate_limit_holds_back_and_the_servers_wish_too() {
    let idp = TestAuthServer::start();
    let client = idp.confidential("svc").build().unwrap();
    for _ in 0..60 {
        ask(&client).await.unwrap();
    }
    assert_eq!(elapsed(&idp), Duration::ZERO);
    ask(&client).await.unwrap();
    assert_eq!(elapsed(&idp), Duration::from_secs(1), "the sixty-first of a minute waits for its turn");
    let idp = TestAuthServer::start();
    let client = idp.confidential("svc").build().unwrap();
    idp.next(Endpoint::Token, Fault::RetryAfter(429, 40));
    assert!(ask(&client).await.is_err());
    let error = ask(&client).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Network(NetworkError::RateLimited { .. })), "{error}");
    assert_eq!(idp.requests(Endpoint::Token).len(), 1, "it asked to be left alone");
}

#[tokio::test]
async fn only_429_and_503_make_the_client_leave_the_server_alone() {
    for (status, is_left_alone) in [(429, true), (503, true), (500, false), (502, false), (404, false)] {
        let idp = TestAuthServer::start();
        let client =
            idp.confidential("svc").configure(|config| config.retry_config.max_retries = 0).build().unwrap();
        idp.next(Endpoint::Token, Fault::RetryAfter(status, 3600));
        assert!(ask(&client).await.is_err(), "{status}");
        assert_eq!(ask(&client).await.is_err(), is_left_alone, "{status}");
    }
}

#[tokio::test]
async fn authorization_addresses_are_limited_without_waiting() {
    let idp = TestAuthServer::start();
    let client = idp.client("app").build().unwrap();
    let made = (0..40).filter(|_| client.start(crate::kit::params(&["a"])).is_ok()).count();
    assert_eq!(made, 30);
}

#[tokio::test]
async fn a_breaker_opens_per_endpoint_serves_what_is_valid_and_closes_again() {
    let idp = TestAuthServer::start();
    let client =
        idp.confidential("svc").configure(|config| config.retry_config.max_retries = 0).build().unwrap();
    let set = signed_in_confidential(&idp, &client).await;
    for _ in 0..5 {
        idp.next(Endpoint::Token, Fault::Status(500));
        assert!(ask(&client).await.is_err());
    }
    let before = idp.requests(Endpoint::Token).len();
    let error = ask(&client).await.unwrap_err();
    assert!(matches!(error, OAuth2Error::Network(NetworkError::CircuitOpen { .. })), "{error}");
    assert_eq!(idp.requests(Endpoint::Token).len(), before, "nothing was sent");
    assert_eq!(client.circuit_state(Endpoint::Token), CircuitState::Open);
    assert_eq!(client.circuit_state(Endpoint::Introspection), CircuitState::Closed);
    assert!(client.introspection().introspect_access_token("x").await.is_ok());
    assert_eq!(client.tokens().get_access_token().await.unwrap().secret(), set);
    idp.clock().advance(Duration::from_secs(30));
    for _ in 0..3 {
        assert_eq!(client.circuit_state(Endpoint::Token), CircuitState::HalfOpen);
        ask(&client).await.unwrap();
    }
    assert_eq!(client.circuit_state(Endpoint::Token), CircuitState::Closed);
}

async fn signed_in_confidential(idp: &TestAuthServer, client: &OAuth2) -> String {
    signed_in(idp, client).await.access_token.expose_secret().to_owned()
}

#[tokio::test]
async fn refusals_never_open_a_breaker() {
    let idp = TestAuthServer::start();
    let client = idp.confidential("svc").build().unwrap();
    for code in
        ["invalid_grant", "invalid_client", "slow_down", "authorization_pending", "invalid_scope"].repeat(3)
    {
        idp.next(Endpoint::Token, Fault::Error(code));
        assert!(ask(&client).await.is_err());
    }
    assert_eq!(client.circuit_state(Endpoint::Token), CircuitState::Closed);
}

#[derive(Default)]
struct Hook {
    seen: Mutex<Vec<(u32, Duration)>>,
    exhausted: Mutex<Vec<u32>>,
    decision: Option<RetryDecision>,
}

#[async_trait]
impl RetryHook for Hook {
    async fn on_retry(&self, attempt: u32, _: &OAuth2Error, next_delay: Duration) -> RetryDecision {
        self.seen.lock().unwrap().push((attempt, next_delay));
        self.decision.unwrap_or(RetryDecision::Default)
    }

    async fn on_exhausted(&self, _: &OAuth2Error, attempts: u32) {
        self.exhausted.lock().unwrap().push(attempts);
    }
}

#[tokio::test]
async fn a_hook_is_asked_before_each_retry_and_can_have_less_but_not_more() {
    let run = async |decision, fault: Fault| {
        let idp = TestAuthServer::start();
        let hook = Arc::new(Hook { decision, ..Hook::default() });
        let client = idp.confidential("svc").retry_hook(hook.clone()).build().unwrap();
        for _ in 0..4 {
            idp.next(Endpoint::Token, fault.clone());
        }
        assert!(ask(&client).await.is_err());
        let seen: Vec<u32> = hook.seen.lock().unwrap().iter().map(|(attempt, _)| *attempt).collect();
        let exhausted = hook.exhausted.lock().unwrap().clone();
        (seen, exhausted, elapsed(&idp))
    };
    let (seen, exhausted, _) = run(None, Fault::Status(500)).await;
    assert_eq!((seen, exhausted), (vec![1, 2, 3], vec![4]));
    let (seen, exhausted, _) = run(Some(RetryDecision::Abort), Fault::Status(500)).await;
    assert_eq!((seen, exhausted), (vec![1], vec![]));
    let second = Duration::from_secs(1);
    let (_, _, took) = run(Some(RetryDecision::Retry(second)), Fault::Status(500)).await;
    assert_eq!(took, second * 3);
    let (seen, _, _) = run(Some(RetryDecision::Retry(second)), Fault::Error("invalid_client")).await;
    assert_eq!(seen, [0_u32; 0], "what may not be repeated is not put to the hook");
}

#[tokio::test]
async fn kinds_of_error_can_be_taken_off_the_list() {
    let idp = TestAuthServer::start();
    let client = idp
        .confidential("svc")
        .configure(|config| config.retry_config.retryable_errors = vec![ayb_client::OAuth2ErrorKind::Network])
        .build()
        .unwrap();
    idp.next(Endpoint::Token, Fault::Status(500));
    assert!(ask(&client).await.is_err());
    idp.next(Endpoint::Token, Fault::Unreachable);
    assert!(ask(&client).await.is_ok());
    assert_eq!(idp.requests(Endpoint::Token).len(), 3);
}

#[tokio::test]
async fn a_slow_server_is_not_waited_for_beyond_the_deadline() {
    let idp = TestAuthServer::start();
    let client = idp.confidential("svc").build().unwrap();
    for _ in 0..4 {
        idp.next(Endpoint::Token, Fault::Slow(minutes(1)));
    }
    assert!(ask(&client).await.is_err());
    assert!(elapsed(&idp) <= Duration::from_secs(30), "{:?}", elapsed(&idp));
}

#[test]
fn the_defaults_are_those_of_the_specification() {
    let idp = TestAuthServer::start();
    let config = ayb_client::OAuth2Config::new(idp.provider(), ayb_client::ClientCredentials::public("a"));
    let (retry, limits, breaker) = (&config.retry_config, &config.rate_limits, &config.circuit_breaker);
    assert_eq!(
        (retry.max_retries, retry.initial_backoff.as_millis(), retry.max_backoff.as_secs()),
        (3, 500, 30)
    );
    assert_eq!((retry.backoff_multiplier, retry.jitter, retry.retryable_errors.len()), (2.0, 0.1, 2));
    assert_eq!((limits.token_endpoint_rpm, limits.authorization_endpoint_rpm), (Some(60), Some(30)));
    assert_eq!((limits.device_polling_interval.as_secs(), limits.auto_adjust), (5, true));
    assert_eq!((breaker.failure_threshold, breaker.success_threshold), (5, 3));
    assert_eq!(
        (breaker.failure_window.as_secs(), breaker.recovery_timeout.as_secs(), breaker.per_endpoint),
        (60, 30, true)
    );
    assert_eq!(
        (config.timeout.as_secs(), config.refresh_threshold_secs, config.auto_refresh),
        (30, 60, true)
    );
    assert!(
        config.default_scopes.is_empty()
            && matches!(config.storage, ayb_client::TokenStorageConfig::InMemory)
    );
}
