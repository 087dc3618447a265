//! What every request passes, through the router.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Extension;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use ayb_server::http::client_ip::{ClientIp, ForwardingHeader, Peer, TrustedProxies};
use ayb_server::http::cors::{Cors, grant_origin};
use ayb_server::http::layers::{Edge, Fault, wrap};
use ayb_server::http::request_id::RequestId;
use http::{Method, Request};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::kit::{app, edge};

async fn call(router: &Router, request: Request<Body>) -> (Response, String) {
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    (Response::from_parts(parts, Body::empty()), text)
}

fn request(path: &str, fields: &[(&str, &str)]) -> Request<Body> {
    let builder = fields
        .iter()
        .fold(Request::builder().uri(path).header("host", "ayb.test"), |builder, (name, value)| {
            builder.header(*name, *value)
        });
    builder.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_panic_is_a_500_in_the_envelope_and_the_server_goes_on() {
    let router = wrap(app(), edge());
    for _ in 0..3 {
        let (response, body) = call(&router, request("/api/panic", &[])).await;
        assert_eq!(response.status(), 500);
        assert_eq!(body, r#"{"code":500,"message":"an internal error occurred"}"#);
        assert!(response.headers().contains_key("x-request-id"));
    }
    assert_eq!(call(&router, request("/", &[])).await.1, "hello");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_too_long_is_a_503() {
    let (response, body) = call(&wrap(app(), edge()), request("/api/endless", &[])).await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "5");
    assert_eq!(body, r#"{"code":503,"message":"the request took too long"}"#);
}

#[tokio::test]
async fn faults_of_the_edge_take_the_form_that_the_path_asks_for() {
    let fault = Fault::new(|at, error| (error.status(), format!("page for {}", at.path)).into_response());
    let (response, body) = call(&wrap(app(), Edge { fault, ..edge() }), request("/api/panic?x=1", &[])).await;
    assert_eq!((response.status().as_u16(), body.as_str()), (500, "page for /api/panic"));
}

#[tokio::test]
async fn identity_of_a_request_comes_from_trusted_proxies_only() {
    let tell = |Extension(id): Extension<RequestId>, Extension(client): Extension<ClientIp>| async move {
        format!("{id} {client}")
    };
    let networks = vec!["10.0.0.0/8".parse().unwrap()];
    let proxies = TrustedProxies::new(networks, ForwardingHeader::XForwardedFor);
    let router = wrap(Router::new().route("/", get(tell)), Edge { proxies, ..edge() });
    let fields = [("x-request-id", "from-proxy"), ("x-forwarded-for", "203.0.113.9")];

    let mut trusted = request("/", &fields);
    trusted.extensions_mut().insert(Peer(SocketAddr::from(([10, 0, 0, 1], 1))));
    let (response, body) = call(&router, trusted).await;
    assert_eq!(body, "from-proxy 203.0.113.9");
    assert_eq!(response.headers()["x-request-id"], "from-proxy");

    let mut stranger = request("/", &fields);
    stranger.extensions_mut().insert(Peer(SocketAddr::from(([192, 0, 2, 7], 1))));
    let (response, body) = call(&router, stranger).await;
    assert!(body.ends_with(" 192.0.2.7") && !body.starts_with("from-proxy"), "{body}");
    assert!(body.starts_with(response.headers()["x-request-id"].to_str().unwrap()));
    assert!(call(&router, request("/", &fields)).await.1.ends_with(" 0.0.0.0"), "no listener, no peer");
}

#[tokio::test]
async fn unknown_paths_and_methods_pass_the_edge_too() {
    let router = wrap(app(), edge());
    let (response, _) = call(&router, request("/nowhere", &[])).await;
    assert_eq!(response.status(), 404);
    assert!(response.headers().contains_key("x-request-id"));
    assert_eq!(response.headers()["x-frame-options"], "DENY");
    let mut wrong = request("/api/panic", &[]);
    *wrong.method_mut() = Method::DELETE;
    let (response, _) = call(&router, wrong).await;
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["cache-control"], "no-store");
}

#[tokio::test]
async fn other_origins_read_the_api_and_never_a_page() {
    let narrowed = || async {
        let mut response = "narrowed".into_response();
        grant_origin(&mut response, [&[], &["https://app.example.com".to_owned()]]);
        response
    };
    let router = wrap(app().route("/oauth/token", get(narrowed)), Edge { cors: Cors::any(), ..edge() });
    let granted = |path: &'static str, origin: &'static str| {
        let router = router.clone();
        async move {
            let (response, _) = call(&router, request(path, &[("origin", origin)])).await;
            response
                .headers()
                .get("access-control-allow-origin")
                .map(|value| value.to_str().unwrap().to_owned())
        }
    };
    assert_eq!(
        granted("/api/panic", "https://x.example").await.as_deref(),
        Some("*"),
        "errors are readable too"
    );
    assert_eq!(granted("/", "https://x.example").await, None);
    assert_eq!(granted("/oauth/token", "https://x.example").await, None);
    assert_eq!(
        granted("/oauth/token", "https://app.example.com").await.as_deref(),
        Some("https://app.example.com")
    );

    let ask = [("origin", "https://x.example"), ("access-control-request-method", "POST")];
    let mut preflight = request("/api/json", &ask);
    *preflight.method_mut() = Method::OPTIONS;
    let (response, _) = call(&router, preflight).await;
    assert_eq!(response.status(), 204);
    assert_eq!(response.headers()["access-control-max-age"], "86400");
    assert!(response.headers().contains_key("x-request-id"));
    let mut page = request("/", &ask);
    *page.method_mut() = Method::OPTIONS;
    let (response, _) = call(&router, page).await;
    assert_eq!(response.status(), 405);
    assert!(!response.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn behind_https_the_browser_is_told_to_stay_there() {
    let (response, _) = call(&wrap(app(), Edge { https: true, ..edge() }), request("/", &[])).await;
    assert_eq!(response.headers()["strict-transport-security"], "max-age=31536000");
    let (response, _) = call(&wrap(app(), edge()), request("/", &[])).await;
    assert!(!response.headers().contains_key("strict-transport-security"));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_does_not_outlive_its_time() {
    let never = futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
    let mut waiting = request("/api/json", &[("content-type", "application/json")]);
    *waiting.method_mut() = Method::POST;
    *waiting.body_mut() = Body::from_stream(never);
    let start = tokio::time::Instant::now();
    let (response, _) = call(&wrap(app(), edge()), waiting).await;
    assert_eq!(response.status(), 408);
    assert_eq!(start.elapsed(), Duration::from_secs(20));
}
