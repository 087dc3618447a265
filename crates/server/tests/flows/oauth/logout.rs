//! Signing out (OpenID Connect RP-Initiated Logout 1.0).

use crate::kit::client::Client;
use crate::kit::time::days;
use crate::kit::{Browser, Person, TestApp, Tokens};

/// Where a client wants people to go after logging out.
pub(super) const AFTER: &str = "https://app.example/after";

/// A person who is signed in at a client that has tokens of theirs.
pub(super) struct Scene {
    pub(super) app: TestApp,
    pub(super) ada: Person,
    pub(super) client: Client,
    pub(super) browser: Browser,
    pub(super) tokens: Tokens,
}

pub(super) async fn scenes(scope: &str) -> Vec<Scene> {
    let mut scenes = Vec::new();
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app
            .confidential_client()
            .with(|draft| draft.post_logout_redirect_uris = vec![AFTER.into()])
            .await;
        let mut browser = app.signed_in(&ada).await;
        let code = app.code_in(&mut browser, &client, scope, &[]).await;
        let tokens = Tokens::of(&app.redeem(&client, &code).await);
        scenes.push(Scene { app, ada, client, browser, tokens });
    }
    scenes
}

fn address(pairs: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("/oauth/logout?{query}")
}

async fn is_signed_in(scene: &Scene) -> bool {
    let mut browser = scene.browser.clone();
    browser.visit(&scene.client.authorize("openid", &[("prompt", "none")])).await;
    browser.answer().get("error") != "login_required"
}

#[tokio::test]
async fn a_hint_of_this_very_session_signs_out_without_a_question() {
    for mut scene in scenes("openid").await {
        scene.app.travel(days(2));
        let hint = scene.tokens.id_token.clone().unwrap();
        let pairs =
            [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", AFTER), ("state", "a b&c")];
        let before = scene.browser.clone();
        scene.browser.visit(&address(&pairs)).await;
        assert_eq!(scene.browser.away.as_deref(), Some("https://app.example/after?state=a+b%26c"));
        assert!(scene.browser.session().is_none(), "the cookie is gone");
        scene.browser = before;
        assert!(!is_signed_in(&scene).await, "and so is the session behind it");
        let trail = "select client_id from _ayb_audit where event = 'session_ended'";
        let trail = scene.app.eventually(trail).await;
        assert_eq!(trail[0][0].as_deref(), Some(scene.client.id.as_str()));
    }
}

#[tokio::test]
async fn whoever_cannot_prove_the_session_makes_the_person_confirm() {
    for mut scene in scenes("openid").await {
        let eve = scene.app.user("eve").await;
        let eves = scene.app.tokens(&scene.client, &eve, "openid").await.id_token.unwrap();
        let earlier = scene.app.tokens(&scene.client, &scene.ada, "openid").await.id_token.unwrap();
        let hint = scene.tokens.id_token.clone().unwrap();
        let broken = format!("{}x", &hint[..hint.len() - 1]);
        for pairs in [
            &[][..],
            &[("client_id", scene.client.client_id.as_str())],
            &[("id_token_hint", "noise")],
            &[("id_token_hint", broken.as_str())],
            &[("id_token_hint", scene.tokens.access.as_str())],
            &[("id_token_hint", eves.as_str())],
            &[("id_token_hint", earlier.as_str())],
            &[("confirmed", "1")],
        ] {
            scene.browser.visit(&address(pairs)).await;
            assert!(
                scene.browser.page().by_id("logout-confirm").is_some(),
                "{pairs:?}: {}",
                scene.browser.reply()
            );
            assert!(is_signed_in(&scene).await, "{pairs:?}");
        }
        scene.browser.visit(&address(&[])).await.submit("logout-confirm").await;
        assert!(scene.browser.page().by_id("logged-out").is_some(), "{}", scene.browser.reply());
        assert!(!is_signed_in(&scene).await);
    }
}

#[tokio::test]
async fn a_logout_leads_to_registered_addresses_only() {
    for mut scene in scenes("openid").await {
        let hint = scene.tokens.id_token.clone().unwrap();
        let other = scene.app.confidential_client().await;
        let with_hint =
            |to: &'static str| vec![("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", to)];
        let mut cases = [
            "https://evil.example",
            "https://app.example/after/",
            "https://app.example/after?x=1",
            "https://app.example/callback",
            "//evil.example",
            "javascript:alert(1)",
        ]
        .map(with_hint)
        .to_vec();
        cases.push(vec![("post_logout_redirect_uri", AFTER)]);
        cases.push(vec![("client_id", &other.client_id), ("post_logout_redirect_uri", AFTER)]);
        cases.push(vec![("client_id", &other.client_id), ("id_token_hint", &hint)]);
        cases.push(vec![("state", "a"), ("state", "b")]);
        for pairs in cases {
            scene.browser.visit(&address(&pairs)).await;
            assert!(scene.browser.away.is_none(), "{pairs:?}: {:?}", scene.browser.away);
            assert_eq!(scene.browser.page().text_of("error-code"), "invalid_request", "{pairs:?}");
            assert!(is_signed_in(&scene).await, "{pairs:?}");
        }
        let named = [("client_id", scene.client.client_id.as_str()), ("post_logout_redirect_uri", AFTER)];
        scene.browser.visit(&address(&named)).await;
        assert!(scene.browser.page().text.contains("Trailbook Web"), "{}", scene.browser.page().text);
        scene.browser.submit("logout-confirm").await;
        assert_eq!(scene.browser.away.as_deref(), Some(AFTER));
    }
}

#[tokio::test]
async fn the_confirmation_is_a_form_of_this_very_session() {
    for mut scene in scenes("openid").await {
        let mut other = scene.app.browser();
        other.sign_in(&scene.ada).await;
        other.visit("/oauth/logout").await;
        let foreign = other.form_of("logout-confirm").1;
        let token = foreign.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
        for csrf in ["", "noise", token.as_str()] {
            for path in ["/oauth/logout", "/logout"] {
                scene.browser.post(path, &[("csrf", csrf), ("confirmed", "1")]).await;
                assert!(is_signed_in(&scene).await, "{csrf}");
            }
        }
        scene.browser.post("/oauth/logout", &[]).await;
        assert!(scene.browser.page().by_id("logout-confirm").is_some(), "a client may post its request");
    }
}

#[tokio::test]
async fn a_logout_of_a_client_ends_its_access_but_not_what_was_meant_to_outlast_it() {
    for (scope, alive) in [("openid", 401), ("openid offline_access", 200)] {
        for mut scene in scenes(scope).await {
            let hint = scene.tokens.id_token.clone().unwrap();
            scene.browser.visit(&address(&[("id_token_hint", &hint)])).await;
            assert!(scene.browser.page().by_id("logged-out").is_some());
            assert_eq!(scene.app.userinfo(&scene.tokens.access).await, alive, "{scope}");
            let refresh = scene.app.refresh(&scene.client, scene.tokens.refresh()).await.status.as_u16();
            assert_eq!(refresh, if alive == 200 { 200 } else { 400 }, "{scope}");
        }
    }
}

#[tokio::test]
async fn a_stranger_is_signed_out_already() {
    let app = TestApp::start().await;
    let client =
        app.confidential_client().with(|draft| draft.post_logout_redirect_uris = vec![AFTER.into()]).await;
    let mut browser = app.browser();
    browser.visit("/oauth/logout").await;
    assert!(browser.page().by_id("logged-out").is_some());
    browser.visit(&address(&[("client_id", &client.client_id), ("post_logout_redirect_uri", AFTER)])).await;
    assert_eq!(browser.away.as_deref(), Some(AFTER));
}
