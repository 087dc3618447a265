//! One request and its answer.

use std::fmt;
use std::future::IntoFuture;
use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::body::Body;
use ayb_server::http::client_ip::Peer;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::html::Page;

/// Where requests come from unless they say otherwise.
pub(crate) const ADDRESS: &str = "198.51.100.7";

/// A request that is being made. Await it to send it.
pub(crate) struct Call {
    router: Router,
    builder: http::request::Builder,
    body: Vec<u8>,
    peer: IpAddr,
}

impl Call {
    pub(crate) fn new(router: &Router, method: Method, uri: &str) -> Self {
        let builder = Request::builder().method(method).uri(uri).header(HOST, "id.test");
        Self { router: router.clone(), builder, body: Vec::new(), peer: ADDRESS.parse().unwrap() }
    }

    /// A header field more; another host takes the place of the usual one.
    pub(crate) fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        if name.as_ref() == HOST.as_str() {
            self.builder.headers_mut().unwrap().remove(HOST);
        }
        self.builder = self.builder.header(name.as_ref(), value.as_ref());
        self
    }

    /// A form as the body, replacing what was there.
    pub(crate) fn form(self, pairs: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.body("application/x-www-form-urlencoded", body)
    }

    pub(crate) fn json(self, value: &Value) -> Self {
        self.body("application/json", value.to_string())
    }

    pub(crate) fn body(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header(CONTENT_TYPE, kind)
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION, format!("Bearer {token}"))
    }

    /// HTTP Basic, with the form encoding that RFC 6749 §2.3.1 asks for.
    pub(crate) fn basic(self, name: &str, password: &str) -> Self {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encode(name), encode(password));
        self.header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(pair)))
    }

    pub(crate) fn accept_json(self) -> Self {
        self.header(ACCEPT, "application/json")
    }

    /// Sends it from another address.
    pub(crate) fn from(mut self, address: &str) -> Self {
        self.peer = address.parse().unwrap();
        self
    }

    pub(crate) async fn send(self) -> Reply {
        let mut request = self.builder.body(Body::from(self.body)).unwrap();
        request.extensions_mut().insert(Peer(SocketAddr::new(self.peer, 40_000)));
        let (parts, body) = self.router.oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Reply { status: parts.status, headers: parts.headers, body }
    }
}

impl IntoFuture for Call {
    type Output = Reply;
    type IntoFuture = BoxFuture<'static, Reply>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// An answer, read to its end. Its `Display` form is for messages of failed assertions.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first value of a header; empty when there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// A text member of the JSON body; empty when there is none.
    #[track_caller]
    pub(crate) fn member(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_default().to_owned()
    }

    /// The OAuth error code of the JSON body; empty when there is none.
    #[track_caller]
    pub(crate) fn error(&self) -> String {
        self.member("error")
    }

    pub(crate) fn page(&self) -> Page {
        Page::parse(&self.text())
    }

    /// Where the answer leads; empty when nowhere.
    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }

    /// The parameters of the address that the answer leads to.
    #[track_caller]
    pub(crate) fn answer(&self) -> super::browser::Answer {
        super::browser::Answer::parse(self.location())
    }

    /// Status and OAuth error code, for tables of cases.
    #[track_caller]
    pub(crate) fn verdict(&self) -> (u16, String) {
        (self.status.as_u16(), self.error())
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {}", value.to_str().unwrap_or("?"))?;
        }
        write!(f, "\n{}", self.text())
    }
}
