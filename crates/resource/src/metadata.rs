//! What this API says about itself: protected resource metadata (RFC 9728).

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;
use tower::Service;
use url::Url;

use crate::address::{Plain, inserted};
use crate::error::BuildError;

/// The well-known name (RFC 9728 §3).
const NAME: &str = "oauth-protected-resource";

/// The metadata of one protected resource (RFC 9728 §2). Members that are not set are left out.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct ResourceMetadata {
    resource: String,
    #[serde(skip)]
    address: Url,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorization_servers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<String>,
    bearer_methods_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_documentation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_policy_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_tos_uri: Option<String>,
}

impl ResourceMetadata {
    /// The metadata of the API with this identifier: its address as clients know it, and best the audience of its tokens too.
    /// It takes its tokens in the `Authorization` header.
    ///
    /// # Errors
    /// [`BuildError::Resource`] when it is not an `https` address without fragment (RFC 9728 §1.2); `http` is for loopback.
    /// A query is refused too, which the standard advises against.
    pub fn new(resource: impl Into<String>) -> Result<Self, BuildError> {
        let resource = resource.into();
        let is_identifier =
            |url: &Url| Plain::Loopback.allows(url) && url.query().is_none() && url.fragment().is_none();
        let address = Url::parse(&resource).ok().filter(is_identifier).ok_or(BuildError::Resource)?;
        Ok(Self {
            resource,
            address,
            authorization_servers: Vec::new(),
            scopes_supported: Vec::new(),
            bearer_methods_supported: ["header"],
            resource_name: None,
            resource_documentation: None,
            resource_policy_uri: None,
            resource_tos_uri: None,
        })
    }

    /// Adds an issuer whose tokens are accepted.
    #[must_use]
    pub fn authorization_server(mut self, issuer: impl Into<String>) -> Self {
        self.authorization_servers.push(issuer.into());
        self
    }

    /// Adds scope words that clients may need here.
    #[must_use]
    pub fn scopes<'a>(mut self, words: impl IntoIterator<Item = &'a str>) -> Self {
        self.scopes_supported.extend(words.into_iter().map(str::to_owned));
        self
    }

    /// The name for people.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { resource_name: Some(name.into()), ..self }
    }

    /// The page for those who write clients.
    #[must_use]
    pub fn documentation(self, page: &Url) -> Self {
        Self { resource_documentation: Some(page.to_string()), ..self }
    }

    /// The page on how data may be used.
    #[must_use]
    pub fn policy(self, page: &Url) -> Self {
        Self { resource_policy_uri: Some(page.to_string()), ..self }
    }

    /// The terms of service.
    #[must_use]
    pub fn terms(self, page: &Url) -> Self {
        Self { resource_tos_uri: Some(page.to_string()), ..self }
    }

    /// The identifier, as it was given.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// Where the document is: between host and path of the resource (RFC 9728 §3.1). For the challenge.
    pub fn address(&self) -> Url {
        inserted(&self.address, NAME)
    }

    /// The path of [`ResourceMetadata::address`]: for the router.
    pub fn path(&self) -> String {
        self.address().path().to_owned()
    }

    /// The document as JSON text.
    pub fn to_json(&self) -> String {
        // Texts and lists of texts: writing them cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The service that answers with the document.
    pub fn service(&self) -> MetadataService {
        MetadataService { path: self.path(), document: Bytes::from(self.to_json()) }
    }
}

/// Answers `GET` and `HEAD` at its own path with the document, other methods there with 405, other paths with 404. Scripts of
/// every origin may read it: it holds nothing that is not for everybody.
#[derive(Clone, Debug)]
pub struct MetadataService {
    path: String,
    document: Bytes,
}

impl MetadataService {
    /// The answer to a request.
    pub fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::default());
        if path != self.path {
            *response.status_mut() = StatusCode::NOT_FOUND;
            return response;
        }
        let headers = response.headers_mut();
        if method != Method::GET && method != Method::HEAD {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            return response;
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        // For HEAD too: the HTTP server leaves the body out, and says its length.
        *response.body_mut() = Full::new(self.document.clone());
        response
    }
}

impl<B> Service<Request<B>> for MetadataService {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.answer(request.method(), request.uri().path())))
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_document_holds_what_was_set_and_nothing_else() {
        let bare = ResourceMetadata::new("https://notes.example/api").unwrap();
        let document: Value = serde_json::from_str(&bare.to_json()).unwrap();
        let expected =
            json!({"resource": "https://notes.example/api", "bearer_methods_supported": ["header"]});
        assert_eq!(document, expected);
        let page = Url::parse("https://notes.example/help").unwrap();
        let full = bare
            .authorization_server("https://id.example")
            .scopes(["readonly", "readwrite"])
            .name("Notes")
            .documentation(&page)
            .policy(&page)
            .terms(&page);
        let document: Value = serde_json::from_str(&full.to_json()).unwrap();
        let expected = json!({
            "resource": "https://notes.example/api",
            "authorization_servers": ["https://id.example"],
            "scopes_supported": ["readonly", "readwrite"],
            "bearer_methods_supported": ["header"],
            "resource_name": "Notes",
            "resource_documentation": "https://notes.example/help",
            "resource_policy_uri": "https://notes.example/help",
            "resource_tos_uri": "https://notes.example/help",
        });
        assert_eq!(document, expected);
    }

    #[test]
    fn the_document_is_between_host_and_path_of_the_resource() {
        let table = [
            ("https://notes.example", "https://notes.example/.well-known/oauth-protected-resource"),
            ("https://notes.example/", "https://notes.example/.well-known/oauth-protected-resource"),
            ("https://notes.example/api", "https://notes.example/.well-known/oauth-protected-resource/api"),
            ("http://localhost:4000/a/b", "http://localhost:4000/.well-known/oauth-protected-resource/a/b"),
        ];
        for (resource, address) in table {
            assert_eq!(ResourceMetadata::new(resource).unwrap().address().as_str(), address);
        }
    }

    #[test]
    fn what_cannot_identify_a_resource_is_refused() {
        for bad in
            ["", "notes", "http://notes.example", "https://a.example#b", "https://a.example?b", "urn:notes"]
        {
            assert_eq!(ResourceMetadata::new(bad).err(), Some(BuildError::Resource), "{bad}");
        }
    }

    #[tokio::test]
    async fn it_is_served_at_its_own_path_to_readers() {
        let metadata = ResourceMetadata::new("https://notes.example/api").unwrap();
        let mut service = metadata.service();
        let own = metadata.path();
        let table = [
            ("GET", own.as_str(), 200, metadata.to_json()),
            ("HEAD", &own, 200, metadata.to_json()),
            ("POST", &own, 405, String::new()),
            ("GET", "/.well-known/oauth-protected-resource", 404, String::new()),
            ("GET", "/.well-known/oauth-protected-resource/api/", 404, String::new()),
        ];
        for (method, path, status, body) in table {
            let request = Request::builder().method(method).uri(path).body(()).unwrap();
            let response = service.call(request).await.unwrap();
            assert_eq!(response.status().as_u16(), status, "{method} {path}");
            let found = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(found, body.as_bytes(), "{method} {path}");
        }
    }
}
