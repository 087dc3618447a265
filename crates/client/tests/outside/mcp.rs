//! A client of a server of the Model Context Protocol, as far as authorization goes: what the conformance suite drives.

use std::collections::BTreeSet;

use ayb_client::{
    Algorithm, AuthorizationParams, CallbackParams, ClientCredentials, ClientMetadata, ClientRegistration,
    ExposeSecret as _, OAuth2, OAuth2Client as _, OAuth2Config, OAuth2Error, ProviderConfig, SigningKey,
};
use reqwest::header::{LOCATION, WWW_AUTHENTICATE};
use serde_json::{Value, json};
use url::Url;

const CALLBACK: &str = "http://127.0.0.1:9/callback";
/// The document that describes this client, for servers that read such (draft-ietf-oauth-client-id-metadata-document).
const CLIENT_ID_DOCUMENT: &str = "https://conformance-test.local/client-metadata.json";
/// How often a person is asked for more, at most.
const PATIENCE: usize = 3;

fn variable(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the suite that starts this one says what to do by its environment"
    )]
    std::env::var(name).ok()
}

/// What a server says to whoever may not enter: the parameters of its challenge (RFC 6750 §3, RFC 9728 §5.1).
#[derive(Default)]
struct Challenge {
    metadata: Option<Url>,
    scope: Option<String>,
}

impl Challenge {
    fn read(response: &reqwest::Response) -> Self {
        let header = response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        let one = |name: &str| {
            let (_, rest) = header?.split_once(&format!("{name}=\""))?;
            Some(rest.split_once('"')?.0.to_owned())
        };
        Self { metadata: one("resource_metadata").and_then(|url| url.parse().ok()), scope: one("scope") }
    }
}

struct Mcp {
    http: reqwest::Client,
    server: Url,
    context: Value,
    token: Option<String>,
    scopes: BTreeSet<String>,
    asked: usize,
}

impl Mcp {
    fn open() -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let server = variable("AYB_MCP_SERVER").unwrap().parse().unwrap();
        let context = variable("MCP_CONFORMANCE_CONTEXT").map_or(Value::Null, |text| text.parse().unwrap());
        Self { http, server, context, token: None, scopes: BTreeSet::new(), asked: 0 }
    }

    /// Calls a method, and gets leave as long as the server says how.
    async fn call(&mut self, method: &str, params: Value) -> Result<(), OAuth2Error> {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        loop {
            let request = self.http.post(self.server.clone()).body(message.to_string());
            let request = request.header("content-type", "application/json");
            let request = request.header("accept", "application/json, text/event-stream");
            let request = match &self.token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            let response = request.send().await.unwrap();
            if !matches!(response.status().as_u16(), 401 | 403) || self.asked == PATIENCE {
                assert!(response.status().is_success(), "{method}: {}", response.status());
                return Ok(());
            }
            self.asked += 1;
            let token = self.authorize(Challenge::read(&response)).await?;
            self.token = Some(token);
        }
    }

    async fn json(&self, url: Url) -> Option<Value> {
        let response = self.http.get(url).send().await.unwrap();
        if !response.status().is_success() {
            return None;
        }
        serde_json::from_slice(&response.bytes().await.unwrap()).ok()
    }

    /// What the resource says about itself (RFC 9728 §3): where the challenge says, or at the two known places.
    async fn resource(&self, challenge: &Challenge) -> Option<Value> {
        if let Some(url) = &challenge.metadata {
            return self.json(url.clone()).await;
        }
        for path in ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"] {
            if let Some(document) = self.json(self.server.join(path).unwrap()).await {
                return Some(document);
            }
        }
        None
    }

    async fn authorize(&mut self, challenge: Challenge) -> Result<String, OAuth2Error> {
        let document = self.resource(&challenge).await;
        let origin = self.server.origin().ascii_serialization();
        let resource = document.as_ref().map(|document| document["resource"].as_str().unwrap().to_owned());
        if let Some(resource) = &resource {
            // A token for another resource is nothing to be asked for here (RFC 9728 §3.3).
            let is_ours = self.server.as_str().starts_with(resource.trim_end_matches('/'));
            assert!(is_ours, "the metadata are those of {resource}");
        }
        let issuer = document.as_ref().and_then(|document| document["authorization_servers"][0].as_str());
        let (provider, metadata) = self.provider(issuer.unwrap_or(&origin)).await;
        let supported = document.as_ref().and_then(|document| document["scopes_supported"].as_array());
        let all = supported.map(|names| names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "));
        let scope = challenge.scope.or(all).unwrap_or_default();
        self.scopes.extend(scope.split_whitespace().map(str::to_owned));
        let offers = metadata["scopes_supported"]
            .as_array()
            .is_some_and(|names| names.contains(&json!("offline_access")));
        if offers {
            self.scopes.insert("offline_access".to_owned());
        }
        let credentials = self.credentials(&provider, &metadata).await;
        let mut config = OAuth2Config::new(provider, credentials);
        config.resource = resource;
        let client = OAuth2::builder(config).build()?;
        let grants = metadata["grant_types_supported"].as_array();
        if grants.is_some_and(|grants| grants.as_slice() == [json!("client_credentials")]) {
            let token = client.client_credentials().request_token(None).await?;
            return Ok(token.access_token.expose_secret().to_owned());
        }
        let mut params = AuthorizationParams::new(CALLBACK.parse().unwrap());
        if !self.scopes.is_empty() {
            params = params.scopes(self.scopes.iter().cloned());
        }
        let start = client.start(params)?;
        let sent = self.http.get(start.url).send().await.unwrap();
        let arrived = CallbackParams::parse(sent.headers()[LOCATION].to_str().unwrap())?;
        let token = client.finish(start.pending, arrived).await?;
        Ok(token.access_token.expose_secret().to_owned())
    }

    /// The authorization server and the document that it is described by; the places of old when there is none.
    async fn provider(&self, issuer: &str) -> (ProviderConfig, Value) {
        let nobody = OAuth2Config::new(ProviderConfig::default(), ClientCredentials::public("nobody"));
        let nobody = OAuth2::builder(nobody).build().unwrap();
        match nobody.discover(&issuer.parse().unwrap()).await {
            Ok(provider) => {
                let metadata = self.json(provider.discovery_url.clone().unwrap()).await.unwrap();
                (provider, metadata)
            }
            Err(_) => {
                let at = |path: &str| Some(self.server.join(path).unwrap());
                let provider = ProviderConfig {
                    authorization_endpoint: at("/authorize"),
                    token_endpoint: at("/token"),
                    registration_endpoint: at("/register"),
                    ..ProviderConfig::default()
                };
                (provider, Value::Null)
            }
        }
    }

    /// Who this client is: as somebody registered it, by its document, or as it registers itself (RFC 7591).
    async fn credentials(&self, provider: &ProviderConfig, metadata: &Value) -> ClientCredentials {
        let said = |name: &str| self.context[name].as_str();
        if let Some(client_id) = said("client_id") {
            if let Some(pem) = said("private_key_pem") {
                return ClientCredentials::with_key(client_id, key(pem));
            }
            return ClientCredentials::with_secret(client_id, said("client_secret").unwrap());
        }
        if metadata["client_id_metadata_document_supported"] == true {
            return ClientCredentials::public(CLIENT_ID_DOCUMENT);
        }
        // `grant_types` says that it will want refresh tokens (RFC 7591 §2).
        let metadata = ClientMetadata {
            client_name: Some("ayb-client".to_owned()),
            response_types: vec!["code".to_owned()],
            grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
            ..ClientMetadata::new([CALLBACK.parse().unwrap()])
        };
        let nobody = OAuth2Config::new(provider.clone(), ClientCredentials::public("unregistered"));
        let registered = OAuth2::builder(nobody).register(&ClientRegistration::new(metadata)).await;
        registered.unwrap().1.credentials
    }
}

fn key(pem: &str) -> SigningKey {
    let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, lines).unwrap();
    SigningKey::from_pkcs8(Algorithm::ES256, &der).unwrap()
}

#[tokio::test]
#[ignore = "the conformance suite that `tests/servers` starts runs it as a client"]
async fn client() {
    let mut mcp = Mcp::open();
    let info = json!({"name": "ayb-client", "version": "1.0.0"});
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info});
    mcp.call("initialize", hello).await.unwrap();
    mcp.call("tools/list", json!({})).await.unwrap();
    mcp.call("tools/call", json!({"name": "test-tool", "arguments": {}})).await.unwrap();
}
