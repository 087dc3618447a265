//! A body that never ends: the caller is told that it was too slow, and not that the server was.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use ayb_protocol::time::Seconds;
use futures_util::{StreamExt, stream};
use http::header::{CONTENT_TYPE, HOST};
use http_body_util::BodyExt;
use tokio::time::Instant;
use tower::ServiceExt;

use crate::kit::TestApp;

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_body_that_does_not_end_is_the_callers_fault_at_every_door() {
    let app = TestApp::with(|config| config.server.request_timeout_seconds = Seconds(10)).await;
    let doors = [
        (
            "/api/auth/login",
            "application/json",
            408,
            r#""message":"the request body did not arrive in time""#,
        ),
        (
            "/api/admin/auth",
            "application/json",
            408,
            r#""message":"the request body did not arrive in time""#,
        ),
        ("/oauth/token", FORM, 408, r#""error":"invalid_request""#),
        ("/oauth/revoke", FORM, 408, r#""error":"invalid_request""#),
        ("/login", FORM, 408, ""),
    ];
    for (path, kind, status, words) in doors {
        tokio::time::pause();
        let start = Instant::now();
        let beginning = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"{"))]);
        let body = Body::from_stream(beginning.chain(stream::pending()));
        let request =
            Request::post(path).header(HOST, "id.test").header(CONTENT_TYPE, kind).body(body).unwrap();
        let reply = app.router.clone().oneshot(request).await.unwrap();
        assert_eq!(reply.status(), status, "{path}");
        assert!(start.elapsed() < std::time::Duration::from_secs(10), "{path}: {:?}", start.elapsed());
        tokio::time::resume();
        let text = reply.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&text).contains(words), "{path}: {text:?}");
    }
}
