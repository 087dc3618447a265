//! Nobody is the administrator without the password, and nobody guesses it quickly.

use std::net::{IpAddr, Ipv4Addr};

use ayb_server::admin::{password, sessions};
use ayb_server::config::SecretText;
use ayb_server::http::client_ip::ClientIp;
use ayb_server::password::PasswordHash;
use serde_json::json;
use zeroize::Zeroizing;

use super::{Desk, USERS, refusal};
use crate::kit::time::{hours, minutes, seconds};
use crate::kit::{Reply, TestApp};

const AUTH: &str = "/api/admin/auth";
const PASSWORD: &str = "/api/admin/password";

async fn sign_in(app: &TestApp, password: &str) -> Reply {
    app.post(AUTH).json(&json!({"password": password})).await
}

async fn opens(app: &TestApp, token: &str) -> bool {
    app.get(USERS).bearer(token).await.status == 200
}

#[tokio::test]
async fn the_first_start_makes_a_password_and_tells_it_once() {
    for app in TestApp::everywhere().await {
        let made = password::ensure(&app.app).await.unwrap().unwrap();
        assert!(made.len() >= 20, "at least 80 bits");
        assert!(password::ensure(&app.app).await.unwrap().is_none());
        assert!(!app.dump().await.contains(made.as_str()), "only its hash is stored");
        let reply = sign_in(&app, &made).await;
        assert_eq!(reply.status, 200, "{reply}");
        assert_eq!(reply.header("cache-control"), "no-store");
        let token = reply.member("token");
        assert!(token.starts_with("ayb_adm_"), "{token}");
        assert!(!app.dump().await.contains(&token), "only its hash is stored");
        assert!(opens(&app, &token).await);
    }
}

#[tokio::test]
async fn two_servers_that_start_together_agree_on_one_password() {
    for app in TestApp::everywhere().await {
        let twin = app.twin(|_| {}).await;
        let (one, other) = tokio::join!(password::ensure(&app.app), password::ensure(&twin.app));
        let made: Vec<_> = [one.unwrap(), other.unwrap()].into_iter().flatten().collect();
        assert_eq!(made.len(), 1, "{}", app.kind);
        assert_eq!(sign_in(&twin, &made[0]).await.status, 200);
    }
}

#[tokio::test]
async fn administration_is_closed_while_there_is_no_password() {
    let app = TestApp::start().await;
    for guess in ["", "admin", "password"] {
        assert_eq!(sign_in(&app, guess).await.status, 401, "{guess:?}");
    }
    assert_eq!(app.get("/api/admin/status").await.json(), json!({"auth": true}));
    assert_eq!(app.get(USERS).await.status, 401);
}

#[tokio::test]
async fn a_wrong_password_gets_a_challenge_and_no_token() {
    let app = TestApp::start().await;
    let made = password::ensure(&app.app).await.unwrap().unwrap();
    for wrong in ["", "wrong", &made.to_uppercase(), &format!("{} ", made.as_str()), &"x".repeat(5000)] {
        let reply = sign_in(&app, wrong).await;
        assert_eq!(refusal(&reply), (401, String::new()), "{wrong:?}");
        assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"ayb\"");
        assert!(!reply.text().contains("token"), "{reply}");
    }
    for (body, status) in
        [("{}", 422), (r#"{"password": 1}"#, 422), (r#"{"password":"x","user":"y"}"#, 422), ("", 400)]
    {
        assert_eq!(app.post(AUTH).body("application/json", body).await.status, status, "{body}");
    }
    assert_eq!(
        app.post(AUTH).form(&[("password", &made)]).await.status,
        415,
        "no form of another site signs in"
    );
}

#[tokio::test]
async fn guessing_is_slowed_down_by_address_and_says_until_when() {
    let app = TestApp::with(|config| config.admin.login_rate_limit = 3).await;
    let made = password::ensure(&app.app).await.unwrap().unwrap();
    for left in ["2", "1", "0"] {
        let reply = sign_in(&app, "wrong").await;
        assert_eq!(reply.status, 401);
        assert_eq!((reply.header("x-ratelimit-limit"), reply.header("x-ratelimit-remaining")), ("3", left));
    }
    let limited = sign_in(&app, &made).await;
    assert_eq!(limited.status, 429, "{limited}");
    assert_eq!(limited.header("retry-after"), "20");
    assert_eq!(limited.header("x-ratelimit-remaining"), "0");
    let elsewhere = app.post(AUTH).json(&json!({"password": made.as_str()})).from("203.0.113.9").await;
    assert_eq!(elsewhere.status, 200, "another address is not locked out");
    app.travel(seconds(20));
    assert_eq!(sign_in(&app, &made).await.status, 200);
}

#[tokio::test]
async fn a_session_ends_by_signing_out_and_by_itself_after_twelve_hours() {
    for app in TestApp::everywhere().await {
        let (one, other) = (Desk::at(&app).await, Desk::at(&app).await);
        let reply = one.delete(AUTH).await;
        assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (204, "no-store"));
        assert!(!opens(&app, &one.token).await);
        assert!(opens(&app, &other.token).await, "signing out ends one session only");
        app.travel(hours(12));
        assert!(!opens(&app, &other.token).await);
    }
}

#[tokio::test]
async fn a_new_password_ends_every_session_of_the_administrator() {
    for app in TestApp::everywhere().await {
        let made = password::ensure(&app.app).await.unwrap().unwrap();
        let (desk, other) = (Desk::at(&app).await, Desk::at(&app).await);
        let change = |current: &str, new: &str| json!({"currentPassword": current, "newPassword": new});
        for (current, new, field) in [
            ("wrong", "a new password", "currentPassword"),
            (made.as_str(), "7 chars", "newPassword"),
            (made.as_str(), "", "newPassword"),
            (made.as_str(), &"x".repeat(1025), "newPassword"),
        ] {
            assert_eq!(refusal(&desk.put(PASSWORD, &change(current, new)).await), (400, field.to_owned()));
        }
        assert_eq!(
            app.request(http::Method::PUT, PASSWORD).json(&change(&made, "a new password")).await.status,
            401
        );
        assert!(opens(&app, &other.token).await, "a refused change changes nothing");
        let reply = desk.put(PASSWORD, &change(&made, "a new password")).await;
        assert_eq!(reply.status, 204, "{reply}");
        assert!(!opens(&app, &desk.token).await && !opens(&app, &other.token).await);
        assert_eq!(sign_in(&app, &made).await.status, 401);
        assert_eq!(sign_in(&app, "a new password").await.status, 200);
    }
}

#[tokio::test]
async fn a_password_that_is_reset_while_it_is_verified_opens_and_changes_nothing() {
    for app in TestApp::everywhere().await {
        let made = password::ensure(&app.app).await.unwrap().unwrap();
        let now = app.clock.now();
        let begin = async |verified: &PasswordHash| {
            let origin = sessions::Origin { ip: ClientIp(IpAddr::V4(Ipv4Addr::LOCALHOST)), user_agent: None };
            sessions::begin_verified(&app.app, verified, origin, now).await.unwrap()
        };
        let change = async |verified: &PasswordHash, new: &str| {
            password::replace(&app.app, verified, Zeroizing::new(new.to_owned()), now).await.unwrap()
        };
        let verified = password::verify(&app.app, made).await.unwrap().unwrap();
        let reset = Zeroizing::new("the reset password".to_owned());
        password::reset(&app.app.store, &app.app.passwords, reset.clone(), now).await.unwrap();
        assert!(begin(&verified).await.is_none(), "{}", app.kind);
        assert!(!change(&verified, "a new password").await, "{}", app.kind);
        assert_eq!(sign_in(&app, &reset).await.status, 200);

        let verified = password::verify(&app.app, reset).await.unwrap().unwrap();
        let token = begin(&verified).await.unwrap();
        assert!(opens(&app, token.expose()).await);
        assert!(change(&verified, "a new password").await);
        assert!(!opens(&app, token.expose()).await);
    }
}

#[tokio::test]
async fn a_stolen_token_does_not_guess_the_password_faster() {
    let app = TestApp::with(|config| config.admin.login_rate_limit = 2).await;
    let desk = Desk::at(&app).await;
    let guess = json!({"currentPassword": "guess", "newPassword": "a new password"});
    let statuses = [
        desk.put(PASSWORD, &guess).await,
        desk.put(PASSWORD, &guess).await,
        desk.put(PASSWORD, &guess).await,
    ];
    assert_eq!(statuses.map(|reply| reply.status.as_u16()), [400, 400, 429]);
}

#[tokio::test]
async fn the_configured_password_is_the_password() {
    for app in TestApp::everywhere().await {
        let made = password::ensure(&app.app).await.unwrap().unwrap();
        let configured = |text: &'static str| {
            app.twin(move |config| config.admin.password = Some(SecretText::new(text.to_owned())))
        };
        let old = Desk::at(&app).await;
        let first = configured("opensesame").await;
        assert!(password::ensure(&first.app).await.unwrap().is_none());
        assert!(!opens(&app, &old.token).await, "a session of the old password is over");
        assert_eq!(sign_in(&first, &made).await.status, 401);
        let token = sign_in(&first, "opensesame").await.member("token");
        password::ensure(&first.app).await.unwrap();
        assert!(opens(&first, &token).await, "a restart with the same password ends nothing");
        let reply = Desk::at(&first).await;
        let reply = reply
            .put(PASSWORD, &json!({"currentPassword": "opensesame", "newPassword": "another one"}))
            .await;
        assert_eq!(reply.status, 409, "the configuration says what the password is");
        let second = configured("another one").await;
        password::ensure(&second.app).await.unwrap();
        assert!(!opens(&second, &token).await);
        assert_eq!(sign_in(&first, "opensesame").await.status, 401, "the later start replaced it everywhere");
        assert_eq!(sign_in(&second, "another one").await.status, 200);
    }
}

#[tokio::test]
async fn the_command_line_of_this_machine_finds_a_token_that_works() {
    let app = TestApp::start().await;
    let folder = &app.app.config.server.data_dir;
    std::fs::create_dir_all(folder).unwrap();
    let token = || std::fs::read_to_string(folder.join("admin-token")).unwrap().trim().to_owned();
    sessions::write_local_token(&app.app).await.unwrap();
    let first = token();
    assert!(opens(&app, &first).await);
    app.travel(minutes(60));
    sessions::write_local_token(&app.app).await.unwrap();
    assert_ne!(token(), first);
    assert!(opens(&app, &first).await, "a command that read the earlier file goes on");

    let made = password::ensure(&app.app).await.unwrap().unwrap();
    let desk = Desk::at(&app).await;
    let body = json!({"currentPassword": made.as_str(), "newPassword": "a new password"});
    assert_eq!(desk.put(PASSWORD, &body).await.status, 204);
    assert!(!opens(&app, &first).await);
    assert!(opens(&app, &token()).await, "the command line of this machine goes on working");
}
