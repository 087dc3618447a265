//! The tower layer: what reaches the service behind it, and what the others are answered.

use std::convert::Infallible;

use axum::Router;
use axum::body::{Body, to_bytes};
use ayb_resource::{AccessToken, BearerLayer, RequiredScope, ResourceScope};
use http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Request, Response};
use serde_json::{Value, json};
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};

use crate::kit::issuer::JWKS;
use crate::kit::{AUDIENCE, Answer, World, tokens};
use crate::notes_api;

struct Reply {
    status: u16,
    challenge: String,
    retry_after: String,
    body: String,
}

async fn ask(router: &Router, method: &str, path: &str, token: Option<&str>) -> Reply {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let response = router.clone().oneshot(request.body(Body::from("a note")).unwrap()).await.unwrap();
    let header = |name| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let (challenge, retry_after) = (header(WWW_AUTHENTICATE), header(RETRY_AFTER));
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    Reply { status, challenge, retry_after, body: String::from_utf8(body.into()).unwrap() }
}

fn notes(world: &World) -> Router {
    let metadata = notes_api::metadata(AUDIENCE, &world.issuer.name).unwrap();
    notes_api::router(&metadata, world.verifier.clone()).unwrap()
}

fn token(world: &World, change: &[(&str, &str)]) -> String {
    let mut claims = tokens::claims(&world.issuer.name, world.clock.seconds());
    for (name, value) in change {
        claims[*name] = json!(value);
    }
    world.key.token(&claims)
}

const METADATA: &str = "resource_metadata=\"https://notes.example/.well-known/oauth-protected-resource\"";

#[tokio::test]
async fn the_example_lets_in_who_may_and_says_to_others_why_not() {
    let world = World::new().await;
    let router = notes(&world);
    let reader = token(&world, &[("scope", "readonly")]);
    let writer = token(&world, &[("scope", "readwrite")]);
    let everything = token(&world, &[("scope", "*"), ("sub", "grace")]);
    let nothing = token(&world, &[("scope", "openid")]);
    let elsewhere = token(&world, &[("aud", "https://other.example")]);
    let table = [
        ("GET", Some(&reader), 200, ""),
        ("GET", Some(&writer), 200, ""),
        ("GET", Some(&everything), 200, ""),
        ("POST", Some(&writer), 200, ""),
        ("POST", Some(&everything), 200, ""),
        ("GET", None, 401, "scope=\"readonly\", "),
        ("POST", None, 401, "scope=\"readwrite\", "),
        (
            "POST",
            Some(&reader),
            403,
            "error=\"insufficient_scope\", error_description=\"The access token does not allow this.\", scope=\"readwrite\", ",
        ),
        (
            "GET",
            Some(&nothing),
            403,
            "error=\"insufficient_scope\", error_description=\"The access token does not allow this.\", scope=\"readonly\", ",
        ),
        (
            "GET",
            Some(&elsewhere),
            401,
            "error=\"invalid_token\", error_description=\"The access token is not valid here.\", scope=\"readonly\", ",
        ),
    ];
    for (method, token, status, said) in table {
        let reply = ask(&router, method, "/notes", token.map(String::as_str)).await;
        assert_eq!(reply.status, status, "{method} {said}");
        let expected = format!("Bearer realm=\"notes\", {said}{METADATA}");
        assert_eq!(reply.challenge, if status == 200 { String::new() } else { expected }, "{method}");
    }
    world.clock.travel(3631);
    let reply = ask(&router, "GET", "/notes", Some(&reader)).await;
    assert_eq!(reply.status, 401);
    assert!(
        reply.challenge.contains("error_description=\"The access token has expired.\""),
        "{}",
        reply.challenge
    );
}

#[tokio::test]
async fn what_the_service_learns_about_the_caller_is_the_token() {
    let world = World::new().await;
    let router = notes(&world);
    let ada = token(&world, &[("scope", "readwrite")]);
    let grace = token(&world, &[("scope", "readwrite"), ("sub", "grace")]);
    assert_eq!(ask(&router, "POST", "/notes", Some(&ada)).await.status, 200);
    assert_eq!(ask(&router, "GET", "/notes", Some(&ada)).await.body, "[\"a note\"]");
    assert_eq!(ask(&router, "GET", "/notes", Some(&grace)).await.body, "[]");
}

#[tokio::test]
async fn the_metadata_of_the_example_needs_no_token() {
    let world = World::new().await;
    let reply = ask(&notes(&world), "GET", "/.well-known/oauth-protected-resource", None).await;
    assert_eq!(reply.status, 200);
    let document: Value = serde_json::from_str(&reply.body).unwrap();
    let expected = json!({
        "resource": AUDIENCE,
        "authorization_servers": [world.issuer.name],
        "scopes_supported": ["readonly", "readwrite"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Notes",
    });
    assert_eq!(document, expected);
}

#[tokio::test]
async fn trouble_with_the_issuer_is_ours_and_not_the_callers() {
    let world = World::new().await;
    world.issuer.answer(JWKS, Answer::Status(500));
    let reply = ask(&notes(&world), "GET", "/notes", Some(&world.token())).await;
    assert_eq!((reply.status, reply.challenge.as_str(), reply.retry_after.as_str()), (503, "", "5"));
    let reply = ask(&notes(&world), "GET", "/notes", Some("ayb_at_opaque")).await;
    assert_eq!(reply.status, 401, "what is no JWT is refused without any key");
}

#[tokio::test]
async fn a_token_in_the_query_is_none() {
    let world = World::new().await;
    let reply = ask(&notes(&world), "GET", &format!("/notes?access_token={}", world.token()), None).await;
    assert_eq!(reply.status, 401);
    assert!(!reply.challenge.contains("error"), "{}", reply.challenge);
}

#[tokio::test]
async fn any_service_over_http_can_stand_behind_it() {
    let world = World::new().await;
    let inner = service_fn(async |request: Request<u8>| {
        let token = request.extensions().get::<AccessToken>().unwrap().clone();
        Ok::<_, Infallible>(Response::new(format!("{} {}", request.body(), token.subject())))
    });
    let words = RequiredScope::words(["openid", "readonly"]).unwrap();
    let mut service = BearerLayer::new(world.verifier.clone()).require(words).layer(inner);
    let request = |scope: &str| {
        let token = token(&world, &[("scope", scope)]);
        Request::builder().header(AUTHORIZATION, format!("Bearer {token}")).body(7_u8).unwrap()
    };
    let reply = service.ready().await.unwrap().call(request("readonly x openid")).await.unwrap();
    assert_eq!(reply.into_body(), "7 ada");
    // Words are words: only ayb's own have an order, and only where that is asked for.
    for scope in ["readonly", "openid", "openid readwrite", "openid *", "OPENID readonly", ""] {
        let reply = service.ready().await.unwrap().call(request(scope)).await.unwrap();
        assert_eq!((reply.status().as_u16(), reply.body().as_str()), (403, ""), "{scope}");
    }
    let mut service = BearerLayer::new(world.verifier.clone())
        .require(RequiredScope::at_least(ResourceScope::Readonly))
        .layer(inner);
    for (scope, status) in [("readonly", 200), ("readwrite", 200), ("*", 200), ("openid", 403), ("read", 403)]
    {
        let reply = service.ready().await.unwrap().call(request(scope)).await.unwrap();
        assert_eq!(reply.status().as_u16(), status, "{scope}");
    }
}
