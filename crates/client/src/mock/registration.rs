//! Registration of clients at the test server (RFC 7591, RFC 7592).

use ayb_protocol::jose::KeySet;
use serde_json::{Map, Value, json};

use super::answer;
use super::server::{Recorded, TestAuthServer};
use super::state::Client;
use crate::http::{HttpResponse, Method};

/// Where registrations are; the names of clients follow.
pub(super) const PATH: &str = "/register";

impl TestAuthServer {
    /// Registers nobody without this token, which is returned.
    pub fn requiring_initial_access_token(&self) -> String {
        let mut state = self.lock();
        let token = state.draw("initial");
        state.initial_access_token = Some(token.clone());
        token
    }

    /// Whether a client is registered.
    pub fn knows_client(&self, client_id: &str) -> bool {
        self.lock().clients.contains_key(client_id)
    }

    pub(super) fn registration(&self, request: &Recorded) -> HttpResponse {
        match request.url.path().strip_prefix(PATH).and_then(|rest| rest.strip_prefix('/')) {
            Some(client_id) => self.manage(request, client_id),
            None => self.register(request),
        }
    }

    fn register(&self, request: &Recorded) -> HttpResponse {
        let asked_for = self.lock().initial_access_token.clone();
        let bearer = request.authorization.as_deref().and_then(|header| header.strip_prefix("Bearer "));
        if asked_for.is_some() && asked_for.as_deref() != bearer {
            return answer::with(401, "text/plain", "");
        }
        let client_id = {
            let mut state = self.lock();
            state.drawn += 1;
            format!("client-{}", state.drawn)
        };
        self.keep(&client_id, &request.body, 201)
    }

    /// Keeps what a client says about itself, under new secrets.
    fn keep(&self, client_id: &str, body: &str, status: u16) -> HttpResponse {
        let metadata: Option<Map<String, Value>> = serde_json::from_str(body).ok();
        let Some(mut metadata) = metadata else { return answer::error(400, "invalid_client_metadata") };
        let is_sound = |uri: &Value| uri.as_str().is_some_and(|uri| !uri.contains('#'));
        let mut uris = metadata.get("redirect_uris").and_then(Value::as_array).into_iter().flatten();
        if !uris.all(is_sound) {
            return answer::error(400, "invalid_redirect_uri");
        }
        metadata.remove("client_secret");
        let method = metadata.get("token_endpoint_auth_method").and_then(Value::as_str);
        let method = method.unwrap_or("client_secret_basic").to_owned();
        let mut state = self.lock();
        let secret =
            (method.starts_with("client_secret")).then(|| state.draw("secret-of-forty-signs-for-hmac"));
        let client = match (&secret, metadata.get("jwks")) {
            (Some(secret), _) => Some(Client::Secret(secret.clone())),
            (None, Some(jwks)) if method == "private_key_jwt" => KeySet::parse(jwks.to_string())
                .ok()
                .and_then(|set| Some(Client::Key(Box::new(set.keys().first()?.clone())))),
            (None, _) if method == "none" => Some(Client::Public),
            _ => None,
        };
        let Some(client) = client else { return answer::error(400, "invalid_client_metadata") };
        state.clients.insert(client_id.to_owned(), client);
        let token = state.draw("registration");
        metadata.insert("client_id".to_owned(), client_id.into());
        metadata.insert("token_endpoint_auth_method".to_owned(), method.into());
        state.registrations.insert(client_id.to_owned(), (token.clone(), metadata.clone()));
        let mut shown = metadata;
        shown.insert("registration_access_token".to_owned(), token.into());
        shown.insert(
            "registration_client_uri".to_owned(),
            format!("{}{PATH}/{client_id}", self.issuer()).into(),
        );
        if let Some(secret) = secret {
            shown.insert("client_secret".to_owned(), secret.into());
            shown.insert("client_secret_expires_at".to_owned(), json!(0));
        }
        answer::json(status, &Value::Object(shown))
    }

    fn manage(&self, request: &Recorded, client_id: &str) -> HttpResponse {
        let kept = self.lock().registrations.get(client_id).cloned();
        let bearer = request.authorization.as_deref().and_then(|header| header.strip_prefix("Bearer "));
        let Some((_, metadata)) = kept.filter(|(token, _)| bearer == Some(token)) else {
            return answer::with(401, "text/plain", "");
        };
        match request.method {
            Method::Put => self.keep(client_id, &request.body, 200),
            Method::Delete => {
                let mut state = self.lock();
                state.registrations.remove(client_id);
                state.clients.remove(client_id);
                answer::with(204, "text/plain", "")
            }
            _ => answer::json(200, &Value::Object(metadata)),
        }
    }
}
