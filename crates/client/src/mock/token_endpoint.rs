//! The token endpoint of the test server: every grant, and who may ask.

use ayb_protocol::id_token::at_hash;
use ayb_protocol::jose::jwt::{ExpectedType, Unverified, Verifier};
use ayb_protocol::jose::{Algorithm, HmacKey, KeySet, VerifyingKeys, jwt};
use ayb_protocol::message::client_auth::{ClientProof, Credentials};
use ayb_protocol::params::Params;
use ayb_protocol::pkce::{CodeChallenge, CodeVerifier};
use ayb_protocol::time::Seconds;
use serde_json::{Value, json};

use super::answer;
use super::server::{Recorded, TestAuthServer};
use super::state::{Access, Client};
use crate::Endpoint;
use crate::http::HttpResponse;

impl TestAuthServer {
    /// The client that asks, if it proves itself.
    pub(super) fn authenticated(&self, request: &Recorded) -> Result<String, HttpResponse> {
        let refuse = || answer::error(401, "invalid_client");
        let registered = |client_id: &str| self.lock().clients.get(client_id).cloned().ok_or_else(refuse);
        if let Some(assertion) = request.form.get("client_assertion") {
            let unverified = Unverified::parse(assertion).map_err(|_| refuse())?;
            let client_id = unverified.subject().unwrap_or_default().to_owned();
            let rules = Verifier::new(
                [Algorithm::ES256, Algorithm::HS256],
                ExpectedType::Is("client-authentication+jwt".into()),
            );
            let rules = rules.with_issuer(&client_id).with_audience(self.issuer());
            let claims = match registered(&client_id)? {
                Client::Secret(secret) => {
                    let key =
                        HmacKey::from_secret(Algorithm::HS256, secret.as_bytes()).map_err(|_| refuse())?;
                    rules.verify_hmac(assertion, &key, self.now())
                }
                Client::Key(jwk) => {
                    let keys = VerifyingKeys::from_key_set(&KeySet::new(vec![*jwk]));
                    rules.verify(assertion, &keys, self.now())
                }
                Client::Public => return Err(refuse()),
            };
            return claims.map(|_| client_id).map_err(|_| refuse());
        }
        let pairs = request.form.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let params = Params::from_pairs(pairs).map_err(|_| refuse())?;
        let credentials =
            Credentials::read(request.authorization.as_deref(), &params).map_err(|_| refuse())?;
        let is_right = match (registered(&credentials.client_id)?, &credentials.proof) {
            (Client::Secret(secret), ClientProof::Basic(sent) | ClientProof::Post(sent)) => secret == **sent,
            (Client::Public, ClientProof::None) => true,
            _ => false,
        };
        if is_right { Ok(credentials.client_id) } else { Err(refuse()) }
    }

    pub(super) fn token(&self, request: &Recorded) -> HttpResponse {
        let client_id = match self.authenticated(request) {
            Ok(client_id) => client_id,
            Err(refusal) => return refusal,
        };
        let jkt = match self.possession(Endpoint::Token, request) {
            Ok(jkt) => jkt,
            Err(refusal) => return refusal,
        };
        let granted = match request.form.get("grant_type").map(String::as_str) {
            Some("authorization_code") => self.code(request, &client_id, jkt.as_deref()),
            Some("refresh_token") => self.refresh(request, &client_id, jkt.as_deref()),
            Some("client_credentials") => {
                let scope = request.form.get("scope").cloned().unwrap_or_default();
                Ok(self.lock().begin_grant(&client_id, &scope, false))
            }
            Some("urn:ietf:params:oauth:grant-type:device_code") => self.device(request, &client_id),
            _ => Err("unsupported_grant_type"),
        };
        match granted {
            Ok(grant) => self.issue(grant, request, jkt),
            Err(code) => answer::error(400, code),
        }
    }

    fn code(&self, request: &Recorded, client_id: &str, jkt: Option<&str>) -> Result<usize, &'static str> {
        let get = |name: &str| request.form.get(name).map_or("", String::as_str);
        let mut state = self.lock();
        let code = state.codes.get_mut(get("code")).ok_or("invalid_grant")?;
        let (grant, nonce) = (code.grant, code.nonce.clone());
        if code.is_spent {
            state.grants[grant].is_revoked = true;
            return Err("invalid_grant");
        }
        let is_verified = match &code.challenge {
            None => !request.form.contains_key("code_verifier"),
            Some(challenge) => {
                let verifier = CodeVerifier::parse(get("code_verifier")).ok();
                let matches =
                    |verifier| CodeChallenge::from_stored(challenge).is_some_and(|c| c.matches(&verifier));
                verifier.is_some_and(matches)
            }
        };
        // RFC 9449 §10.
        let is_verified = is_verified && code.jkt.as_deref().is_none_or(|bound| jkt == Some(bound));
        if !is_verified || code.client_id != client_id || code.redirect_uri != get("redirect_uri") {
            return Err("invalid_grant");
        }
        code.is_spent = true;
        state.grants[grant].nonce = nonce;
        Ok(grant)
    }

    fn refresh(&self, request: &Recorded, client_id: &str, jkt: Option<&str>) -> Result<usize, &'static str> {
        let token = request.form.get("refresh_token").map_or("", String::as_str);
        let mut state = self.lock();
        let rotates = state.rotates;
        let is_lost = state.repeats && state.has_unused_successor(token);
        let refresh = state.refresh_tokens.get_mut(token).ok_or("invalid_grant")?;
        // RFC 9449 §5: a wrong key does not spend it.
        if refresh.jkt.as_deref().is_some_and(|bound| jkt != Some(bound)) {
            return Err("invalid_grant");
        }
        let (grant, was_spent) = (refresh.grant, refresh.is_spent && !is_lost);
        refresh.is_spent = rotates;
        let grant_state = &mut state.grants[grant];
        grant_state.is_revoked |= was_spent;
        if grant_state.is_revoked || grant_state.client_id != client_id {
            return Err("invalid_grant");
        }
        match request.form.get("scope") {
            Some(scope)
                if !scope.split(' ').all(|word| grant_state.scope.split(' ').any(|own| own == word)) =>
            {
                Err("invalid_scope")
            }
            _ => Ok(grant),
        }
    }

    fn device(&self, request: &Recorded, client_id: &str) -> Result<usize, &'static str> {
        let now = self.now();
        let mut state = self.lock();
        let device_code = request.form.get("device_code").map_or("", String::as_str);
        let device = state.devices.get_mut(device_code).ok_or("invalid_grant")?;
        let early = device.polled_at.is_some_and(|polled| now < polled.plus(Seconds(device.interval)));
        device.polled_at = Some(now);
        if device.client_id != client_id {
            return Err("invalid_grant");
        }
        if now >= device.ends {
            return Err("expired_token");
        }
        if early {
            device.interval += 5;
            return Err("slow_down");
        }
        let scope = device.scope.clone();
        match device.decision {
            None => Err("authorization_pending"),
            Some(false) => Err("access_denied"),
            Some(true) => {
                state.devices.remove(device_code);
                Ok(state.begin_grant(client_id, &scope, true))
            }
        }
    }

    fn issue(&self, grant: usize, request: &Recorded, jkt: Option<String>) -> HttpResponse {
        let now = self.now();
        let mut state = self.lock();
        let access_token = state.draw("access");
        let lifetime = state.access_lifetime;
        let ends = now.plus(Seconds(u64::try_from(lifetime).unwrap_or_default()));
        state
            .access_tokens
            .insert(access_token.clone(), Access { grant, ends, is_revoked: false, jkt: jkt.clone() });
        let mut body = json!({
            "access_token": access_token, "token_type": if jkt.is_some() { "DPoP" } else { "Bearer" }, "expires_in": lifetime,
            "scope": state.grants[grant].scope,
        });
        let is_refresh = request.form.get("grant_type").is_some_and(|grant| grant == "refresh_token");
        if state.grants[grant].has_person && (!is_refresh || state.rotates) {
            // RFC 9449 §5: only those of public clients are bound.
            let is_public = matches!(state.clients.get(&state.grants[grant].client_id), Some(Client::Public));
            let bound = jkt.filter(|_| is_public);
            let before = request.form.get("refresh_token");
            body["refresh_token"] = Value::from(state.next_refresh(grant, before, bound));
        }
        if state.grants[grant].scope.split(' ').any(|word| word == "openid") {
            let signed_in = *state.grants[grant].signed_in.get_or_insert(now.as_seconds());
            let mut claims = json!({
                "iss": self.issuer(), "sub": "ada", "aud": state.grants[grant].client_id, "iat": now.as_seconds(),
                "exp": now.as_seconds() + 600, "auth_time": signed_in, "email": "ada@example.com",
                "at_hash": at_hash(Algorithm::ES256, &access_token),
            });
            if let (Some(nonce), false) = (&state.grants[grant].nonce, is_refresh) {
                claims["nonce"] = Value::from(nonce.as_str());
            }
            if let (Some(change), Value::Object(members)) = (&state.alteration, &mut claims) {
                change(members);
            }
            // Claims that cannot be signed leave the token out, which the client then misses.
            let signed = jwt::sign(&state.key, "JWT", &claims).ok();
            body["id_token"] = signed.map_or(Value::Null, Value::from);
        }
        answer::json(200, &state.ways.tokens(body, is_refresh))
    }
}
