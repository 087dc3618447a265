//! The log says what happened and repeats nothing that a caller chose.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use ayb_server::config::{LogFormat, LogLevel};
use ayb_server::http::layers::wrap;
use ayb_server::telemetry::subscriber;
use http::Request;
use tower::ServiceExt;
use tracing_subscriber::fmt::MakeWriter;

use super::kit::{app, edge};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn hostile(method: &str, path: &str) -> Request<Body> {
    Request::builder()
        .header("host", "ayb.test")
        .method(method)
        .uri(format!("{path}?code=CANARY-query&state=CANARY-state"))
        .header("authorization", "Bearer CANARY-bearer")
        .header("cookie", "ayb_session=CANARY-cookie")
        .header("x-request-id", "CANARY-id")
        .header("x-forwarded-for", "CANARY-address")
        .header("user-agent", "CANARY-agent")
        .header("referer", "https://x/CANARY-referer")
        .header("origin", "https://CANARY-origin")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("password=CANARY-body&token=%ff"))
        .unwrap()
}

async fn log_of(format: LogFormat) -> String {
    let captured = Captured::default();
    let guard =
        tracing::subscriber::set_default(subscriber(LogLevel::Trace, format, false, captured.clone()));
    let router = wrap(app(), edge());
    let requests = [
        ("GET", "/"),
        ("GET", "/item/CANARY-segment"),
        ("POST", "/api/form"),
        ("POST", "/api/json"),
        ("GET", "/nowhere/CANARY-path"),
        ("GET", "/api/panic"),
        ("POST", "/api/panic"),
        ("DELETE", "/"),
        ("CANARY", "/"),
    ];
    for (method, path) in requests {
        router.clone().oneshot(hostile(method, path)).await.unwrap();
    }
    drop(guard);
    captured.text()
}

#[tokio::test]
async fn secrets_in_query_headers_body_path_and_panics_stay_out_of_the_log() {
    for format in [LogFormat::Text, LogFormat::Json] {
        let log = log_of(format).await;
        assert!(!log.to_uppercase().contains("CANARY"), "{log}");
        assert_eq!(log.lines().filter(|line| line.contains("ayb_server::request")).count(), 9, "{log}");
    }
}

#[tokio::test]
async fn a_request_is_one_line_with_route_status_time_and_names() {
    let log = log_of(LogFormat::Json).await;
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &serde_json::Value| line["target"] == "ayb_server::request")
        .collect();
    let item = &lines[1];
    assert_eq!(
        (&item["method"], &item["route"], &item["status"]),
        (&"GET".into(), &"/item/{name}".into(), &200.into())
    );
    assert_eq!(item["level"], "INFO");
    assert!(item["duration_ms"].is_number() && item["request_id"].is_string(), "{item}");
    assert_eq!(item["client"], "0.0.0.0");
    let panicked = &lines[5];
    assert_eq!((&panicked["level"], &panicked["status"]), (&"ERROR".into(), &500.into()));
    assert_eq!(panicked["detail"], "a handler panicked");
    assert_eq!(lines[4]["route"], "(none)");
}

#[tokio::test]
async fn libraries_are_heard_from_warnings_on_only() {
    let captured = Captured::default();
    let guard = tracing::subscriber::set_default(subscriber(
        LogLevel::Trace,
        LogFormat::Text,
        false,
        captured.clone(),
    ));
    tracing::debug!(target: "h2::codec", "CANARY frame");
    tracing::info!(target: "hyper", "CANARY head");
    tracing::warn!(target: "rustls", "a warning");
    tracing::trace!(target: "ayb_server::oauth", "a trace of ours");
    drop(guard);
    let log = captured.text();
    assert!(!log.contains("CANARY") && log.contains("a warning") && log.contains("a trace of ours"), "{log}");
}
