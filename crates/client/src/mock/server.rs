//! An authorization server in the same process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use ayb_primitives::types::ManualTime;
use ayb_protocol::jose::{Algorithm, KeySet, SigningKey};
use ayb_protocol::time::{Seconds, Timestamp};
use serde_json::{Map, Value, json};
use url::Url;

use super::state::{Access, Client, Code, Device, State};
use super::{CANARY, Fault};
use super::{answer, registration};
use crate::config::{ClientCredentials, OAuth2Config, ProviderConfig};
use crate::http::{HttpResponse, Method};
use crate::{Endpoint, OAuth2, OAuth2Builder};

/// When the clock of every server begins: 2026-01-01T00:00:00Z.
const BEGIN: Duration = Duration::from_secs(1_767_225_600);

/// A request as the server got it.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Where to.
    pub endpoint: Endpoint,
    /// The address.
    pub url: Url,
    /// How.
    pub method: Method,
    /// The parameters of the body, if it is a form, or of a request for tokens in JSON.
    pub form: HashMap<String, String>,
    /// The body as it came.
    pub body: String,
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// The header `DPoP`.
    pub dpop: Option<String>,
    /// The header `Accept`.
    pub accept: Option<String>,
    /// The header `Content-Type`, where it says something else than a form.
    pub content_type: Option<String>,
}

/// An authorization server in the same process. Clones are the same server.
#[derive(Clone)]
pub struct TestAuthServer {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) clock: ManualTime,
}

impl TestAuthServer {
    /// A server with a clock that every wait moves on.
    pub fn start() -> Self {
        let state = State {
            clients: HashMap::new(),
            codes: HashMap::new(),
            grants: Vec::new(),
            refresh_tokens: HashMap::new(),
            access_tokens: HashMap::new(),
            devices: HashMap::new(),
            pushed: HashMap::new(),
            faults: HashMap::new(),
            requests: Vec::new(),
            key: new_key(),
            rotates: false,
            repeats: false,
            access_lifetime: 3600,
            alteration: None,
            metadata: Map::new(),
            drawn: 0,
            nonces: HashMap::new(),
            proofs: std::collections::HashSet::new(),
            requires_dpop: false,
            initial_access_token: None,
            registrations: HashMap::new(),
            ignores_dpop: false,
            ways: super::ways::Ways::default(),
        };
        Self { state: Arc::new(Mutex::new(state)), clock: ManualTime::skipping(BEGIN) }
    }

    /// Every refresh token is good for one use; a second use revokes all that it ever led to.
    #[must_use]
    pub fn rotating_refresh_tokens(self) -> Self {
        self.lock().rotates = true;
        self
    }

    /// As [`TestAuthServer::rotating_refresh_tokens`], but a spent token gives its successor again as long as that is unused: the
    /// answer may have been lost.
    #[must_use]
    pub fn repeating_lost_answers(self) -> Self {
        self.lock().repeats = true;
        self.rotating_refresh_tokens()
    }

    /// How long access tokens live, in seconds.
    #[must_use]
    pub fn access_lifetime(self, seconds: i64) -> Self {
        self.lock().access_lifetime = seconds;
        self
    }

    /// The issuer.
    pub const fn issuer(&self) -> &'static str {
        "https://id.test"
    }

    /// The clock of server and clients.
    pub const fn clock(&self) -> &ManualTime {
        &self.clock
    }

    /// What discovery would find.
    pub fn provider(&self) -> ProviderConfig {
        let at = |path: &str| Url::parse(&format!("{}{path}", self.issuer())).ok();
        ProviderConfig {
            authorization_endpoint: at("/authorize"),
            token_endpoint: at("/token"),
            device_authorization_endpoint: at("/device"),
            introspection_endpoint: at("/introspect"),
            revocation_endpoint: at("/revoke"),
            userinfo_endpoint: at("/userinfo"),
            jwks_uri: at("/jwks"),
            end_session_endpoint: at("/logout"),
            pushed_authorization_request_endpoint: at("/par"),
            registration_endpoint: at(registration::PATH),
            discovery_url: at("/.well-known/openid-configuration"),
            issuer: Some(self.issuer().to_owned()),
            iss_parameter_supported: true,
            ..ProviderConfig::default()
        }
    }

    /// A public client, registered here and ready to be built.
    pub fn client(&self, client_id: &str) -> OAuth2Builder {
        self.lock().clients.insert(client_id.to_owned(), Client::Public);
        self.builder(ClientCredentials::public(client_id))
    }

    /// A client with a secret of 40 characters.
    pub fn confidential(&self, client_id: &str) -> OAuth2Builder {
        let secret = format!("{CANARY}secret-{}", "5".repeat(26));
        self.lock().clients.insert(client_id.to_owned(), Client::Secret(secret.clone()));
        self.builder(ClientCredentials::with_secret(client_id, secret))
    }

    /// A client with a private key.
    pub fn with_key(&self, client_id: &str) -> OAuth2Builder {
        let key = new_key();
        self.lock().clients.insert(client_id.to_owned(), Client::Key(Box::new(key.public_jwk())));
        self.builder(ClientCredentials::with_key(client_id, key))
    }

    fn builder(&self, credentials: ClientCredentials) -> OAuth2Builder {
        OAuth2::builder(OAuth2Config::new(self.provider(), credentials))
            .transport(Arc::new(self.clone()))
            .time(Arc::new(self.clock.clone()))
    }

    /// What happens to the next request to an endpoint that has no fault in front of it yet.
    pub fn next(&self, endpoint: Endpoint, fault: Fault) {
        self.lock().faults.entry(endpoint).or_default().push_back(fault);
    }

    /// How many faults are still waiting for requests to an endpoint.
    pub fn pending_faults(&self, endpoint: Endpoint) -> usize {
        self.lock().faults.get(&endpoint).map_or(0, std::collections::VecDeque::len)
    }

    /// Changes the claims of every ID token from now on.
    pub fn alter_id_tokens(&self, change: impl Fn(&mut Map<String, Value>) + Send + 'static) {
        self.lock().alteration = Some(Box::new(change));
    }

    /// Says something else in the metadata.
    pub fn alter_metadata(&self, name: &str, value: Value) {
        self.lock().metadata.insert(name.to_owned(), value);
    }

    /// Signs claims as a token of this type, as only the provider can.
    ///
    /// # Panics
    /// When the claims are no object.
    #[expect(clippy::panic, reason = "a test that gives broken claims has to hear of it at once")]
    pub fn sign(&self, typ: &str, claims: &Value) -> String {
        match ayb_protocol::jose::jwt::sign(&self.lock().key, typ, claims) {
            Ok(token) => token,
            Err(error) => panic!("{error}"),
        }
    }

    /// New keys; what the old ones signed is good no more.
    pub fn rotate_keys(&self) {
        self.lock().key = new_key();
    }

    /// The person says yes: where the browser comes back to.
    ///
    /// # Panics
    /// When the address is not one of this server, or a parameter is missing.
    pub fn approve(&self, url: &Url) -> Url {
        let mut state = self.lock();
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        let pushed = query.get("request_uri").and_then(|name| state.pushed.remove(name));
        let mut parameters = pushed.unwrap_or(query);
        if state.ways.usual_names(&mut parameters).is_err() {
            let get = |name: &str| parameters.get(name).map_or("", String::as_str);
            return self.back(get("redirect_uri"), &[("error", "invalid_request"), ("state", get("state"))]);
        }
        let get = |name: &str| parameters.get(name).cloned();
        let client_id = get("client_id").unwrap_or_default();
        let grant = state.begin_grant(&client_id, &get("scope").unwrap_or_default(), true);
        let redirect_uri = get("redirect_uri").unwrap_or_default();
        let code = state.draw("code");
        let kept = Code {
            grant,
            client_id,
            redirect_uri: redirect_uri.clone(),
            challenge: get("code_challenge"),
            nonce: get("nonce"),
            jkt: get("dpop_jkt").filter(|_| !state.ignores_dpop),
            is_spent: false,
        };
        state.codes.insert(code.clone(), kept);
        self.back(&redirect_uri, &[("code", &code), ("state", &get("state").unwrap_or_default())])
    }

    /// The person says no: where the browser comes back to.
    ///
    /// # Panics
    /// When the address has no redirect URI.
    pub fn deny(&self, url: &Url) -> Url {
        let get =
            |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let state = get("state").unwrap_or_default();
        self.back(&get("redirect_uri").unwrap_or_default(), &[("error", "access_denied"), ("state", &state)])
    }

    #[expect(clippy::panic, reason = "a test that gives a broken address has to hear of it at once")]
    fn back(&self, redirect_uri: &str, pairs: &[(&str, &str)]) -> Url {
        let Ok(mut url) = Url::parse(redirect_uri) else { panic!("the redirect URI is no address") };
        url.query_pairs_mut().extend_pairs(pairs).append_pair("iss", self.issuer());
        url
    }

    /// The person decides about a device.
    pub fn decide_device(&self, user_code: &str, allowed: bool) {
        for device in self.lock().devices.values_mut().filter(|device| device.user_code == user_code) {
            device.decision = Some(allowed);
        }
    }

    /// What came to an endpoint so far.
    pub fn requests(&self, endpoint: Endpoint) -> Vec<Recorded> {
        self.lock().requests.iter().filter(|request| request.endpoint == endpoint).cloned().collect()
    }

    /// How many refreshes were asked for.
    pub fn refreshes(&self) -> usize {
        let is_refresh =
            |request: &&Recorded| request.form.get("grant_type").is_some_and(|g| g == "refresh_token");
        self.requests(Endpoint::Token).iter().filter(is_refresh).count()
    }

    /// How many grants were revoked, by a second use of something that is good for one or on request.
    pub fn revoked_grants(&self) -> usize {
        self.lock().grants.iter().filter(|grant| grant.is_revoked).count()
    }

    /// Whether an access token counts.
    pub fn accepts(&self, access_token: &str) -> bool {
        let now = self.now();
        let state = self.lock();
        let counts = |access: &Access| {
            !access.is_revoked && now < access.ends && !state.grants[access.grant].is_revoked
        };
        state.access_tokens.get(access_token).is_some_and(counts)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Timestamp {
        crate::types::tokens_now(&self.clock)
    }

    pub(super) fn endpoint(url: &Url) -> Option<Endpoint> {
        Some(match url.path() {
            "/token" | "/refresh" => Endpoint::Token,
            "/device" => Endpoint::DeviceAuthorization,
            "/introspect" => Endpoint::Introspection,
            "/revoke" => Endpoint::Revocation,
            "/userinfo" => Endpoint::UserInfo,
            "/jwks" => Endpoint::Jwks,
            "/par" => Endpoint::PushedAuthorization,
            path if path.starts_with(registration::PATH) => Endpoint::Registration,
            path if path.contains("/.well-known/") => Endpoint::Discovery,
            _ => return None,
        })
    }

    pub(super) fn act(&self, endpoint: Endpoint, request: &Recorded, path: &str) -> HttpResponse {
        let request = &match self.as_usual(endpoint, request, path) {
            Ok(request) => request,
            Err(refusal) => return refusal,
        };
        match endpoint {
            Endpoint::Discovery => self.metadata(path),
            Endpoint::Jwks => {
                let set = KeySet::new(vec![self.lock().key.public_jwk()]);
                answer::with(200, "application/jwk-set+json", set.to_json())
            }
            Endpoint::UserInfo => self.user_info(request),
            Endpoint::Token => self.token(request),
            Endpoint::DeviceAuthorization => self.device_codes(request),
            Endpoint::Introspection => self.introspect(request),
            Endpoint::PushedAuthorization => self.pushed(request),
            Endpoint::Registration => self.registration(request),
            _ => self.revoke(request),
        }
    }

    fn metadata(&self, path: &str) -> HttpResponse {
        if !self.lock().ways.are_described_at(path) {
            return answer::with(404, "text/html", "<h1>not here</h1>");
        }
        let at = |path: &str| format!("{}{path}", self.issuer());
        let mut document = json!({
            "issuer": self.issuer(), "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
            "device_authorization_endpoint": at("/device"), "introspection_endpoint": at("/introspect"),
            "revocation_endpoint": at("/revoke"), "userinfo_endpoint": at("/userinfo"), "jwks_uri": at("/jwks"),
            "end_session_endpoint": at("/logout"), "registration_endpoint": at(registration::PATH), "code_challenge_methods_supported": ["S256"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
            "authorization_response_iss_parameter_supported": true,
            "dpop_signing_alg_values_supported": ["ES256", "EdDSA", "RS256"],
        });
        if let Value::Object(members) = &mut document {
            members.extend(self.lock().metadata.clone());
        }
        answer::json(200, &document)
    }

    fn device_codes(&self, request: &Recorded) -> HttpResponse {
        let client_id = match self.authenticated(request) {
            Ok(client_id) => client_id,
            Err(refusal) => return refusal,
        };
        let ends = self.now().plus(Seconds(900));
        let mut state = self.lock();
        let (device_code, user_code) = (state.draw("device"), format!("WDJB-{:04}", state.devices.len()));
        let scope = request.form.get("scope").cloned().unwrap_or_default();
        let device = Device {
            user_code: user_code.clone(),
            client_id,
            scope,
            decision: None,
            ends,
            polled_at: None,
            interval: 5,
        };
        state.devices.insert(device_code.clone(), device);
        answer::json(
            200,
            &json!({
                "device_code": device_code, "user_code": user_code, "verification_uri": "https://id.test/activate",
                "verification_uri_complete": format!("https://id.test/activate?user_code={user_code}"),
                "expires_in": 900, "interval": 5,
            }),
        )
    }

    fn pushed(&self, request: &Recorded) -> HttpResponse {
        let client_id = match self.authenticated(request) {
            Ok(client_id) => client_id,
            Err(refusal) => return refusal,
        };
        let mut parameters = request.form.clone();
        parameters.insert("client_id".to_owned(), client_id);
        match self.possession(Endpoint::PushedAuthorization, request) {
            Ok(None) => {}
            // RFC 9449 §10.1: both say the same, or nothing.
            Ok(Some(jkt)) if parameters.get("dpop_jkt").is_some_and(|asked| *asked != jkt) => {
                return answer::error(400, "invalid_dpop_proof");
            }
            Ok(Some(jkt)) => {
                parameters.insert("dpop_jkt".to_owned(), jkt);
            }
            Err(refusal) => return refusal,
        }
        let mut state = self.lock();
        let name = format!("urn:ietf:params:oauth:request_uri:{}", state.draw("request"));
        state.pushed.insert(name.clone(), parameters);
        answer::json(201, &json!({ "request_uri": name, "expires_in": 60 }))
    }

    fn revoke(&self, request: &Recorded) -> HttpResponse {
        if let Err(refusal) = self.authenticated(request) {
            return refusal;
        }
        let Some(token) = request.form.get("token") else { return answer::error(400, "invalid_request") };
        let mut state = self.lock();
        if let Some(grant) = state.refresh_tokens.get(token).map(|refresh| refresh.grant) {
            state.grants[grant].is_revoked = true;
        }
        if let Some(access) = state.access_tokens.get_mut(token) {
            access.is_revoked = true;
        }
        answer::with(200, "text/plain", "")
    }

    fn user_info(&self, request: &Recorded) -> HttpResponse {
        if let Some(refusal) = self.challenge(request) {
            return refusal;
        }
        let (method, proof) = (request.method.as_str(), request.dpop.as_deref());
        let presented = request.authorization.as_deref().and_then(|header| header.split_once(' '));
        let in_body = request.form.get("access_token").map(|token| ("Bearer", token.as_str()));
        let presented = presented.or(in_body).filter(|(_, token)| self.accepts(token));
        match presented {
            Some((scheme, token)) if self.is_presented_well(scheme, token, proof, method, &request.url) => {
                answer::json(200, &json!({ "sub": "ada", "email": "ada@example.com", "name": "Ada" }))
            }
            _ => answer::error(401, "invalid_token"),
        }
    }
}

#[expect(
    clippy::panic,
    reason = "without a key there is no test server, and the test has to hear of it at once"
)]
pub(super) fn new_key() -> SigningKey {
    let made = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok();
    let der = made.and_then(|pair| pair.to_pkcs8v1().ok());
    let key = der.and_then(|der| SigningKey::from_pkcs8(Algorithm::ES256, der.as_ref()).ok());
    match key {
        Some(key) => key,
        None => panic!("no key could be made"),
    }
}
