//! Client authentication (RFC 6749 §2.3) at the token and revocation endpoints.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::is_an_error_of_rfc_6749;
use crate::kit::client::Client;
use crate::kit::{Reply, TestApp};

/// Both endpoints, with a request that is good but for its credentials.
const DOORS: [(&str, &[(&str, &str)]); 4] = [
    ("/oauth/token", MACHINE),
    ("/api/auth/token", MACHINE),
    ("/oauth/revoke", &[("token", "unknown")]),
    ("/api/auth/revoke", &[("token", "unknown")]),
];
const MACHINE: &[(&str, &str)] = &[("grant_type", "client_credentials"), ("scope", "readonly")];

async fn send(
    app: &TestApp,
    door: (&str, &[(&str, &str)]),
    header: Option<&str>,
    body: &[(&str, &str)],
) -> Reply {
    let pairs = [door.1, body].concat();
    let call = app.post(door.0).form(&pairs);
    match header {
        Some(header) => call.header("authorization", header).await,
        None => call.await,
    }
}

fn basic(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

fn is_challenged(reply: &Reply, case: &str) {
    assert_eq!(reply.verdict(), (401, "invalid_client".to_owned()), "{case}");
    assert!(reply.header("www-authenticate").starts_with("Basic realm="), "{case}: {reply}");
    is_an_error_of_rfc_6749(reply);
}

#[tokio::test]
async fn a_secret_counts_in_the_header_and_in_the_body() {
    for app in TestApp::everywhere().await {
        let client = app.confidential_client().await;
        let (id, secret) = (client.client_id.as_str(), client.secret.as_deref().unwrap());
        let pair = format!("{id}:{secret}");
        for door in DOORS {
            let in_body = [("client_id", id), ("client_secret", secret)];
            assert_eq!(send(&app, door, None, &in_body).await.status, 200);
            for header in [
                basic(&pair),
                basic(&pair).replace("Basic", "bASIC"),
                basic(&pair).replace("Basic ", "Basic  "),
            ] {
                assert_eq!(send(&app, door, Some(&header), &[]).await.status, 200, "{header}");
                assert_eq!(send(&app, door, Some(&header), &[("client_id", id)]).await.status, 200);
            }
        }
    }
}

#[tokio::test]
async fn whoever_does_not_prove_it_is_challenged() {
    for app in TestApp::everywhere().await {
        let (client, other) = (app.confidential_client().await, app.confidential_client().await);
        let (id, secret) = (client.client_id.as_str(), client.secret.as_deref().unwrap());
        let others = other.secret.as_deref().unwrap();
        let unknown = format!("ayb_cid_{}", "0".repeat(48));
        let mut answers = Vec::new();
        for door in DOORS {
            for (case, body) in [
                ("nobody", &[][..]),
                ("secret missing", &[("client_id", id)]),
                ("secret wrong", &[("client_id", id), ("client_secret", "wrong")]),
                ("secret empty", &[("client_id", id), ("client_secret", "")]),
                ("secret of another client", &[("client_id", id), ("client_secret", others)]),
                ("unknown client", &[("client_id", &unknown), ("client_secret", secret)]),
                ("not a client id", &[("client_id", "x"), ("client_secret", secret)]),
                ("secret without a name", &[("client_secret", secret)]),
                (
                    "assertion",
                    &[
                        ("client_id", id),
                        ("client_assertion", "e30.e30.e30"),
                        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                    ],
                ),
            ] {
                let reply = send(&app, door, None, body).await;
                is_challenged(&reply, case);
                if ["secret wrong", "unknown client"].contains(&case) {
                    answers.push(reply.text());
                }
            }
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "nobody learns which clients there are: {answers:?}");
    }
}

#[tokio::test]
async fn a_broken_basic_header_proves_nothing() {
    let app = TestApp::start().await;
    let client = app.confidential_client().await;
    let (id, secret) = (client.client_id.as_str(), client.secret.as_deref().unwrap());
    let good = basic(&format!("{id}:{secret}"));
    let headers = [
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic !!!!".to_owned(),
        good.replace('=', "-"),
        format!("{good}="),
        good.replace("Basic ", "Basic\t"),
        good.replace("Basic", "Bearer"),
        good.replace("Basic", "Digest"),
        format!("Bearer {secret}"),
        basic(id),
        basic(&format!(":{secret}")),
        basic(&format!("{id}:")),
        basic(&format!("{id}:{secret}:")),
        basic(&format!(" {id}:{secret}")),
        basic(&format!("{id}:%{secret}")),
        basic(&format!("{id}:{secret}%00")),
        basic(&format!("{id}:{secret}\0")),
        basic(&format!("{id}:{secret}&client_id=x")),
        format!("Basic {}", STANDARD.encode([&[0xff, b':'][..], secret.as_bytes()].concat())),
        basic(&format!("{}:{secret}", id.to_uppercase())),
        basic(&format!("{id}:{}", secret.to_uppercase())),
    ];
    for header in headers {
        for door in DOORS {
            is_challenged(&send(&app, door, Some(&header), &[]).await, &header);
        }
    }
}

#[tokio::test]
async fn two_methods_at_once_are_refused() {
    let app = TestApp::start().await;
    let (client, other) = (app.confidential_client().await, app.confidential_client().await);
    let (id, secret) = (client.client_id.as_str(), client.secret.as_deref().unwrap());
    let header = basic(&format!("{id}:{secret}"));
    for door in DOORS {
        for body in [
            &[("client_id", id), ("client_secret", secret)][..],
            &[("client_secret", secret)],
            &[("client_id", other.client_id.as_str())],
        ] {
            let reply = send(&app, door, Some(&header), body).await;
            assert_eq!(reply.verdict(), (400, "invalid_request".to_owned()), "{body:?}");
        }
        let pairs = door.1.to_vec();
        let twice = app
            .post(door.0)
            .form(&pairs)
            .header("authorization", &header)
            .header("authorization", &header)
            .await;
        assert_eq!(twice.verdict(), (400, "invalid_request".to_owned()));
    }
}

#[tokio::test]
async fn a_public_client_says_its_name_and_no_secret() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.public_client().await;
        let id = client.client_id.as_str();
        let tokens = app.tokens(&client, &ada, "openid").await;
        let door = ("/oauth/revoke", &[("token", "unknown")][..]);
        is_challenged(&send(&app, door, None, &[("client_id", id), ("client_secret", "x")]).await, "secret");
        is_challenged(&send(&app, door, Some(&basic(&format!("{id}:x"))), &[]).await, "header");
        assert_eq!(send(&app, door, None, &[("client_id", id)]).await.status, 200);
        assert_eq!(app.userinfo(&tokens.access).await, 200);
    }
}

#[tokio::test]
async fn pkce_does_not_stand_in_for_the_secret_of_a_confidential_client() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let code = app.authorize_code(&client, &ada, "openid").await;
    let nameless = Client { secret: None, ..client.clone() };
    is_challenged(&app.redeem(&nameless, &code).await, "code");
    let tokens = crate::kit::Tokens::of(&app.redeem(&client, &code).await);
    is_challenged(&app.refresh(&nameless, tokens.refresh()).await, "refresh");
    assert_eq!(app.refresh(&client, tokens.refresh()).await.status, 200, "and costs nothing");
}

#[tokio::test]
async fn a_replaced_secret_is_dead_and_tokens_live_on() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let tokens = app.tokens(&client, &ada, "openid").await;
        let secret = app.app.mint.client_secret().unwrap();
        app.app.store.replace_client_secret(&client.id, secret.hash(), None, app.clock.now()).await.unwrap();
        is_challenged(&app.refresh(&client, tokens.refresh()).await, "old secret");
        assert_eq!(app.userinfo(&tokens.access).await, 200);
        let renewed = Client { secret: Some(secret.expose().to_owned()), ..client };
        assert_eq!(app.refresh(&renewed, tokens.refresh()).await.status, 200);
    }
}
