//! Staying signed in: rotation, replay, and what ends a session.

use ayb_server::config::SecretText;
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};

use super::{LOGOUT, REFRESH, Session, envelope, login, logout, noted, refresh};
use crate::kit::TestApp;
use crate::kit::time::{days, seconds};

#[tokio::test]
async fn a_refresh_token_is_exchanged_for_the_next() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let first = Session::begin(&app, &ada).await;
        let reply = refresh(&app, &first.refresh).await;
        let second = Session::of(&reply);
        assert_eq!(reply.json()["user"]["email"], ada.email);
        assert_ne!(first.refresh, second.refresh);
        assert_eq!((first.me(&app).await, second.me(&app).await), (200, 200), "{}", app.kind);
        let third = Session::of(&refresh(&app, &second.refresh).await);
        assert_eq!(third.me(&app).await, 200);
    }
}

#[tokio::test]
async fn the_session_token_is_an_hs256_jwt_under_the_configured_secret() {
    let secret = "a secret for session tokens, of this test alone";
    let app = TestApp::with(|config| config.auth.jwt_secret = Some(SecretText::new(secret.to_owned()))).await;
    let ada = app.user("ada").await;
    let first = Session::begin(&app, &ada).await;
    let second = Session::of(&refresh(&app, &first.refresh).await);
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_audience(&[&app.app.issuer()]);
    rules.set_issuer(&[&app.app.issuer()]);
    // The clock of the app is its own.
    rules.validate_exp = false;
    let read = |token: &str, secret: &str| {
        decode::<serde_json::Value>(token, &DecodingKey::from_secret(secret.as_bytes()), &rules)
    };
    for session in [first, second] {
        let claims = read(&session.token, secret).unwrap().claims;
        assert_eq!(claims["sub"], ada.id.to_string());
        assert!(read(&session.token, "another secret of at least thirty-two letters").is_err());
    }
}

#[tokio::test]
async fn an_earlier_refresh_token_ends_the_session() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let (other, first) = (Session::begin(&app, &ada).await, Session::begin(&app, &ada).await);
        let second = Session::of(&refresh(&app, &first.refresh).await);
        let third = Session::of(&refresh(&app, &second.refresh).await);
        assert_eq!(envelope(&refresh(&app, &first.refresh).await).0, 401);
        assert_eq!(refresh(&app, &third.refresh).await.status, 401, "the thief and the owner are both out");
        assert_eq!(third.me(&app).await, 401, "the session's tokens die with it");
        assert_eq!(other.me(&app).await, 200, "another session of the same person lives");
        let replays = noted(&app, "session_refresh_replayed").await;
        assert_eq!(replays.len(), 1);
        assert_eq!(
            (replays[0].user_id, &replays[0].actor),
            (Some(ada.id), &None),
            "who it was, nobody knows"
        );
    }
}

#[tokio::test]
async fn of_many_uses_of_one_refresh_token_one_wins_and_the_session_ends() {
    for app in TestApp::everywhere().await {
        let first = Session::begin(&app, &app.user("ada").await).await;
        let replies = join_all((0..30).map(|_| refresh(&app, &first.refresh).send())).await;
        let winners: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
        assert_eq!(winners.len(), 1, "{}", app.kind);
        assert_eq!(Session::of(winners[0]).me(&app).await, 401);
    }
}

#[tokio::test]
async fn a_session_ends_by_logout_and_logging_out_twice_is_no_error() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let session = Session::begin(&app, &ada).await;
        for _ in 0..2 {
            let reply = logout(&app, &session.refresh).await;
            assert_eq!((reply.status.as_u16(), reply.text().as_str()), (204, ""));
            assert_eq!(reply.header("cache-control"), "no-store");
        }
        assert_eq!(session.me(&app).await, 401);
        assert_eq!(refresh(&app, &session.refresh).await.status, 401);
        assert_eq!(noted(&app, "session_ended").await.len(), 1);
    }
}

#[tokio::test]
async fn an_earlier_refresh_token_logs_out_and_is_noted_as_a_replay() {
    let app = TestApp::start().await;
    let first = Session::begin(&app, &app.user("ada").await).await;
    let second = Session::of(&refresh(&app, &first.refresh).await);
    assert_eq!(logout(&app, &first.refresh).await.status, 204);
    assert_eq!(second.me(&app).await, 401);
    assert_eq!(noted(&app, "session_refresh_replayed").await.len(), 1);
}

#[tokio::test]
async fn what_is_no_refresh_token_of_a_session_refreshes_nothing_and_logs_nobody_out() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let session = Session::begin(&app, &ada).await;
    let client = app.confidential_client().await;
    let tokens = app.tokens(&client, &ada, "openid readonly").await;
    let browser = app.signed_in(&ada).await;
    let named_elsewhere = format!("ayb_sr_{}", &browser.session().unwrap()[7..]);
    let mut flipped = session.refresh.clone();
    flipped.replace_range(102.., if flipped.ends_with('0') { "1" } else { "0" });
    for text in [
        "",
        "ayb_sr_",
        &session.token,
        &session.refresh.to_uppercase(),
        &format!("{} ", session.refresh),
        &format!("{}0", session.refresh),
        &format!("ayb_sr_{}", "0".repeat(96)),
        &flipped,
        &named_elsewhere,
        tokens.refresh.as_deref().unwrap_or("ayb_rt_"),
        &tokens.access,
        browser.session().unwrap(),
        "' or 1=1 --",
    ] {
        assert_eq!(envelope(&refresh(&app, text).await).0, 401, "{text}");
        assert_eq!(logout(&app, text).await.status, 204, "{text}");
    }
    assert_eq!(session.me(&app).await, 200);
    assert_eq!(app.userinfo(&tokens.access).await, 200);
    assert!(noted(&app, "session_refresh_replayed").await.is_empty());
}

#[tokio::test]
async fn session_token_and_session_end_in_time() {
    let app = TestApp::start().await;
    let session = Session::begin(&app, &app.user("ada").await).await;
    app.travel(seconds(899));
    assert_eq!(session.me(&app).await, 200);
    app.travel(seconds(1));
    assert_eq!(session.me(&app).await, 401);
    app.travel(days(6));
    let next = Session::of(&refresh(&app, &session.refresh).await);
    app.travel(days(7));
    assert_eq!(refresh(&app, &next.refresh).await.status, 401);
}

#[tokio::test]
async fn a_disabled_or_deleted_person_is_out_at_once() {
    for app in TestApp::everywhere().await {
        let (ada, bob) = (app.user("ada").await, app.user("bob").await);
        let (of_ada, of_bob) = (Session::begin(&app, &ada).await, Session::begin(&app, &bob).await);
        let now = app.clock.now();
        app.app.store.set_user_disabled(ada.id, Some(now), now).await.unwrap();
        app.app.store.delete_user(bob.id).await.unwrap();
        for (person, session) in [(&ada, &of_ada), (&bob, &of_bob)] {
            assert_eq!(session.me(&app).await, 401);
            assert_eq!(refresh(&app, &session.refresh).await.status, 401);
            assert_eq!(login(&app, &person.email, &person.password).await.status, 401);
        }
        app.app.store.set_user_disabled(ada.id, None, now).await.unwrap();
        assert_eq!(of_ada.me(&app).await, 200, "a person who is let in again has their session");
    }
}

#[tokio::test]
async fn a_session_keeps_where_it_began() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let long = "u".repeat(5000);
    let reply = login(&app, &ada.email, &ada.password).header("user-agent", &long).from("203.0.113.9").await;
    Session::of(&reply);
    let sessions = app.app.store.list_live_sessions(ada.id, app.clock.now()).await.unwrap();
    assert_eq!(sessions[0].ip.as_deref(), Some("203.0.113.9"));
    assert_eq!(sessions[0].user_agent.as_ref().map(String::len), Some(300));
}

#[tokio::test]
async fn sessions_are_ended_by_post_only() {
    let app = TestApp::start().await;
    for path in [LOGOUT, REFRESH] {
        assert_eq!(app.get(path).await.status, 405);
    }
}
