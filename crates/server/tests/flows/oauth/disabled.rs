//! Whoever loses their right loses it everywhere, at once: people, clients, grants, sessions.

use std::future::Future;
use std::pin::Pin;

use ayb_store::RevocationReason;

use crate::kit::client::Client;
use crate::kit::{Browser, Person, TestApp, Tokens};

type Blow = for<'a> fn(&'a TestApp, &'a Person, &'a Client) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

fn disable<'a>(
    app: &'a TestApp,
    person: &'a Person,
    _: &'a Client,
) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
    Box::pin(async {
        assert!(
            app.app.store.set_user_disabled(person.id, Some(app.clock.now()), app.clock.now()).await.unwrap()
        );
    })
}

fn delete<'a>(app: &'a TestApp, person: &'a Person, _: &'a Client) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
    Box::pin(async { assert!(app.app.store.delete_user(person.id).await.unwrap()) })
}

fn revoke_client<'a>(
    app: &'a TestApp,
    _: &'a Person,
    client: &'a Client,
) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
    Box::pin(async { assert!(app.app.store.revoke_client(&client.id, app.clock.now()).await.unwrap()) })
}

fn withdraw<'a>(
    app: &'a TestApp,
    person: &'a Person,
    client: &'a Client,
) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
    Box::pin(async {
        app.app.store.withdraw_consent(person.id, &client.id, app.clock.now()).await.unwrap();
    })
}

fn revoke_grants<'a>(
    app: &'a TestApp,
    person: &'a Person,
    _: &'a Client,
) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
    Box::pin(async {
        let (reason, now) = (RevocationReason::LoggedOut, app.clock.now());
        app.app.store.revoke_grants_of_user(person.id, reason, now).await.unwrap();
    })
}

/// The blow, and whether it hits the person, the client, or only what is between them.
const BLOWS: [(&str, Blow); 5] = [
    ("disabled", disable),
    ("deleted", delete),
    ("client revoked", revoke_client),
    ("consent withdrawn", withdraw),
    ("grants revoked", revoke_grants),
];

/// Somebody with everything: tokens, a code on its way, a browser.
struct Life {
    person: Person,
    client: Client,
    tokens: Tokens,
    code: String,
    browser: Browser,
}

async fn live(app: &TestApp, name: &str, format: &str, grace: u64) -> Life {
    let person = app.user(name).await;
    let client = app
        .confidential_client()
        .with(|draft| {
            draft.token_format = Some(format.to_owned());
            draft.refresh_grace_seconds = Some(grace);
        })
        .await;
    let tokens = app.tokens(&client, &person, "openid").await;
    let mut browser = app.signed_in(&person).await;
    let code = app.code_in(&mut browser, &client, "openid", &[]).await;
    Life { person, client, tokens, code, browser }
}

#[tokio::test]
async fn every_credential_dies_in_the_same_moment() {
    for app in TestApp::everywhere().await {
        for (number, (case, blow)) in BLOWS.into_iter().enumerate() {
            for (format, grace) in [("opaque", 0), ("jwt", 10)] {
                let case = format!("{} {format} {case}", app.kind);
                let life = live(&app, &format!("ada{number}{format}"), format, grace).await;
                let bystander = live(&app, &format!("eve{number}{format}"), format, grace).await;
                assert_eq!(app.userinfo(&life.tokens.access).await, 200, "{case}");
                blow(&app, &life.person, &life.client).await;
                assert_eq!(app.userinfo(&life.tokens.access).await, 401, "{case}: access token");
                let refresh = app.refresh(&life.client, life.tokens.refresh()).await;
                assert!([400, 401].contains(&refresh.status.as_u16()), "{case}: refresh token: {refresh}");
                if !case.ends_with("grants revoked") {
                    let redeemed = app.redeem(&life.client, &life.code).await;
                    assert!([400, 401].contains(&redeemed.status.as_u16()), "{case}: code: {redeemed}");
                }
                assert_eq!(app.userinfo(&bystander.tokens.access).await, 200, "{case}: somebody else");
                assert_eq!(app.redeem(&bystander.client, &bystander.code).await.status, 200, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn a_lost_answer_is_not_said_again_to_the_dead() {
    for app in TestApp::everywhere().await {
        for (number, (case, blow)) in BLOWS.into_iter().enumerate() {
            let life = live(&app, &format!("ada{number}"), "opaque", 30).await;
            let lost = Tokens::of(&app.refresh(&life.client, life.tokens.refresh()).await);
            blow(&app, &life.person, &life.client).await;
            let again = app.refresh(&life.client, life.tokens.refresh()).await;
            assert!([400, 401].contains(&again.status.as_u16()), "{case}: {again}");
            assert_eq!(app.userinfo(&lost.access).await, 401, "{case}");
        }
    }
}

#[tokio::test]
async fn a_disabled_or_deleted_person_has_no_session_and_cannot_sign_in() {
    for app in TestApp::everywhere().await {
        for (case, blow) in [("disabled", disable as Blow), ("deleted", delete as Blow)] {
            let mut life = live(&app, &format!("ada-{case}"), "opaque", 0).await;
            let session = app.session_token(&life.person).await;
            blow(&app, &life.person, &life.client).await;
            life.browser.visit(&life.client.authorize("openid", &[])).await;
            assert!(life.browser.url.starts_with("/login"), "{case}: {}", life.browser.url);
            let program = app.get(&life.client.authorize("openid", &[])).bearer(&session).accept_json().await;
            assert_eq!(program.status, 401, "{case}");
            life.browser.sign_in(&life.person).await;
            assert_eq!(life.browser.status(), 401, "{case}");
            let text = life.browser.page().text;
            assert!(
                text.contains("do not belong together"),
                "the same words as for a wrong password: {text}"
            );
        }
    }
}

#[tokio::test]
async fn an_account_that_is_enabled_again_starts_where_its_tokens_still_live() {
    let app = TestApp::start().await;
    let life = live(&app, "ada", "opaque", 0).await;
    let (store, now) = (&app.app.store, app.clock.now());
    store.set_user_disabled(life.person.id, Some(now), now).await.unwrap();
    assert_eq!(app.userinfo(&life.tokens.access).await, 401);
    store.set_user_disabled(life.person.id, None, now).await.unwrap();
    let mut browser = app.browser();
    browser.sign_in(&life.person).await;
    assert!(browser.session().is_some(), "{}", browser.reply());
}

#[tokio::test]
async fn nothing_of_a_deleted_person_stays() {
    for app in TestApp::everywhere().await {
        let life = live(&app, "ada", "opaque", 0).await;
        delete(&app, &life.person, &life.client).await;
        let id = life.person.id.to_string();
        let dump = app.dump().await;
        let lines = dump.lines().filter(|line| line.contains(&id) || line.contains("ada@example.com"));
        let left: Vec<_> = lines.filter(|line| !line.starts_with("_ayb_audit:")).collect();
        assert!(left.is_empty(), "{} {left:#?}", app.kind);
    }
}
