//! Dynamic client registration (RFC 7591) and its management (RFC 7592).

use std::sync::Arc;

use ayb_primitives::logging::Level;
use ayb_protocol::answer::{Answer, AnswerError, Reading, RegistrationAnswer, Strictness};
use ayb_protocol::jose::KeySet;
use ayb_protocol::time::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use crate::Endpoint;
use crate::config::{ClientAuthMethod, ClientCredentials, JwsSigner, may_be_asked, may_be_led_to};
use crate::core::Core;
use crate::error::{ConfigurationError, NetworkError, OAuth2Error};
use crate::http::{HttpRequest, Method};
use crate::resilience::{Call, Kind, Plain};
use crate::types::{ClientMetadata, ClientRegistration, RegisteredClient};

impl Core {
    /// Registers a client. Never repeated when the server may have acted: there would be two clients.
    pub(crate) async fn register(
        &self,
        wanted: &ClientRegistration,
    ) -> Result<RegisteredClient, OAuth2Error> {
        let mut metadata = wanted.metadata.clone();
        if let (Some(key), None, None) = (&wanted.key, &metadata.jwks, &metadata.jwks_uri) {
            metadata.jwks = Some(KeySet::new(vec![key.public_jwk()]));
        }
        metadata.check()?;
        let url = self.config.provider.endpoint(Endpoint::Registration)?.clone();
        let body = text(&metadata)?;
        let request = request(Method::Post, &url, wanted.initial_access_token.as_ref(), Some(body));
        let answer = self.ask_registration(Kind::Register, request).await?;
        let key = wanted.key.clone().map(|key| key as Arc<dyn JwsSigner>);
        Ok(self.registered(answer, key, &url, None))
    }

    /// Reads a registration (RFC 7592 §2.1).
    pub(crate) async fn read_registration(
        &self,
        client: &RegisteredClient,
    ) -> Result<RegisteredClient, OAuth2Error> {
        let (url, token) = management(client)?;
        // The answer may bring a new token in place of the one that was sent, so even reading is not harmless.
        let answer =
            self.ask_registration(Kind::Register, request(Method::Get, url, Some(token), None)).await?;
        self.same_client(answer, client, url)
    }

    /// Replaces what is registered (RFC 7592 §2.2).
    pub(crate) async fn update_registration(
        &self,
        client: &RegisteredClient,
        metadata: &ClientMetadata,
    ) -> Result<RegisteredClient, OAuth2Error> {
        metadata.check()?;
        let (url, token) = management(client)?;
        let failed = ConfigurationError::Invalid("the metadata cannot be written");
        let mut body = serde_json::to_value(metadata).map_err(|_| failed)?;
        body["client_id"] = json!(client.credentials.client_id);
        if let Some(secret) = &client.credentials.client_secret {
            body["client_secret"] = json!(secret.expose_secret());
        }
        let body = text(&body)?;
        let request = request(Method::Put, url, Some(token), Some(body));
        let answer = self.ask_registration(Kind::Register, request).await?;
        self.same_client(answer, client, url)
    }

    /// Deletes a registration (RFC 7592 §2.3).
    pub(crate) async fn delete_registration(&self, client: &RegisteredClient) -> Result<(), OAuth2Error> {
        let (url, token) = management(client)?;
        let span = self.tracer.span("oauth2.client_registration");
        let request = Plain(request(Method::Delete, url, Some(token), None));
        self.call(&call(Kind::Register, &*span), request, deleted).await.map(drop)
    }

    async fn ask_registration(
        &self,
        kind: Kind,
        request: HttpRequest,
    ) -> Result<RegistrationAnswer, OAuth2Error> {
        let span = self.tracer.span("oauth2.client_registration");
        let strictness = self.config.strictness;
        let read = |answer: Answer<'_>| RegistrationAnswer::read(answer, strictness);
        Ok(self.call(&call(kind, &*span), Plain(request), read).await?.value)
    }

    fn same_client(
        &self,
        answer: RegistrationAnswer,
        client: &RegisteredClient,
        url: &Url,
    ) -> Result<RegisteredClient, OAuth2Error> {
        if answer.client_id != client.credentials.client_id {
            let reason = "it is about another client".to_owned();
            return Err(NetworkError::UnusableAnswer { endpoint: Endpoint::Registration, reason }.into());
        }
        Ok(self.registered(answer, client.credentials.key.clone(), url, Some(client)))
    }

    /// The client of an answer. It exists by now, so whatever is odd about it is no reason to lose it.
    fn registered(
        &self,
        answer: RegistrationAnswer,
        key: Option<Arc<dyn JwsSigner>>,
        from: &Url,
        before: Option<&RegisteredClient>,
    ) -> RegisteredClient {
        let secret = |text: Zeroizing<String>| SecretString::from(text.as_str());
        let mut members = answer.metadata;
        members.retain(|_, value| !value.is_null());
        // What cannot be read as it should be is kept as it is.
        let metadata = serde_json::from_value(Value::Object(members.clone()));
        let metadata =
            metadata.unwrap_or_else(|_| ClientMetadata { extra: members, ..ClientMetadata::default() });
        // RFC 7592 §3: what an answer does not repeat goes on.
        let client_secret =
            answer.client_secret.map(secret).or_else(|| before?.credentials.client_secret.clone());
        let is_public = client_secret.is_none() && key.is_none();
        let named = metadata.token_endpoint_auth_method.as_deref();
        let auth_method = named.and_then(ClientAuthMethod::parse);
        let by_default = if is_public { ClientAuthMethod::None } else { ClientAuthMethod::Auto };
        let address = answer.registration_client_uri.as_deref().map(|text| self.own_address(text, from));
        RegisteredClient {
            credentials: ClientCredentials {
                client_secret,
                key,
                auth_method: auth_method.unwrap_or(by_default),
                ..ClientCredentials::public(answer.client_id)
            },
            issued_at: answer.client_id_issued_at.map(Timestamp::from_seconds),
            secret_expires_at: match answer.client_secret_expires_at {
                None => before.and_then(|before| before.secret_expires_at),
                Some(0) => None,
                Some(end) => Some(Timestamp::from_seconds(end)),
            },
            registration_access_token: answer
                .registration_access_token
                .map(secret)
                .or_else(|| before?.registration_access_token.clone()),
            registration_client_uri: address.unwrap_or_else(|| before?.registration_client_uri.clone()),
            metadata,
        }
    }

    /// Where the registration is managed, if requests may go there.
    fn own_address(&self, text: &str, from: &Url) -> Option<Url> {
        let address =
            Url::parse(text).ok().filter(|url| may_be_led_to(Endpoint::Registration, url, from).is_ok());
        if address.is_none() {
            let message = "the address of the registration may not be used and is left out";
            self.log(Level::Warn, message, "client_registration", &[]);
        }
        address
    }
}

fn management(client: &RegisteredClient) -> Result<(&Url, &SecretString), OAuth2Error> {
    let missing = ConfigurationError::Invalid("the provider gave nothing to manage the registration with");
    let (Some(url), Some(token)) = (&client.registration_client_uri, &client.registration_access_token)
    else {
        return Err(missing.into());
    };
    may_be_asked(Endpoint::Registration, url)?;
    Ok((url, token))
}

const fn call(kind: Kind, span: &dyn ayb_primitives::tracing::Span) -> Call<'_> {
    Call {
        endpoint: Endpoint::Registration,
        kind,
        asked: "client_registration",
        span,
        parse_span: "oauth2.registration_parse",
    }
}

fn request(
    method: Method,
    url: &Url,
    token: Option<&SecretString>,
    body: Option<Zeroizing<String>>,
) -> HttpRequest {
    let mut headers = vec![("accept", Zeroizing::new("application/json".to_owned()))];
    if body.is_some() {
        headers.push(("content-type", Zeroizing::new("application/json".to_owned())));
    }
    if let Some(token) = token {
        headers.push(("authorization", Zeroizing::new(format!("Bearer {}", token.expose_secret()))));
    }
    HttpRequest { method, url: url.clone(), headers, body }
}

fn text(body: &impl serde::Serialize) -> Result<Zeroizing<String>, OAuth2Error> {
    let failed = |_| ConfigurationError::Invalid("the metadata cannot be written");
    Ok(serde_json::to_string(body).map(Zeroizing::new).map_err(failed)?)
}

/// RFC 7592 §2.3: 204, without a body.
fn deleted(answer: Answer<'_>) -> Result<Reading<()>, AnswerError> {
    if (200..300).contains(&answer.status) {
        return Ok(Reading { value: (), deviations: Vec::new() });
    }
    match RegistrationAnswer::read(answer, Strictness::Lenient) {
        Err(error) => Err(error),
        Ok(_) => Err(AnswerError::Status(answer.status)),
    }
}
