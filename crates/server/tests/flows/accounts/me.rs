//! Who the bearer of a token is, and the end of an account.

use http::Method;
use serde_json::json;

use super::{LOGIN, ME, RESEND, Session, envelope, noted, refresh};
use crate::kit::{Client, TestApp, Tokens};

async fn machine_token(app: &TestApp, client: &Client) -> String {
    let pairs = [("grant_type", "client_credentials"), ("scope", "readonly")];
    Tokens::of(&app.token_request(client, &pairs).await).access
}

#[tokio::test]
async fn a_client_sees_of_a_person_what_its_scope_allows() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    for format in ["opaque", "jwt"] {
        let client = app
            .confidential_client()
            .with(|draft| {
                draft.token_format = Some(format.to_owned());
                draft.scopes = ["openid", "profile", "email", "readonly", "*"].map(str::to_owned).to_vec();
            })
            .await;
        for (scope, email, name) in [
            ("readonly", false, false),
            ("openid email", true, false),
            ("openid profile", false, true),
            ("openid email profile", true, true),
            ("*", true, true),
        ] {
            let token = app.tokens(&client, &ada, scope).await.access;
            let reply = app.get(ME).bearer(&token).await;
            assert_eq!(reply.status, 200, "{format} {scope} {reply}");
            let me = reply.json();
            assert_eq!(me["id"], ada.id.to_string());
            assert_eq!(
                (me.get("email").is_some(), me.get("emailVerified").is_some()),
                (email, email),
                "{scope}"
            );
            assert_eq!((me.get("name").is_some(), me.get("picture").is_some()), (name, name), "{scope}");
        }
    }
}

#[tokio::test]
async fn a_client_that_speaks_for_itself_is_nobody() {
    let app = TestApp::start().await;
    let token = machine_token(&app, &app.confidential_client().await).await;
    let (status, message) = envelope(&app.get(ME).bearer(&token).await);
    assert_eq!((status, message.as_str()), (403, "the token belongs to a client, not to a person"));
}

#[tokio::test]
async fn without_a_living_token_the_answer_is_a_challenge_in_the_envelope() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let session = Session::begin(&app, &ada).await;
    let browser = app.signed_in(&ada).await;
    let none = app.get(ME).await;
    assert_eq!(envelope(&none).0, 401);
    assert_eq!(none.header("www-authenticate"), "Bearer realm=\"ayb\"");
    let mut other_key = session.token.clone();
    other_key.truncate(other_key.len() - 4);
    for token in [
        "x",
        &session.refresh,
        browser.session().unwrap(),
        &other_key,
        &format!("{}.", session.token),
        "eyJhbGciOiJub25lIn0.e30.",
    ] {
        let reply = app.get(ME).bearer(token).await;
        assert_eq!(envelope(&reply).0, 401, "{token}");
        assert!(reply.header("www-authenticate").contains("error=\"invalid_token\""), "{reply}");
    }
    for reply in [
        app.get(&format!("{ME}?access_token={}", session.token)).await,
        app.get(ME).header("cookie", browser.cookie_header()).await,
    ] {
        assert_eq!(reply.status, 401, "neither the query nor a cookie is a credential here");
    }
    let basic = app.get(ME).basic("ada", "x").await;
    assert_eq!(envelope(&basic).0, 401);
    assert_eq!(basic.header("www-authenticate"), "Bearer realm=\"ayb\"", "RFC 6750 §3.1: no error code");
}

#[tokio::test]
async fn a_session_token_opens_no_oauth_door() {
    let app = TestApp::start().await;
    let session = Session::begin(&app, &app.user("ada").await).await;
    assert_eq!(app.userinfo(&session.token).await, 403);
}

#[tokio::test]
async fn deleting_an_account_leaves_nothing_of_the_person() {
    for app in TestApp::everywhere().await {
        let (ada, bob) = (app.user("ada").await, app.user("bob").await);
        let client = app.confidential_client().owned_by(&ada).await;
        let (of_ada, of_bob) =
            (app.tokens(&client, &ada, "openid readonly").await, app.tokens(&client, &bob, "openid").await);
        let unused = app.authorize_code(&client, &ada, "openid readonly").await;
        let browser = app.signed_in(&ada).await;
        let (session, other) = (Session::begin(&app, &ada).await, Session::begin(&app, &ada).await);

        let reply = app.request(Method::DELETE, ME).bearer(&session.token).await;
        assert_eq!((reply.status.as_u16(), reply.text().as_str()), (204, ""), "{}", app.kind);
        for (what, status) in [
            ("its session", session.me(&app).await),
            ("another session", other.me(&app).await),
            ("a refresh", refresh(&app, &other.refresh).await.status.as_u16()),
            ("an access token", app.userinfo(&of_ada.access).await),
        ] {
            assert_eq!(status, 401, "{what}");
        }
        assert_eq!(app.redeem(&client, &unused).await.verdict(), (400, "invalid_grant".to_owned()));
        let mut browser = browser;
        assert!(browser.visit("/account").await.page().by_id("login-submit").is_some());
        assert_eq!(app.userinfo(&of_bob.access).await, 200, "another person keeps everything");

        assert_eq!(noted(&app, "account_deleted").await.len(), 1);
        let dump = app.dump().await;
        let (id, bare) = (ada.id.to_string(), ada.id.0.simple().to_string());
        for line in dump.lines().filter(|line| !line.starts_with("_ayb_audit")) {
            assert!(![&id, &bare, &ada.email].iter().any(|trace| line.contains(*trace)), "{line}");
        }
    }
}

#[tokio::test]
async fn a_client_cannot_delete_an_account_or_have_mail_sent() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().with(|draft| draft.scopes = vec!["*".to_owned()]).await;
    let token = app.tokens(&client, &ada, "*").await.access;
    for (method, path) in [(Method::DELETE, ME), (Method::POST, RESEND)] {
        assert_eq!(envelope(&app.request(method.clone(), path).bearer(&token).await).0, 403, "{path}");
        assert_eq!(envelope(&app.request(method, path).await).0, 401, "{path}");
    }
    let login = app.post(LOGIN).json(&json!({"email": ada.email, "password": ada.password}));
    assert_eq!(login.await.status, 200, "the account is still there");
}
