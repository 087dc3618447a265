//! A server remembers the clients that ask it for tokens. What another server changed counts at once all the same.

use ayb_protocol::scope::RegisteredScopes;
use ayb_provider::client::SigningAlg;

use crate::kit::client::{Client, Tokens};
use crate::kit::{Call, TestApp};

fn machine(app: &TestApp, client: &Client) -> Call {
    app.token_request(client, &[("grant_type", "client_credentials"), ("scope", "readonly")])
}

async fn status(call: Call) -> (u16, String) {
    let reply = call.await;
    (reply.status.as_u16(), reply.json()["error"].as_str().unwrap_or_default().to_owned())
}

fn ok() -> (u16, String) {
    (200, String::new())
}

fn invalid_client() -> (u16, String) {
    (401, "invalid_client".to_owned())
}

#[tokio::test]
async fn a_new_secret_and_a_revocation_elsewhere_count_at_once() {
    for app in TestApp::everywhere().await {
        let (elsewhere, client) = (app.twin(|_| {}).await, app.confidential_client().await);
        assert_eq!(status(machine(&app, &client)).await, ok(), "remembered from here on");
        let fresh = app.app.mint.client_secret().unwrap();
        let store = &elsewhere.app.store;
        store.replace_client_secret(&client.id, fresh.hash(), None, app.app.clock.now()).await.unwrap();
        assert_eq!(status(machine(&app, &client)).await, invalid_client(), "{}", app.kind);
        let renewed = Client { secret: Some(fresh.expose().to_owned()), ..client.clone() };
        assert_eq!(status(machine(&app, &renewed)).await, ok());
        assert_eq!(status(machine(&app, &client)).await, invalid_client(), "the old one stays dead");
        assert!(store.revoke_client(&client.id, app.app.clock.now()).await.unwrap());
        assert_eq!(status(machine(&app, &renewed)).await, invalid_client());
    }
}

#[tokio::test]
async fn settings_changed_elsewhere_hold_for_the_next_token_of_every_kind() {
    for app in TestApp::everywhere().await {
        let (elsewhere, ada) = (app.twin(|_| {}).await, app.user("ada").await);
        let client = app.confidential_client().await;
        let first = app.tokens(&client, &ada, "openid").await;
        let code = app.authorize_code(&client, &ada, "openid").await;
        let store = &elsewhere.app.store;
        let mut settings = store.client(&client.id).await.unwrap().unwrap().settings;
        settings.signing_alg = SigningAlg::EdDSA;
        settings.refresh_tokens = false;
        store.update_client(&client.id, &settings, app.app.clock.now()).await.unwrap();
        let redeemed = app.redeem(&client, &code).await.json();
        assert_eq!(redeemed["refresh_token"], serde_json::Value::Null, "{}", app.kind);

        let refused = app.refresh(&client, first.refresh()).await;
        assert_eq!(refused.verdict(), (400, "unauthorized_client".to_owned()), "{}", app.kind);

        settings.signing_alg = SigningAlg::ES256;
        settings.refresh_tokens = true;
        store.update_client(&client.id, &settings, app.app.clock.now()).await.unwrap();
        let second = Tokens::of(&app.refresh(&client, first.refresh()).await);
        let header = second.id_token.as_deref().unwrap().split('.').next().unwrap().to_owned();
        let header = ayb_protocol::jose::base64url::decode(&header).unwrap();
        assert!(String::from_utf8(header).unwrap().contains("ES256"), "{}", app.kind);

        store.revoke_client(&client.id, app.app.clock.now()).await.unwrap();
        let refused = app.refresh(&client, second.refresh()).await;
        assert_eq!(refused.verdict(), (401, "invalid_client".to_owned()));
    }
}

#[tokio::test]
async fn nobody_is_refused_because_of_what_a_client_was() {
    for app in TestApp::everywhere().await {
        let elsewhere = app.twin(|_| {}).await;
        let narrow =
            |draft: &mut ayb_provider::register::ClientDraft| draft.scopes = vec!["readonly".to_owned()];
        let client = app.confidential_client().with(narrow).await;
        let store = &elsewhere.app.store;
        let wider = || {
            let pairs = [("grant_type", "client_credentials"), ("scope", "readwrite")];
            app.token_request(&client, &pairs)
        };
        assert_eq!(status(machine(&app, &client)).await, ok(), "remembered from here on");
        assert_eq!(status(wider()).await, (400, "invalid_scope".to_owned()));
        let mut settings = store.client(&client.id).await.unwrap().unwrap().settings;
        settings.scopes = RegisteredScopes::parse(&["readonly", "readwrite"]).unwrap();
        store.update_client(&client.id, &settings, app.app.clock.now()).await.unwrap();
        assert_eq!(status(wider()).await, ok(), "{}", app.kind);

        store.revoke_client(&client.id, app.app.clock.now()).await.unwrap();
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", "unknown")];
        assert_eq!(status(app.token_request(&client, &pairs)).await, invalid_client(), "not invalid_grant");
    }
}

#[tokio::test]
async fn an_authorization_request_sees_what_changed_elsewhere() {
    for app in TestApp::everywhere().await {
        let (elsewhere, ada) = (app.twin(|_| {}).await, app.user("ada").await);
        let client = app.confidential_client().await;
        let mut browser = app.signed_in(&ada).await;
        app.code_in(&mut browser, &client, "openid readonly", &[]).await;
        app.code_in(&mut browser, &client, "openid readonly", &[]).await;

        let store = &elsewhere.app.store;
        let mut settings = store.client(&client.id).await.unwrap().unwrap().settings;
        settings.scopes = RegisteredScopes::parse(&["openid"]).unwrap();
        store.update_client(&client.id, &settings, app.app.clock.now()).await.unwrap();
        browser.visit(&client.authorize("openid readonly", &[])).await;
        assert_eq!(browser.answer().get("error"), "invalid_scope", "{}", app.kind);
        assert_eq!(browser.answer().get("code"), "");

        settings.scopes = RegisteredScopes::parse(&["openid", "readonly", "readwrite"]).unwrap();
        store.update_client(&client.id, &settings, app.app.clock.now()).await.unwrap();
        app.code_in(&mut browser, &client, "openid readwrite", &[]).await;

        store.revoke_client(&client.id, app.app.clock.now()).await.unwrap();
        browser.visit(&client.authorize("openid readonly", &[])).await;
        assert!(browser.away.is_none(), "a revoked client is not answered by redirect");
        assert_eq!(browser.status(), 400, "{}", app.kind);
    }
}
