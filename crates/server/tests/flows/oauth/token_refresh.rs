//! Refreshing (RFC 6749 §6): each token once, a second use is a theft (RFC 9700 §4.14.2), and the grace in which a lost
//! answer is said again.

use crate::kit::client::Client;
use crate::kit::time::{days, seconds};
use crate::kit::{Reply, TestApp, Tokens};

const FORMATS: [(&str, &str); 4] =
    [("opaque", "RS256"), ("jwt", "RS256"), ("jwt", "ES256"), ("jwt", "EdDSA")];

async fn client(app: &TestApp, (format, alg): (&str, &str), grace: u64) -> Client {
    app.confidential_client()
        .with(|draft| {
            draft.token_format = Some(format.to_owned());
            draft.signing_alg = Some(alg.to_owned());
            draft.refresh_grace_seconds = Some(grace);
        })
        .await
}

#[tokio::test]
async fn a_refresh_gives_a_new_pair_and_ends_the_old_token() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        for client in [app.confidential_client().await, app.public_client().await] {
            let first = app.tokens(&client, &ada, "openid readonly").await;
            let second = Tokens::of(&app.refresh(&client, first.refresh()).await);
            assert_ne!((first.access.as_str(), first.refresh()), (second.access.as_str(), second.refresh()));
            assert_eq!(second.json["scope"], "openid readonly");
            assert!(second.id_token.is_some(), "OpenID Connect Core §12.2");
            assert_eq!(app.userinfo(&second.access).await, 200);
            let sql = "select count(*), count(distinct grant_id), count(revoked_at) from _ayb_oauth_tokens where client_id = ";
            let row = app.db_rows(&format!("{sql}{}", app.literal(&client))).await.remove(0);
            let counts: Vec<_> = row.iter().flatten().map(String::as_str).collect();
            assert_eq!(counts[..2], ["4", "1"], "two pairs of one grant");
            assert_ne!(counts[2], "0", "the old refresh token is revoked");
        }
    }
}

#[tokio::test]
async fn a_second_use_revokes_everything_of_the_grant_and_nothing_else() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        for (index, format) in FORMATS.into_iter().enumerate() {
            let client = client(&app, format, 0).await;
            let bystander = app.tokens(&client, &ada, "openid").await;
            let first = app.tokens(&client, &ada, "openid").await;
            let second = Tokens::of(&app.refresh(&client, first.refresh()).await);
            assert_eq!(
                app.refresh(&client, first.refresh()).await.verdict(),
                (400, "invalid_grant".to_owned())
            );
            assert_eq!((app.userinfo(&first.access).await, app.userinfo(&second.access).await), (401, 401));
            assert_eq!(app.refresh(&client, second.refresh()).await.error(), "invalid_grant");
            assert_eq!(app.userinfo(&bystander.access).await, 200);
            let audit = "select event from _ayb_audit where event = 'refresh_token_replayed'";
            assert!(app.eventually(audit).await.len() >= usize::from(index > 0));
        }
    }
}

#[tokio::test]
async fn a_replay_with_other_faults_is_still_a_replay() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        for scope in ["*", "openid email", "api:read", "readonly readwrite", "\u{1f512}"] {
            let first = app.tokens(&client, &ada, "openid").await;
            let second = Tokens::of(&app.refresh(&client, first.refresh()).await);
            let ask = |token: &str| {
                let pairs = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
                app.token_request(&client, &pairs)
            };
            let live = ask(second.refresh()).await;
            assert_eq!(live.verdict(), (400, "invalid_scope".to_owned()), "{scope}");
            assert_eq!(app.userinfo(&second.access).await, 200, "{scope}: a bad scope costs nothing");
            assert_eq!(ask(first.refresh()).await.verdict(), (400, "invalid_grant".to_owned()), "{scope}");
            assert_eq!(app.userinfo(&second.access).await, 401, "{scope}: a replay is one all the same");
            assert_eq!(app.refresh(&client, second.refresh()).await.error(), "invalid_grant", "{scope}");
        }
    }
}

#[tokio::test]
async fn what_is_not_a_live_refresh_token_of_this_client_is_refused() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let (client, thief) = (app.confidential_client().await, app.confidential_client().await);
        let tokens = app.tokens(&client, &ada, "openid").await;
        let unknown = format!("ayb_rt_{}", "0".repeat(96));
        let longer = format!("{}0", tokens.refresh());
        let upper = tokens.refresh().to_uppercase();
        for token in ["", "noise", "ayb_rt_", &unknown, &longer, &upper, &tokens.access] {
            let reply = app.refresh(&client, token).await;
            let expected =
                if token.is_empty() { ["invalid_request", "invalid_grant"] } else { ["invalid_grant"; 2] };
            assert!(reply.status == 400 && expected.contains(&reply.error().as_str()), "{token}: {reply}");
        }
        let missing = app.token_request(&client, &[("grant_type", "refresh_token")]).await;
        assert_eq!(missing.verdict(), (400, "invalid_request".to_owned()));
        assert_eq!(app.refresh(&thief, tokens.refresh()).await.error(), "invalid_grant");
        let second = Tokens::of(&app.refresh(&client, tokens.refresh()).await);
        assert_eq!(app.refresh(&thief, tokens.refresh()).await.error(), "invalid_grant");
        assert_eq!(app.userinfo(&second.access).await, 200, "a stranger's replay costs the owner nothing");
    }
}

#[tokio::test]
async fn the_scope_may_shrink_for_one_answer_and_never_grow() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let tokens = app.tokens(&client, &ada, "openid email readonly").await;
        let ask = |token: &str, scope: &str| {
            let pairs = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
            app.token_request(&client, &pairs)
        };
        for scope in ["openid profile", "readwrite", "*"] {
            assert_eq!(
                ask(tokens.refresh(), scope).await.verdict(),
                (400, "invalid_scope".to_owned()),
                "{scope}"
            );
        }
        let narrow = Tokens::of(&ask(tokens.refresh(), "openid").await);
        assert_eq!(narrow.json["scope"], "openid");
        let info = app.get("/oauth/userinfo").bearer(&narrow.access).await.json();
        assert!(info.get("email").is_none(), "{info}");
        let wide = Tokens::of(&app.refresh(&client, narrow.refresh()).await);
        assert_eq!(wide.json["scope"], "openid email readonly", "the grant itself did not shrink");
    }
}

#[tokio::test]
async fn a_refresh_token_dies_with_its_last_second_and_each_rotation_starts_anew() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let mut tokens = app.tokens(&client, &ada, "openid").await;
        for _ in 0..2 {
            app.travel(seconds(30 * 86_400 - 1));
            tokens = Tokens::of(&app.refresh(&client, tokens.refresh()).await);
        }
        app.travel(days(30));
        assert_eq!(app.refresh(&client, tokens.refresh()).await.verdict(), (400, "invalid_grant".to_owned()));
    }
}

#[tokio::test]
async fn a_lost_answer_is_said_again_within_the_grace() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        for format in FORMATS {
            let client = client(&app, format, 10).await;
            let first = app.tokens(&client, &ada, "openid").await;
            let lost = Tokens::of(&app.refresh(&client, first.refresh()).await);
            app.travel(seconds(9));
            let again = Tokens::of(&app.refresh(&client, first.refresh()).await);
            assert_eq!(again.refresh(), lost.refresh(), "{format:?}: one successor, not two");
            if format.0 == "opaque" {
                assert_eq!(again.access, lost.access);
            }
            assert_eq!(again.json["expires_in"], 3591, "the lifetime does not start anew");
            assert_eq!(app.userinfo(&again.access).await, 200, "{} {format:?}", app.kind);
            let third = Tokens::of(&app.refresh(&client, again.refresh()).await);
            assert_eq!(app.userinfo(&third.access).await, 200);
            let of_client =
                format!("select * from _ayb_oauth_tokens where client_id = {}", app.literal(&client));
            assert_eq!(app.db_rows(&of_client).await.len(), 6, "three pairs");
        }
    }
}

async fn is_replay(app: &TestApp, reply: &Reply, living: &[&str], case: &str) {
    assert_eq!(reply.verdict(), (400, "invalid_grant".to_owned()), "{case}");
    for access in living {
        assert_eq!(app.userinfo(access).await, 401, "{case}");
    }
}

#[tokio::test]
async fn once_the_successor_is_used_or_the_grace_over_a_second_use_is_a_replay() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        for format in FORMATS {
            let client = client(&app, format, 10).await;
            let start = || app.tokens(&client, &ada, "openid");

            let first = start().await;
            let second = Tokens::of(&app.refresh(&client, first.refresh()).await);
            assert_eq!(app.userinfo(&second.access).await, 200);
            let reply = app.refresh(&client, first.refresh()).await;
            is_replay(&app, &reply, &[&second.access], "access token used").await;

            let first = start().await;
            let second = Tokens::of(&app.refresh(&client, first.refresh()).await);
            let third = Tokens::of(&app.refresh(&client, second.refresh()).await);
            let reply = app.refresh(&client, first.refresh()).await;
            is_replay(&app, &reply, &[&second.access, &third.access], "refresh token used").await;

            let first = start().await;
            let second = Tokens::of(&app.refresh(&client, first.refresh()).await);
            app.travel(seconds(10));
            let reply = app.refresh(&client, first.refresh()).await;
            is_replay(&app, &reply, &[&second.access], "too late").await;

            let first = start().await;
            let second = Tokens::of(&app.refresh(&client, first.refresh()).await);
            assert_eq!(app.revoke(&client, &second.access).await.status, 200);
            let reply = app.refresh(&client, first.refresh()).await;
            is_replay(&app, &reply, &[], "successor revoked").await;
            assert_eq!(app.refresh(&client, second.refresh()).await.error(), "invalid_grant");
        }
    }
}

#[tokio::test]
async fn a_lost_answer_is_said_again_only_for_the_same_question() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = client(&app, FORMATS[0], 10).await;
    let first = app.tokens(&client, &ada, "openid email").await;
    let lost = Tokens::of(&app.refresh(&client, first.refresh()).await);
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", first.refresh()), ("scope", "openid")];
    assert_eq!(app.token_request(&client, &pairs).await.verdict(), (400, "invalid_grant".to_owned()));
    assert_eq!(app.refresh(&client, first.refresh()).await.member("refresh_token"), lost.refresh());
    let thief = app.confidential_client().await;
    assert_eq!(app.refresh(&thief, first.refresh()).await.error(), "invalid_grant");
    assert_eq!(app.userinfo(&lost.access).await, 200);
}

#[tokio::test]
async fn a_repeated_answer_ends_the_access_token_that_nobody_received() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        for format in FORMATS {
            let client = client(&app, format, 10).await;
            let first = app.tokens(&client, &ada, "openid").await;
            let lost = Tokens::of(&app.refresh(&client, first.refresh()).await);
            app.travel(seconds(1));
            let again = Tokens::of(&app.refresh(&client, first.refresh()).await);
            assert_eq!(app.userinfo(&again.access).await, 200);
            let expected = if lost.access == again.access { 200 } else { 401 };
            assert_eq!(app.userinfo(&lost.access).await, expected, "{format:?}");
        }
    }
}

#[tokio::test]
async fn two_at_once_within_the_grace_get_one_living_pair() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        for format in FORMATS {
            let client = client(&app, format, 10).await;
            let first = app.tokens(&client, &ada, "openid").await;
            let twin = app.twin(|_| {}).await;
            let (one, two) = tokio::join!(
                app.refresh(&client, first.refresh()).send(),
                twin.refresh(&client, first.refresh()).send()
            );
            let (one, two) = (Tokens::of(&one), Tokens::of(&two));
            assert_eq!(one.refresh(), two.refresh(), "{} {format:?}", app.kind);
            let alive = [app.userinfo(&one.access).await, app.userinfo(&two.access).await];
            assert!(alive.contains(&200), "{} {format:?}: {alive:?}", app.kind);
            if format.0 == "opaque" {
                assert_eq!(one.access, two.access);
            }
        }
    }
}

#[tokio::test]
async fn the_grace_survives_a_restart_and_keeps_no_answer() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = client(&app, FORMATS[0], 10).await;
    let first = app.tokens(&client, &ada, "openid").await;
    let lost = Tokens::of(&app.refresh(&client, first.refresh()).await);
    let restarted = app.twin(|_| {}).await;
    assert_eq!(restarted.refresh(&client, first.refresh()).await.member("access_token"), lost.access);
    assert!(!app.dump().await.contains(lost.refresh()), "the answer is made again, not kept");
}
