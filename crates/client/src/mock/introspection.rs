//! Introspection at the test server (RFC 7662), signed for whoever asks for that (RFC 9701).

use serde_json::{Value, json};

use super::answer;
use super::server::{Recorded, TestAuthServer};
use crate::http::HttpResponse;

impl TestAuthServer {
    pub(super) fn introspect(&self, request: &Recorded) -> HttpResponse {
        let client_id = match self.authenticated(request) {
            Ok(client_id) => client_id,
            Err(refusal) => return refusal,
        };
        let token = request.form.get("token").cloned().unwrap_or_default();
        let facts = self.facts(&token);
        if request.accept.as_deref() != Some("application/token-introspection+jwt") {
            return answer::json(200, &facts);
        }
        let claims = json!({
            "iss": self.issuer(), "aud": client_id, "iat": self.now().as_seconds(), "token_introspection": facts,
        });
        let signed = self.sign("token-introspection+jwt", &claims);
        answer::with(200, "application/token-introspection+jwt", signed)
    }

    fn facts(&self, token: &str) -> Value {
        if !self.accepts(token) {
            return json!({ "active": false });
        }
        let state = self.lock();
        let access = &state.access_tokens[token];
        let grant = &state.grants[access.grant];
        let mut facts = json!({
            "active": true, "client_id": grant.client_id, "scope": grant.scope, "sub": "ada",
            "exp": access.ends.as_seconds(), "iss": self.issuer(), "aud": ["api"], "token_type": "Bearer",
        });
        // RFC 9449 §6.2.
        if let Some(jkt) = &access.jkt {
            facts["token_type"] = Value::from("DPoP");
            facts["cnf"] = json!({ "jkt": jkt });
        }
        facts
    }
}
