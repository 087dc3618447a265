//! No secret gets out: everything is driven through every flow and every failure, with secrets that can be recognised, and then all
//! that was printed is searched.

use std::fmt::Write as _;
use std::sync::Arc;

use ayb_client::mock::{CANARY, Fault, TestAuthServer};
use ayb_client::primitives::logging::MemoryLogger;
use ayb_client::primitives::tracing::MemoryTracer;
use ayb_client::{
    CallbackParams, ClientAuthMethod, ClientCredentials, ClientMetadata, ClientRegistration,
    DeviceAuthorizationFlowExt as _, DpopKey, Endpoint, Expected, ExposeSecret as _, MemoryMetrics,
    OAuth2Client as _, TokenExchange, TokenSet,
};

use crate::kit::{minutes, now, params};

/// Takes down how a thing prints itself.
macro_rules! take {
    ($heard:expr, $($thing:expr),+ $(,)?) => {
        $(writeln!($heard, "{:?} {:#?}", $thing, $thing).unwrap();)+
    };
}

#[tokio::test]
async fn canaries_are_nowhere_in_what_is_printed() {
    let idp = TestAuthServer::start().rotating_refresh_tokens();
    let (logger, tracer) = (Arc::new(MemoryLogger::default()), MemoryTracer::default());
    let metrics = Arc::new(MemoryMetrics::default());
    let mut heard = String::new();
    let mut secrets = vec![CANARY.to_owned()];
    for method in [
        ClientAuthMethod::ClientSecretBasic,
        ClientAuthMethod::ClientSecretPost,
        ClientAuthMethod::ClientSecretJwt,
    ] {
        let client = idp
            .confidential("app")
            .configure(|config| {
                config.credentials.auth_method = method;
                config.rate_limits.token_endpoint_rpm = None;
                config.circuit_breaker.failure_threshold = 1000;
            })
            .logger(logger.clone())
            .tracer(Arc::new(tracer.clone()))
            .metrics(metrics.clone())
            .build()
            .unwrap();
        let start = client.start(params(&["openid"])).unwrap();
        let nonce = start.url.query_pairs().find(|(key, _)| key == "nonce").unwrap().1.into_owned();
        secrets.extend([start.state.clone(), nonce]);
        let pkce = client.authorization_code_pkce().authorization_url(params(&["a"])).unwrap();
        secrets.extend([pkce.state.clone(), pkce.pkce_verifier.secret().to_owned()]);
        let callback = CallbackParams::parse(idp.approve(&start.url).as_str()).unwrap();
        take!(heard, start, pkce, pkce.pkce_verifier, callback);
        let response = client.finish(start.pending, callback).await.unwrap();
        secrets.push(response.id_token.as_ref().unwrap().expose_secret().to_owned());
        let set = TokenSet::from_response(&response, now(&idp));
        take!(heard, response, set, set.to_stored(), set.fingerprint());
        client.tokens().store_tokens(set).await.unwrap();
        take!(
            heard,
            client.tokens().get_access_token().await.unwrap(),
            client.tokens().refresh().await.unwrap()
        );
        client
            .device_authorization()
            .execute(None, |codes| {
                take!(heard, codes);
                idp.decide_device(&codes.user_code, true);
            })
            .await
            .unwrap();
        repeat_what_was_sent(&idp, &client, &mut heard).await;
        fail_in_every_way(&idp, &client, &mut heard).await;
        idp.clock().advance(minutes(61));
    }
    take!(
        heard,
        ClientCredentials::with_secret("app", format!("{CANARY}x")),
        TokenExchange::access_token("x").audience
    );
    for request in idp.requests(Endpoint::Token) {
        secrets.extend(request.form.get("client_assertion").cloned());
    }
    for (level, line) in logger.lines() {
        writeln!(heard, "{level:?} {line}").unwrap();
    }
    take!(heard, tracer.spans(), metrics.all());
    assert!(heard.len() > 20_000, "it has to have heard something: {} bytes", heard.len());
    for secret in secrets {
        let at = heard.find(&secret);
        let around = at.map(|at| &heard[at.saturating_sub(200)..at]);
        assert!(at.is_none(), "a secret was printed after: {around:?}");
    }
}

#[tokio::test]
async fn keys_proofs_and_registrations_leave_nothing_behind() {
    let idp = TestAuthServer::start().rotating_refresh_tokens().requiring_dpop();
    let (logger, tracer) = (Arc::new(MemoryLogger::default()), MemoryTracer::default());
    let mut heard = String::new();
    let key = DpopKey::generate().unwrap();
    let statement = format!("{CANARY}statement");
    let mut metadata = ClientMetadata::new([crate::kit::redirect_uri()]);
    metadata.software_statement = Some(statement.clone());
    let wanted = ClientRegistration::new(metadata).initial_access_token(idp.requiring_initial_access_token());
    let builder = idp.client("stranger").logger(logger.clone()).tracer(Arc::new(tracer.clone()));
    let echo =
        format!(r#"{{"error":"invalid_client_metadata","error_description":"{statement} x{statement}"}}"#);
    idp.next(Endpoint::Registration, Fault::Answer(400, "application/json", echo));
    let error = builder.configure(|config| config.dpop = Some(key.clone())).register(&wanted).await.map(drop);
    write!(heard, "{error:?} {error:#?}").unwrap();
    let builder = idp.client("stranger").logger(logger.clone()).tracer(Arc::new(tracer.clone()));
    let builder = builder.configure(|config| {
        config.dpop = Some(key.clone());
        config.rate_limits.token_endpoint_rpm = None;
        config.circuit_breaker.failure_threshold = 1000;
    });
    let (builder, registered) = builder.register(&wanted).await.unwrap();
    let client = builder.build().unwrap();
    idp.demand_nonce(Endpoint::Token);
    idp.demand_nonce(Endpoint::UserInfo);
    let response = crate::kit::sign_in(&idp, &client, params(&["openid"])).await.unwrap();
    client.user_info(response.access_token.expose_secret(), "ada").await.unwrap();
    client.tokens().store_tokens(TokenSet::from_response(&response, now(&idp))).await.unwrap();
    client.tokens().refresh().await.unwrap();
    fail_in_every_way(&idp, &client, &mut heard).await;
    take!(heard, key, registered, response, client.tokens().get_current_tokens().await.unwrap());
    client.read_registration(&registered).await.unwrap();
    client.delete_registration(&registered).await.unwrap();
    write!(heard, "{:?}", client.read_registration(&registered).await).unwrap();
    for (level, line) in logger.lines() {
        writeln!(heard, "{level:?} {line}").unwrap();
    }
    take!(heard, tracer.spans());
    let mut secrets = vec![CANARY.to_owned(), ayb_protocol::jose::base64url::encode(&*key.to_pkcs8())];
    secrets.push(format!("{:?}", key.to_pkcs8().as_slice()));
    let requests = [Endpoint::Token, Endpoint::UserInfo].map(|endpoint| idp.requests(endpoint)).concat();
    secrets.extend(requests.into_iter().filter_map(|request| request.dpop));
    assert!(heard.len() > 10_000 && secrets.len() > 10, "{} {}", heard.len(), secrets.len());
    for secret in secrets {
        assert!(!heard.contains(&secret), "a secret was printed: {secret}");
    }
}

/// A server that writes what it was sent into its refusals: whole, and then at the end of a text that is cut.
async fn repeat_what_was_sent(idp: &TestAuthServer, client: &ayb_client::OAuth2, heard: &mut String) {
    let subject = format!("{CANARY}subject");
    let secret = format!("{CANARY}secret-{}", "5".repeat(26));
    let kept = client.tokens().get_current_tokens().await.unwrap().unwrap();
    let refresh_token = kept.refresh_token.as_ref().unwrap().expose_secret().to_owned();
    for code in ["invalid_request", "invalid_scope", "a code of its own", "temporarily_unavailable"] {
        let next = |sent: &str| {
            let filling = "x".repeat(190 - sent.len());
            let text = format!("{sent} {filling}{sent}");
            let body = format!(
                r#"{{"error":"{code}","error_description":"{text}","error_uri":"https://x/{sent}"}}"#
            );
            idp.next(Endpoint::Token, Fault::Answer(400, "application/json", body));
        };
        next(&subject);
        let exchanged = client.exchange_token(&TokenExchange::access_token(subject.clone())).await.err();
        next(&secret);
        let own = client.client_credentials().request_token(None).await.err();
        next(&refresh_token);
        let renewed = client.tokens().refresh().await.err();
        for error in [exchanged, own, renewed] {
            let error = error.unwrap();
            write!(heard, "{error} {error:?} {error:#?} {}", error.explain()).unwrap();
        }
    }
}

async fn fail_in_every_way(idp: &TestAuthServer, client: &ayb_client::OAuth2, heard: &mut String) {
    let echo = format!(r#"{{"access_token":7,"refresh_token":"{CANARY}x"}}"#);
    let faults = [
        Fault::UnknownHost,
        Fault::Unreachable,
        Fault::BadTls,
        Fault::DropAfterProcessing,
        Fault::TimeOut,
        Fault::TornBody,
        Fault::Status(500),
        Fault::RetryAfter(429, 1),
        Fault::Error("invalid_request"),
        Fault::Redirect,
        Fault::Huge,
        Fault::Answer(200, "application/json", echo.clone()),
        Fault::Answer(200, "text/plain", format!("{CANARY}x.y.z==")),
        Fault::Answer(500, "text/html", echo.clone()),
        Fault::Answer(400, "application/json", echo),
    ];
    for fault in faults {
        for _ in 0..4 {
            idp.next(Endpoint::Token, fault.clone());
        }
        let exchange = TokenExchange::access_token(format!("{CANARY}subject"));
        let errors = [
            client.exchange_token(&exchange).await.err(),
            client.client_credentials().request_token(None).await.err(),
            client.tokens().refresh().await.err(),
            client.introspection().introspect_access_token("x").await.err(),
            client.user_info(&format!("{CANARY}dead"), "ada").await.err(),
            client.verify_id_token(&format!("{CANARY}a.b.c"), &Expected::default()).await.err(),
        ];
        for error in errors.into_iter().flatten() {
            write!(heard, "{error} {error:?} {error:#?} {}", error.explain()).unwrap();
        }
        // What is left over is for nobody else.
        while idp.pending_faults(Endpoint::Token) > 0 {
            let _ignored = client.client_credentials().request_token(None).await;
        }
    }
}
