//! Many at once over real connections: one winner, on both databases and also between two processes.

use std::collections::BTreeSet;

use crate::kit::app::Listening;
use crate::kit::client::{Client, VERIFIER};
use crate::kit::{TestApp, Tokens};

const CROWD: usize = 50;

/// Sends the same request from everybody at the same time; gives status, error and body of each.
async fn at_once(
    doors: &[Listening],
    client: &Client,
    pairs: &[(&str, &str)],
) -> Vec<(u16, serde_json::Value)> {
    let http = reqwest::Client::new();
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let send = |index: usize| {
        let call = http.post(doors[index % doors.len()].url("/oauth/token")).body(body.clone());
        let call = call.header("content-type", "application/x-www-form-urlencoded");
        let call = call.basic_auth(&client.client_id, client.secret.as_ref());
        async move {
            let reply = call.send().await.unwrap();
            (reply.status().as_u16(), reply.json().await.unwrap())
        }
    };
    futures_util::future::join_all((0..CROWD).map(send)).await
}

fn winners(answers: &[(u16, serde_json::Value)]) -> Vec<&serde_json::Value> {
    for (status, body) in answers.iter().filter(|(status, _)| *status != 200) {
        // Whoever comes while another is at it may be told to try again, and never that a dead token is alive.
        let expected = matches!(
            (*status, body["error"].as_str()),
            (400, Some("invalid_grant")) | (429 | 503, Some("temporarily_unavailable"))
        );
        assert!(expected, "{status} {body}");
    }
    answers.iter().filter(|(status, _)| *status == 200).map(|(_, body)| body).collect()
}

fn redemption<'a>(client: &'a Client, code: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &client.redirect_uri),
        ("code_verifier", VERIFIER),
    ]
}

fn refreshing(token: &str) -> [(&str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
}

async fn doors(app: &TestApp) -> Vec<Listening> {
    vec![app.listen().await, app.twin(|_| {}).await.listen().await]
}

async fn client(app: &TestApp, format: &str, grace: u64) -> Client {
    app.confidential_client()
        .with(|draft| {
            draft.token_format = Some(format.to_owned());
            draft.refresh_grace_seconds = Some(grace);
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_fifty_redeem_has_one_winner_and_the_replays_kill_it() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let doors = doors(&app).await;
        for format in ["opaque", "jwt"] {
            let client = client(&app, format, 0).await;
            let code = app.authorize_code(&client, &ada, "openid").await;
            let answers = at_once(&doors, &client, &redemption(&client, &code)).await;
            let winners = winners(&answers);
            assert_eq!(winners.len(), 1, "{} {format}", app.kind);
            let access = winners[0]["access_token"].as_str().unwrap();
            assert_eq!(app.userinfo(access).await, 401, "the others were replays");
            let grants =
                format!("select * from _ayb_oauth_grants where client_id = {}", app.literal(&client));
            assert_eq!(app.db_rows(&grants).await.len(), 1);
        }
        for door in doors {
            door.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_that_fifty_use_has_one_winner_and_the_replays_kill_it() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let doors = doors(&app).await;
        for format in ["opaque", "jwt"] {
            let client = client(&app, format, 0).await;
            let tokens = app.tokens(&client, &ada, "openid").await;
            let answers = at_once(&doors, &client, &refreshing(tokens.refresh())).await;
            let winners = winners(&answers);
            assert_eq!(winners.len(), 1, "{} {format}", app.kind);
            let access = winners[0]["access_token"].as_str().unwrap();
            assert_eq!((app.userinfo(access).await, app.userinfo(&tokens.access).await), (401, 401));
            let living = format!(
                "select * from _ayb_oauth_tokens where client_id = {} and token_type = 'refresh'",
                app.literal(&client)
            );
            assert_eq!(app.db_rows(&living).await.len(), 2, "the first and its one successor");
        }
        for door in doors {
            door.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn within_the_grace_fifty_get_the_same_living_pair() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let doors = doors(&app).await;
        for format in ["opaque", "jwt"] {
            let client = client(&app, format, 30).await;
            let first = app.tokens(&client, &ada, "openid").await;
            let answers = at_once(&doors, &client, &refreshing(first.refresh())).await;
            let winners = winners(&answers);
            let pairs: BTreeSet<_> =
                winners.iter().map(|body| body["refresh_token"].as_str().unwrap()).collect();
            assert_eq!(pairs.len(), 1, "{} {format}: one successor", app.kind);
            assert!(
                answers.iter().all(|(status, _)| *status != 400),
                "{} {format}: nobody is a thief",
                app.kind
            );
            let mut alive = 0;
            let strings: BTreeSet<_> =
                winners.iter().map(|body| body["access_token"].as_str().unwrap()).collect();
            for access in strings {
                alive += usize::from(app.userinfo(access).await == 200);
            }
            assert_eq!(alive, 1, "{} {format}", app.kind);
            let next = app.refresh(&client, pairs.first().unwrap()).await;
            assert_eq!(app.userinfo(&Tokens::of(&next).access).await, 200);
        }
        for door in doors {
            door.stop().await;
        }
    }
}
