//! What is told: metrics, spans, messages.

use std::sync::Arc;

use ayb_client::mock::{Fault, TestAuthServer};
use ayb_client::primitives::logging::{Level, MemoryLogger};
use ayb_client::primitives::tracing::MemoryTracer;
use ayb_client::{
    DeviceAuthorizationFlowExt as _, Endpoint, ExposeSecret as _, KeySource, MemoryMetrics,
    OAuth2Client as _, TokenStorageConfig,
};

use crate::kit::{minutes, params, sign_in, signed_in};

#[tokio::test]
async fn every_metric_of_the_specification_is_emitted() {
    let idp = TestAuthServer::start().rotating_refresh_tokens();
    let metrics = Arc::new(MemoryMetrics::default());
    let client = idp.confidential("app").metrics(metrics.clone()).build().unwrap();
    let response = sign_in(&idp, &client, params(&["openid"])).await.unwrap();
    client.user_info(response.access_token.expose_secret(), "ada").await.unwrap();
    client.user_info(response.access_token.expose_secret(), "eve").await.unwrap_err();
    signed_in(&idp, &client).await;
    client.tokens().get_access_token().await.unwrap();
    let (mine, shared) = tokio::join!(client.tokens().refresh(), client.tokens().refresh());
    assert!(mine.is_ok() && shared.is_ok());
    client.client_credentials().request_token(None).await.unwrap();
    idp.next(Endpoint::Token, Fault::Error("authorization_pending"));
    client
        .device_authorization()
        .execute(None, |codes| idp.decide_device(&codes.user_code, true))
        .await
        .unwrap();
    client.introspection().introspect_access_token("x").await.unwrap();
    client.revocation().revoke_access_token("x").await.unwrap();
    idp.next(Endpoint::Token, Fault::Error("invalid_grant"));
    idp.clock().advance(minutes(61));
    client.tokens().get_access_token().await.unwrap_err();
    let expected = [
        ("oauth2_authorization_requests_total{flow=authorization_code,status=success}", 2.0),
        ("oauth2_authorization_requests_total{flow=device_authorization,status=success}", 1.0),
        ("oauth2_token_exchanges_total{flow=authorization_code,status=success}", 2.0),
        ("oauth2_token_exchanges_total{flow=client_credentials,status=success}", 1.0),
        ("oauth2_token_exchanges_total{flow=device_code,status=success}", 1.0),
        ("oauth2_token_refreshes_total{status=success}", 1.0),
        ("oauth2_token_refreshes_total{status=failure}", 1.0),
        ("oauth2_token_exchange_duration_seconds{flow=client_credentials}", 1.0),
        ("oauth2_token_refresh_duration_seconds{}", 2.0),
        ("oauth2_device_flow_polls_total{status=pending}", 1.0),
        ("oauth2_device_flow_polls_total{status=success}", 1.0),
        ("oauth2_userinfo_requests_total{status=success}", 1.0),
        ("oauth2_userinfo_requests_total{status=failure}", 1.0),
        ("oauth2_token_cache_hits_total{}", 1.0),
        ("oauth2_refreshes_shared_total{}", 1.0),
        ("oauth2_refresh_lock_wait_seconds{}", 2.0),
        ("oauth2_tokens_active{type=access}", 1.0),
        ("oauth2_tokens_active{type=refresh}", 1.0),
        ("oauth2_tokens_expired_total{type=refresh}", 1.0),
        ("oauth2_introspection_requests_total{status=success}", 1.0),
        ("oauth2_revocation_requests_total{status=success}", 1.0),
        ("oauth2_errors_total{error_type=OAUTH2_TOKEN}", 1.0),
        ("oauth2_circuit_breaker_state{endpoint=token}", 0.0),
    ];
    let all = metrics.all();
    for (name, value) in expected {
        assert_eq!(all.get(name), Some(&value), "{name} in {all:#?}");
    }
}

#[tokio::test]
async fn spans_form_the_tree_of_the_specification() {
    let idp = TestAuthServer::start();
    let tracer = MemoryTracer::default();
    let client = idp.client("app").tracer(Arc::new(tracer.clone())).build().unwrap();
    signed_in(&idp, &client).await;
    client.tokens().refresh().await.unwrap();
    client.tokens().get_current_tokens().await.unwrap();
    let spans = tracer.spans();
    for path in [
        "oauth2.flow/oauth2.authorization_url_generation",
        "oauth2.flow/oauth2.authorization_url_generation/oauth2.state_generation",
        "oauth2.flow/oauth2.authorization_url_generation/oauth2.pkce_generation",
        "oauth2.flow/oauth2.token_exchange/http.request",
        "oauth2.flow/oauth2.token_exchange/oauth2.token_parse",
        "oauth2.flow/oauth2.token_refresh/http.request",
        "oauth2.flow/oauth2.token_refresh/oauth2.token_parse",
        "oauth2.token_storage/oauth2.write",
        "oauth2.token_retrieval/oauth2.read",
    ] {
        assert!(spans.iter().any(|span| span.path == path), "{path} in {spans:#?}");
    }
    let attributes: Vec<_> = spans.iter().flat_map(|span| span.attributes.clone()).collect();
    for (name, value) in [
        ("oauth2.flow", "authorization_code"),
        ("oauth2.grant_type", "refresh_token"),
        ("oauth2.scopes", "orders"),
        ("oauth2.provider", "https://id.test"),
        ("oauth2.token_type", "Bearer"),
        ("oauth2.expires_in", "3600"),
        ("http.request.method", "POST"),
        ("http.method", "POST"),
        ("http.response.status_code", "200"),
        ("http.status_code", "200"),
        ("url.full", "https://id.test/token"),
        ("http.url", "https://id.test/token"),
    ] {
        assert!(attributes.contains(&(name, value.to_owned())), "{name}={value} in {attributes:?}");
    }
}

#[tokio::test]
async fn an_encrypted_storage_shows_its_steps_and_any_other_one_is_one_step() {
    let idp = TestAuthServer::start().rotating_refresh_tokens();
    let folder = tempfile::tempdir().unwrap();
    let paths = async |storage: TokenStorageConfig| {
        let tracer = MemoryTracer::default();
        let builder = idp.client("app").tracer(Arc::new(tracer.clone()));
        let client = builder.configure(|config| config.storage = storage).build().unwrap();
        signed_in(&idp, &client).await;
        client.tokens().refresh().await.unwrap();
        client.tokens().get_current_tokens().await.unwrap();
        let paths = tracer.spans().into_iter().map(|span| span.path);
        paths.filter(|path| path.starts_with("oauth2.token_")).collect::<Vec<_>>()
    };
    let storage = TokenStorageConfig::File { path: folder.path().to_owned(), key: KeySource::raw([7; 32]) };
    let found = paths(storage).await;
    for (outer, steps) in [
        ("oauth2.token_storage", ["oauth2.encrypt", "oauth2.write"]),
        ("oauth2.token_retrieval", ["oauth2.read", "oauth2.decrypt"]),
    ] {
        let wholes = found.iter().filter(|path| *path == outer).count();
        assert_eq!(wholes, 2, "a sign-in or a look, and a refresh: {found:#?}");
        for step in steps {
            let parts = found.iter().filter(|path| **path == format!("{outer}/{step}")).count();
            assert_eq!(parts, wholes, "{step} in {found:#?}");
        }
    }
    let found = paths(TokenStorageConfig::InMemory).await;
    assert!(found.contains(&"oauth2.token_storage/oauth2.write".to_owned()), "{found:#?}");
    assert!(found.iter().all(|path| !path.contains("crypt")), "nothing is encrypted there: {found:#?}");
}

#[tokio::test]
async fn on_trace_the_wire_shows_its_structure_and_no_value() {
    let idp = TestAuthServer::start().rotating_refresh_tokens();
    let logger = Arc::new(MemoryLogger::default());
    let client = idp.confidential("app").logger(logger.clone()).build().unwrap();
    let response = sign_in(&idp, &client, params(&["openid"])).await.unwrap();
    signed_in(&idp, &client).await;
    client.tokens().refresh().await.unwrap();
    client.user_info(response.access_token.expose_secret(), "ada").await.unwrap();
    let lines = logger.lines();
    let traced: Vec<_> =
        lines.iter().filter(|(level, _)| *level == Level::Trace).map(|(_, line)| line).collect();
    for parts in [
        &[
            "a request goes out",
            "method=POST",
            "url=https://id.test/token",
            "authorization(",
            " code(",
            "code_verifier(",
        ][..],
        &["an answer came in", "access_token(", "refresh_token(", "id_token(", "content-type("],
        &["a request goes out", "method=GET", "url=https://id.test/userinfo"],
    ] {
        let is_told = traced.iter().any(|line| parts.iter().all(|part| line.contains(part)));
        assert!(is_told, "{parts:?} in {traced:#?}");
    }
    let others = ["canary", "ada@example.com", response.id_token.as_ref().unwrap().expose_secret()];
    for line in &traced {
        assert!(others.iter().all(|value| !line.contains(value)), "{line}");
    }
}

#[tokio::test]
async fn messages_have_their_level_and_their_context() {
    let idp = TestAuthServer::start();
    let logger = Arc::new(MemoryLogger::default());
    let client = idp.confidential("app").logger(logger.clone()).build().unwrap();
    client.client_credentials().request_token(Some(&["orders".to_owned()])).await.unwrap();
    idp.next(Endpoint::Token, Fault::Error("invalid_client"));
    client.client_credentials().request_token(None).await.unwrap_err();
    signed_in(&idp, &client).await;
    idp.next(Endpoint::Token, Fault::Error("invalid_grant"));
    client.tokens().refresh().await.unwrap_err();
    let lines = logger.lines();
    let has = |level, parts: &[&str]| {
        lines.iter().any(|(l, line)| *l == level && parts.iter().all(|part| line.contains(part)))
    };
    let context = [
        "correlation_id=",
        "flow=client_credentials",
        "client_id=app",
        "provider=https://id.test",
        "scopes=orders",
    ];
    assert!(has(Level::Info, &[&context[..], &["begins"]].concat()), "{lines:#?}");
    assert!(has(Level::Info, &[&context[..], &["succeeded", "duration_ms="]].concat()), "{lines:#?}");
    assert!(has(Level::Error, &["failed", "error_code=OAUTH2_TOKEN"]), "{lines:#?}");
    assert!(has(Level::Warn, &["flow=refresh_token", "failed"]), "{lines:#?}");
    assert!(has(Level::Debug, &["an answer came", "status=200", "endpoint=token"]), "{lines:#?}");
}
