//! Asks the desk of the interop suite for clients, a signed-in person and lies.

use ayb_interop::{Registration, RelyingParty};
use openidconnect::core::{
    CoreErrorResponseType, CoreIdTokenClaims, CoreRequestTokenError, CoreTokenResponse,
};
use openidconnect::url::Url;
use openidconnect::{AuthType, HttpClientError, reqwest};
use serde_json::{Value, json};

pub const CALLBACK: &str = "http://localhost:9/callback";
pub const BYE: &str = "http://localhost:9/bye";
pub const SCOPES: [&str; 4] = ["profile", "email", "offline_access", "readonly"];

/// What the desk answers.
pub async fn ask(what: &str, words: Value) -> Value {
    #[expect(clippy::disallowed_methods, reason = "the suite that starts this one says where its desk is")]
    let desk = std::env::var("AYB_INTEROP_DESK")
        .expect("AYB_INTEROP_DESK; `cargo xtask test --only interop` sets it");
    let answer = reqwest::Client::new().post(format!("{desk}/{what}")).json(&words).send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The issuer called `plain` or `forged`.
pub async fn issuer(which: &str) -> String {
    ask("issuers", json!({})).await[which].as_str().unwrap().to_owned()
}

/// How a client proves itself.
#[derive(Clone, Copy, Debug)]
pub enum Method {
    Basic,
    Post,
    Public,
}

pub const METHODS: [Method; 3] = [Method::Basic, Method::Post, Method::Public];

/// A registered client and openidconnect's view of it.
pub struct Party {
    pub relying_party: RelyingParty,
    pub client_id: String,
    pub secret: Option<String>,
}

impl Party {
    /// A client of the plain issuer.
    pub async fn new(method: Method, settings: Value) -> Self {
        Self::at("plain", method, settings).await
    }

    pub async fn at(which: &str, method: Method, settings: Value) -> Self {
        let issuer = issuer(which).await;
        let registered = register(&issuer, method, settings).await;
        let secret = registered["secret"].as_str().map(str::to_owned);
        let client_id = registered["id"].as_str().unwrap().to_owned();
        let registration = registration(&client_id, secret.clone(), method);
        let relying_party = RelyingParty::discover(&issuer, registration).await.unwrap();
        Self { relying_party, client_id, secret }
    }

    pub async fn sign_in(&self) -> anyhow::Result<(CoreTokenResponse, CoreIdTokenClaims)> {
        self.sign_in_as("ada").await
    }

    pub async fn sign_in_as(&self, who: &str) -> anyhow::Result<(CoreTokenResponse, CoreIdTokenClaims)> {
        let pending = self.relying_party.begin(&SCOPES);
        let arrived = approve(&pending.address, CALLBACK, who).await;
        self.relying_party.finish(pending, &arrived).await
    }
}

pub fn registration(client_id: &str, client_secret: Option<String>, method: Method) -> Registration {
    let auth_type = match method {
        Method::Basic => AuthType::BasicAuth,
        Method::Post | Method::Public => AuthType::RequestBody,
    };
    let (client_id, redirect_uri) = (client_id.to_owned(), CALLBACK.to_owned());
    Registration { client_id, client_secret, auth_type, redirect_uri }
}

async fn register(issuer: &str, method: Method, mut settings: Value) -> Value {
    let kind = if matches!(method, Method::Public) { "public" } else { "confidential" };
    let own =
        json!({"issuer": issuer, "type": kind, "redirectUris": [CALLBACK], "postLogoutRedirectUris": [BYE]});
    settings.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    ask("client", settings).await
}

/// What the person brings back.
pub async fn approve(address: &Url, redirect_uri: &str, who: &str) -> Url {
    let words = json!({"address": address.as_str(), "redirectUri": redirect_uri, "who": who});
    ask("approve", words).await.as_str().unwrap().parse().unwrap()
}

/// The error code of the token endpoint, as the crate reads it.
pub fn code(error: &anyhow::Error) -> Option<&CoreErrorResponseType> {
    match error.downcast_ref::<CoreRequestTokenError<HttpClientError<reqwest::Error>>>()? {
        CoreRequestTokenError::ServerResponse(response) => Some(response.error()),
        _ => None,
    }
}

/// A parameter of an address.
pub fn parameter(address: &Url, name: &str) -> String {
    address.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
}

/// The address with another value of a parameter, or without it.
pub fn with(address: &Url, name: &str, value: Option<&str>) -> Url {
    let kept: Vec<_> = address.query_pairs().into_owned().filter(|(key, _)| key != name).collect();
    let mut changed = address.clone();
    changed.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(value.map(|value| (name, value)));
    changed
}
