//! The desk of the suites that start servers: what it answers, and the time that those servers have too.

use std::time::Duration;

use ayb_client::http::{HttpRequest, Method, ReqwestTransport};
use ayb_client::{HttpTransport as _, Timestamp};
use serde_json::Value;
use url::Url;

/// What the desk answers.
pub(crate) async fn ask(what: &str, words: Value) -> Value {
    #[expect(clippy::disallowed_methods, reason = "the suite that starts this one says where its desk is")]
    let desk = std::env::var("AYB_INTEROP_DESK").expect("the suite that starts the server sets it");
    let url = Url::parse(&format!("{desk}/{what}")).unwrap();
    let body = Some(words.to_string().into());
    let request = HttpRequest { method: Method::Post, url, headers: Vec::new(), body };
    let answer = ReqwestTransport::new().unwrap().send(request, Duration::from_secs(60)).await.unwrap();
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    serde_json::from_slice(&answer.body).unwrap()
}

pub(crate) fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the server that runs beside has the same clock")]
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(since.as_millis() as i64)
}
