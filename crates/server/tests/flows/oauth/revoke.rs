//! Revocation (RFC 7009).

use ayb_testkit::Kind;
use ayb_testkit::cluster::Cluster;

use super::is_an_error_of_rfc_6749;
use crate::kit::client::Client;
use crate::kit::{TestApp, Tokens};

const PATHS: [&str; 2] = ["/oauth/revoke", "/api/auth/revoke"];

async fn clients(app: &TestApp) -> [Client; 3] {
    let jwt = app.confidential_client().with(|draft| draft.token_format = Some("jwt".into()));
    [app.confidential_client().await, app.public_client().await, jwt.await]
}

#[tokio::test]
async fn a_revoked_access_token_is_dead_at_once_and_alone() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        for client in clients(&app).await {
            for path in PATHS {
                let tokens = app.tokens(&client, &ada, "openid").await;
                assert_eq!(app.userinfo(&tokens.access).await, 200);
                let reply = app.client_post(path, &client, &[("token", &tokens.access)]).await;
                assert_eq!((reply.status.as_u16(), reply.text()), (200, String::new()));
                assert_eq!(app.userinfo(&tokens.access).await, 401);
                let next = Tokens::of(&app.refresh(&client, tokens.refresh()).await);
                assert_eq!(app.userinfo(&next.access).await, 200, "the grant lives on");
            }
            let sql = "select count(*) from _ayb_oauth_tokens where revoked_at is not null and token_type = 'access'";
            assert_ne!(app.db_rows(sql).await[0][0].as_deref(), Some("0"));
        }
    }
}

#[tokio::test]
async fn a_revoked_refresh_token_takes_its_grant_along() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        for client in clients(&app).await {
            let bystander = app.tokens(&client, &ada, "openid").await;
            let first = app.tokens(&client, &ada, "openid").await;
            let second = Tokens::of(&app.refresh(&client, first.refresh()).await);
            assert_eq!(app.revoke(&client, second.refresh()).await.status, 200);
            assert_eq!((app.userinfo(&first.access).await, app.userinfo(&second.access).await), (401, 401));
            assert_eq!(app.refresh(&client, second.refresh()).await.error(), "invalid_grant");
            assert_eq!(app.userinfo(&bystander.access).await, 200);
        }
    }
}

#[tokio::test]
async fn the_trail_says_what_a_client_has_revoked() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let tokens = app.tokens(&client, &ada, "openid").await;
        assert_eq!(app.revoke(&client, "ayb_rt_unknown").await.status, 200);
        for (token, named) in [(tokens.access.as_str(), "token_id"), (tokens.refresh(), "grant_id")] {
            assert_eq!(app.revoke(&client, token).await.status, 200);
            let sql = format!(
                "select client_id from _ayb_audit where event = 'token_revoked' and cast(detail as text) like '%{named}%'"
            );
            let rows = app.eventually(&sql).await;
            assert_eq!((rows.len(), rows[0][0].as_deref()), (1, Some(client.id.as_str())), "{named}");
        }
    }
}

#[tokio::test]
async fn any_hint_will_do() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    for hint in ["access_token", "refresh_token", "nonsense", ""] {
        let tokens = app.tokens(&client, &ada, "openid").await;
        for token in [tokens.access.as_str(), tokens.refresh()] {
            let pairs = [("token", token), ("token_type_hint", hint)];
            assert_eq!(app.client_post("/oauth/revoke", &client, &pairs).await.status, 200, "{hint}");
        }
        assert_eq!(app.userinfo(&tokens.access).await, 401, "{hint}");
    }
}

#[tokio::test]
async fn what_is_unknown_dead_or_foreign_gets_the_same_answer() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let [client, other, jwt] = clients(&app).await;
        let (foreign, foreign_jwt) =
            (app.tokens(&other, &ada, "openid").await, app.tokens(&jwt, &ada, "openid").await);
        let dead = app.tokens(&client, &ada, "openid").await;
        app.revoke(&client, dead.refresh()).await;
        let (access, refresh) = (format!("ayb_at_{}", "0".repeat(64)), format!("ayb_rt_{}", "0".repeat(96)));
        let id_token = foreign.id_token.clone().unwrap();
        let session = app.session_token(&ada).await;
        let long = "a".repeat(60_000);
        let mut answers = Vec::new();
        for token in [
            "noise",
            &access,
            &refresh,
            "e30.e30.e30",
            &dead.access,
            dead.refresh(),
            &foreign.access,
            foreign.refresh(),
            &foreign_jwt.access,
            &id_token,
            &session,
            &long,
        ] {
            let reply = app.revoke(&client, token).await;
            assert_eq!(reply.status, 200, "{token}: {reply}");
            let headers: Vec<_> = reply.headers.keys().map(ToString::to_string).collect();
            answers.push((reply.text(), headers));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        for token in [&foreign.access, &foreign_jwt.access] {
            assert_eq!(app.userinfo(token).await, 200, "another client cannot revoke it");
        }
        assert_eq!(app.refresh(&other, foreign.refresh()).await.status, 200);
        assert_eq!(
            app.get(&client.authorize("openid", &[])).bearer(&session).accept_json().await.status,
            200
        );
    }
}

#[tokio::test]
async fn a_request_without_a_token_or_not_in_a_form_is_refused() {
    let app = TestApp::start().await;
    let client = app.confidential_client().await;
    let secret = client.secret.clone().unwrap();
    for path in PATHS {
        for pairs in [
            &[][..],
            &[("token", "")],
            &[("token_type_hint", "access_token")],
            &[("token", "a"), ("token", "b")],
        ] {
            let reply = app.client_post(path, &client, pairs).await;
            assert_eq!(reply.verdict(), (400, "invalid_request".to_owned()), "{pairs:?}");
        }
        let json =
            app.post(path).json(&serde_json::json!({"token": "x"})).basic(&client.client_id, &secret).await;
        assert_eq!(json.verdict(), (400, "invalid_request".to_owned()));
        let query = app.post(&format!("{path}?token=x")).form(&[]).basic(&client.client_id, &secret).await;
        assert_eq!(query.verdict(), (400, "invalid_request".to_owned()));
        let get = app.get(&format!("{path}?token=x")).await;
        assert_eq!((get.status.as_u16(), get.header("allow")), (405, "POST"));
        is_an_error_of_rfc_6749(&get);
    }
}

#[tokio::test]
async fn a_token_that_could_not_be_revoked_is_not_called_revoked() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let tokens = app.tokens(&client, &ada, "openid").await;
        // The client can be read and proves itself; only its tokens are out of reach.
        app.db_rows("alter table _ayb_oauth_tokens rename to out_of_reach").await;
        for token in [&tokens.access, tokens.refresh()] {
            let reply = app.revoke(&client, token).await;
            assert_eq!(reply.verdict(), (503, "temporarily_unavailable".to_owned()), "{}: {reply}", app.kind);
            assert!(!reply.header("retry-after").is_empty(), "{reply}");
            assert!(!reply.text().contains("_ayb"), "{reply}");
        }
        app.db_rows("alter table out_of_reach rename to _ayb_oauth_tokens").await;
        assert_eq!(app.userinfo(&tokens.access).await, 200, "{}", app.kind);
        assert_eq!(app.revoke(&client, tokens.refresh()).await.status, 200);
        assert_eq!(app.userinfo(&tokens.access).await, 401);
    }
}

#[tokio::test]
async fn a_store_that_cannot_do_it_is_said_and_nothing_is_claimed() {
    let Some(cluster) = Cluster::start("") else { return };
    let app = TestApp::on(ayb_testkit::elsewhere(Kind::Postgres, cluster.url("postgres"))).await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let tokens = app.tokens(&client, &ada, "openid").await;
    cluster.stop();
    for path in PATHS {
        let reply = app.client_post(path, &client, &[("token", &tokens.access)]).await;
        assert_eq!(reply.verdict(), (503, "temporarily_unavailable".to_owned()), "{reply}");
        assert!(!reply.header("retry-after").is_empty());
        is_an_error_of_rfc_6749(&reply);
    }
    assert_eq!(app.redeem(&client, &"0".repeat(64)).await.status, 503);
    assert_eq!(app.refresh(&client, tokens.refresh()).await.status, 503);
    assert_eq!(app.userinfo(&tokens.access).await, 503);
    let page = app.get(&client.authorize("openid", &[])).await;
    assert_eq!((page.status.as_u16(), page.page().text_of("error-code")), (503, "temporarily_unavailable"));
    assert_eq!(app.get("/health/live").await.status, 200);
    cluster.restart();
    let answers = app.until(200, || app.get("/oauth/userinfo").bearer(&tokens.access)).await;
    assert_eq!(answers, 200, "it was not revoked, and the server recovers by itself");
    assert_eq!(app.revoke(&client, &tokens.access).await.status, 200);
    assert_eq!(app.userinfo(&tokens.access).await, 401);
}
