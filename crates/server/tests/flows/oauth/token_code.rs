//! Redeeming a code (RFC 6749 §4.1.3): once, by the client that it was issued to, with everything that was said before.

use serde_json::Value;

use super::is_an_error_of_rfc_6749;
use crate::kit::client::{Client, VERIFIER, challenge};
use crate::kit::time::{minutes, seconds};
use crate::kit::{TestApp, Tokens};

const PATHS: [&str; 2] = ["/oauth/token", "/api/auth/token"];

fn pairs<'a>(client: &'a Client, code: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &client.redirect_uri),
        ("code_verifier", VERIFIER),
    ]
}

fn changed<'a>(pairs: &[(&'a str, &'a str)], name: &str, value: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    let change = |(key, old): &(&'a str, &'a str)| match value {
        _ if *key != name => Some((*key, *old)),
        Some(value) => Some((*key, value)),
        None => None,
    };
    pairs.iter().filter_map(change).collect()
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn sha256(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_code_becomes_tokens_for_both_client_types_at_both_addresses() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        for client in [app.confidential_client().await, app.public_client().await] {
            for path in PATHS {
                let code = app.authorize_code(&client, &ada, "openid readonly").await;
                assert!(is_hex(&code, 64), "{code}");
                let reply = app.client_post(path, &client, &pairs(&client, &code)).await;
                let tokens = Tokens::of(&reply);
                assert!(reply.header("content-type").starts_with("application/json"));
                assert_eq!((reply.header("cache-control"), reply.header("pragma")), ("no-store", "no-cache"));
                let members: Vec<_> = tokens.json.as_object().unwrap().keys().cloned().collect();
                let expected =
                    ["access_token", "expires_in", "id_token", "refresh_token", "scope", "token_type"];
                assert_eq!(members, expected);
                assert_eq!(
                    (&tokens.json["token_type"], &tokens.json["expires_in"]),
                    (&"Bearer".into(), &3600.into())
                );
                assert_eq!(tokens.json["scope"], "openid readonly");
                assert_eq!(app.userinfo(&tokens.access).await, 200);
            }
        }
    }
}

#[tokio::test]
async fn opaque_tokens_are_random_strings_of_a_fixed_form() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let tokens = app.tokens(&client, &ada, "openid").await;
    assert!(is_hex(tokens.access.strip_prefix("ayb_at_").unwrap(), 64), "{}", tokens.access);
    assert!(is_hex(tokens.refresh().strip_prefix("ayb_rt_").unwrap(), 96));
    assert!(!tokens.access.contains('.'), "not a JWT");
    let other = app.tokens(&client, &ada, "openid").await;
    assert_ne!(tokens.access, other.access);
}

#[tokio::test]
async fn the_tables_keep_hashes_lifetimes_and_one_grant_for_a_pair() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let with = [("allowed_tables", "notes,hikes"), ("nonce", "n-1")];
        let code = app.authorize_code_with(&client, &ada, "openid readonly", &with).await;
        let stored =
            "select code_hash, code_challenge, code_challenge_method, expires_at, created_at, used_at
                      from _ayb_oauth_authorization_codes";
        let row = app.db_rows(stored).await.remove(0);
        assert_eq!(row[0].as_deref(), Some(sha256(&code).as_str()));
        assert_eq!(
            (row[1].as_deref(), row[2].as_deref()),
            (Some(challenge(VERIFIER).as_str()), Some("S256"))
        );
        assert_eq!(row[5], None);
        assert_eq!(lifetime(&app, "_ayb_oauth_authorization_codes", "").await, 600);
        let tokens = Tokens::of(&app.redeem(&client, &code).await);
        assert!(app.db_rows(stored).await[0][5].is_some(), "used_at is set");
        let sql = "select token_hash, token_type, grant_id, user_id, scope, allowed_tables from _ayb_oauth_tokens order by token_type";
        let rows = app.db_rows(sql).await;
        let [access, refresh] = rows.as_slice() else { panic!("{rows:?}") };
        let hashes = [sha256(&tokens.access), sha256(tokens.refresh())];
        assert_eq!([access[0].clone(), refresh[0].clone()], hashes.map(Some));
        assert_eq!([access[1].as_deref(), refresh[1].as_deref()], [Some("access"), Some("refresh")]);
        assert_eq!(access[2], refresh[2], "one grant");
        for row in [access, refresh] {
            assert!(
                row[3]
                    .as_deref()
                    .is_some_and(|user| user.replace('-', "") == ada.id.to_string().replace('-', ""))
            );
            assert_eq!(row[4].as_deref(), Some("openid readonly"));
            assert!(
                row[5].as_deref().is_some_and(|tables| tables.contains("hikes") && tables.contains("notes"))
            );
        }
        assert_eq!(lifetime(&app, "_ayb_oauth_tokens", "where token_type = 'access'").await, 3600);
        assert_eq!(lifetime(&app, "_ayb_oauth_tokens", "where token_type = 'refresh'").await, 2_592_000);
    }
}

/// `expires_at - created_at` of the only row, in seconds.
async fn lifetime(app: &TestApp, table: &str, filter: &str) -> i64 {
    let span = match app.kind {
        ayb_testkit::Kind::Postgres => "extract(epoch from expires_at - created_at)::bigint",
        ayb_testkit::Kind::Sqlite => "(expires_at - created_at) / 1000",
    };
    let rows = app.db_rows(&format!("select {span} from {table} {filter}")).await;
    rows[0][0].as_deref().unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_refused_and_the_code_stays_usable() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let code = app.authorize_code(&client, &ada, "openid").await;
        let good = pairs(&client, &code);
        let other_code = "0".repeat(64);
        for (name, value, error) in [
            ("grant_type", None, "invalid_request"),
            ("grant_type", Some("authorization_Code"), "unsupported_grant_type"),
            ("grant_type", Some("password"), "unsupported_grant_type"),
            ("grant_type", Some("implicit"), "unsupported_grant_type"),
            ("grant_type", Some("urn:ietf:params:oauth:grant-type:device_code"), "unsupported_grant_type"),
            ("grant_type", Some("urn:ietf:params:oauth:grant-type:jwt-bearer"), "unsupported_grant_type"),
            ("code", None, "invalid_request"),
            ("code", Some("noise"), "invalid_grant"),
            ("code", Some(other_code.as_str()), "invalid_grant"),
            ("redirect_uri", None, "invalid_request"),
            ("redirect_uri", Some("https://app.example/callback/"), "invalid_grant"),
            ("redirect_uri", Some("https://evil.example"), "invalid_grant"),
            ("code_verifier", None, "invalid_request"),
            ("code_verifier", Some("short"), "invalid_request"),
            ("code_verifier", Some("another-verifier-of-forty-three-characters-or-more"), "invalid_grant"),
        ] {
            for path in PATHS {
                let reply = app.client_post(path, &client, &changed(&good, name, value)).await;
                assert_eq!(reply.verdict(), (400, error.to_owned()), "{name} {value:?}");
                is_an_error_of_rfc_6749(&reply);
            }
        }
        // The challenge itself is no verifier.
        let challenge = challenge(VERIFIER);
        let reply = app.token_request(&client, &changed(&good, "code_verifier", Some(&challenge))).await;
        assert_eq!(reply.error(), "invalid_grant");
        assert_eq!(app.redeem(&client, &code).await.status, 200, "no mistake spent it");
    }
}

#[tokio::test]
async fn a_request_is_one_form_body_and_nothing_else() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    let code = app.authorize_code(&client, &ada, "openid").await;
    let good = pairs(&client, &code);
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&good).finish();
    let secret = client.secret.clone().unwrap();
    let json: serde_json::Map<String, Value> =
        good.iter().map(|(name, value)| ((*name).to_owned(), Value::String((*value).to_owned()))).collect();
    let json = Value::Object(json).to_string();
    for path in PATHS {
        for (case, kind, body) in [
            ("JSON", "application/json", json.as_str()),
            ("multipart", "multipart/form-data; boundary=x", "--x--"),
            ("text", "text/plain", form.as_str()),
            ("broken escape", "application/x-www-form-urlencoded", "grant_type=%zz"),
            ("not UTF-8", "application/x-www-form-urlencoded", "grant_type=%ff"),
            ("NUL", "application/x-www-form-urlencoded", "grant_type=a%00"),
            ("empty", "application/x-www-form-urlencoded", ""),
        ] {
            let reply = app.post(path).body(kind, body).basic(&client.client_id, &secret).await;
            assert_eq!(reply.verdict(), (400, "invalid_request".to_owned()), "{case}");
            is_an_error_of_rfc_6749(&reply);
        }
        let in_query = app.post(&format!("{path}?{form}")).form(&[]).basic(&client.client_id, &secret).await;
        assert_eq!(in_query.error(), "invalid_request", "parameters in the query do not count");
        let no_body = app.post(path).basic(&client.client_id, &secret).await;
        assert_eq!(no_body.error(), "invalid_request");
        for name in ["grant_type", "code", "redirect_uri", "code_verifier", "client_id", "unknown"] {
            let mut twice = good.clone();
            twice.extend([(name, "x"), (name, "x")]);
            let reply = app.client_post(path, &client, &twice).await;
            assert_eq!(reply.verdict(), (400, "invalid_request".to_owned()), "{name} twice");
        }
        let huge = format!("{form}&x={}", "a".repeat(70_000));
        let reply = app
            .post(path)
            .body("application/x-www-form-urlencoded", huge)
            .basic(&client.client_id, &secret)
            .await;
        assert!(reply.status.is_client_error() && reply.error() == "invalid_request", "{reply}");
        let get = app.get(&format!("{path}?{form}")).basic(&client.client_id, &secret).await;
        assert_eq!((get.status.as_u16(), get.header("allow")), (405, "POST"));
        is_an_error_of_rfc_6749(&get);
    }
    assert_eq!(app.redeem(&client, &code).await.status, 200);
}

#[tokio::test]
async fn a_replayed_code_kills_what_it_led_to() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let bystander = app.tokens(&client, &ada, "openid").await;
        let code = app.authorize_code(&client, &ada, "openid").await;
        let first = Tokens::of(&app.redeem(&client, &code).await);
        let second = Tokens::of(&app.refresh(&client, first.refresh()).await);
        assert_eq!(app.redeem(&client, &code).await.verdict(), (400, "invalid_grant".to_owned()));
        for token in [&first.access, &second.access] {
            assert_eq!(app.userinfo(token).await, 401);
        }
        assert_eq!(app.refresh(&client, second.refresh()).await.error(), "invalid_grant");
        assert_eq!(app.userinfo(&bystander.access).await, 200, "another grant lives on");
        app.eventually("select event from _ayb_audit where event = 'code_replayed'").await;
    }
}

#[tokio::test]
async fn a_replay_is_one_whatever_else_is_wrong_with_it() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let client = app.confidential_client().await;
    for (name, value) in [
        ("code_verifier", "another-verifier-of-forty-three-characters-or-more"),
        ("redirect_uri", "https://evil.example"),
    ] {
        let code = app.authorize_code(&client, &ada, "openid").await;
        let tokens = Tokens::of(&app.redeem(&client, &code).await);
        let replay = app.token_request(&client, &changed(&pairs(&client, &code), name, Some(value))).await;
        assert_eq!(replay.error(), "invalid_grant");
        assert_eq!(app.userinfo(&tokens.access).await, 401, "{name}");
    }
}

#[tokio::test]
async fn another_client_can_neither_redeem_a_code_nor_revoke_by_it() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let (client, thief) = (app.confidential_client().await, app.public_client().await);
        let code = app.authorize_code(&client, &ada, "openid").await;
        assert_eq!(app.redeem(&thief, &code).await.verdict(), (400, "invalid_grant".to_owned()));
        let tokens = Tokens::of(&app.redeem(&client, &code).await);
        assert_eq!(app.redeem(&thief, &code).await.verdict(), (400, "invalid_grant".to_owned()));
        assert_eq!(app.userinfo(&tokens.access).await, 200, "the owner loses nothing");
    }
}

#[tokio::test]
async fn a_code_dies_with_its_last_second() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        for (age, status) in [(599, 200), (600, 400), (601, 400)] {
            let code = app.authorize_code(&client, &ada, "openid").await;
            app.travel(seconds(age));
            assert_eq!(app.redeem(&client, &code).await.status, status, "{age}");
        }
    }
}

#[tokio::test]
async fn configured_lifetimes_reach_codes_and_tokens() {
    for app in TestApp::everywhere_with(|config| {
        config.auth.provider.access_token_duration = seconds(5);
        config.auth.provider.refresh_token_duration = seconds(60);
        config.auth.provider.auth_code_duration = seconds(10);
    })
    .await
    {
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let late = app.authorize_code(&client, &ada, "openid").await;
        let tokens = app.tokens(&client, &ada, "openid").await;
        assert_eq!(tokens.json["expires_in"], 5);
        assert_eq!(app.userinfo(&tokens.access).await, 200);
        app.travel(seconds(6));
        assert_eq!(app.userinfo(&tokens.access).await, 401);
        app.travel(seconds(4));
        assert_eq!(app.redeem(&client, &late).await.error(), "invalid_grant");
        app.travel(minutes(1));
        assert_eq!(app.refresh(&client, tokens.refresh()).await.error(), "invalid_grant");
    }
}

#[tokio::test]
async fn refresh_tokens_are_a_choice_of_the_client() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let with = app.confidential_client().await;
        let without = app.confidential_client().with(|draft| draft.refresh_tokens = Some(false)).await;
        let tokens = app.tokens(&with, &ada, "openid offline_access").await;
        assert!(tokens.refresh.is_some() && tokens.json["scope"] == "openid offline_access");
        let tokens = app.tokens(&without, &ada, "openid offline_access").await;
        assert!(tokens.refresh.is_none() && tokens.json["scope"] == "openid", "{}", tokens.json);
    }
}

#[tokio::test]
async fn an_id_token_comes_with_openid_only() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let api_only = app.confidential_client().with(|draft| draft.scopes = vec!["readonly".into()]).await;
    let tokens = app.tokens(&api_only, &ada, "readonly").await;
    let refreshed = Tokens::of(&app.refresh(&api_only, tokens.refresh()).await);
    let machine = [("grant_type", "client_credentials"), ("scope", "readonly")];
    let machine = Tokens::of(&app.token_request(&api_only, &machine).await);
    for of_api in [tokens, refreshed, machine] {
        assert!(of_api.json.get("id_token").is_none(), "{}", of_api.json);
    }
    let mut browser = app.signed_in(&ada).await;
    browser.visit(&api_only.authorize("openid readonly", &[])).await;
    assert_eq!(browser.answer().get("error"), "invalid_scope", "nor can it ask for one");
    let client = app.confidential_client().await;
    assert!(app.tokens(&client, &ada, "email readonly").await.id_token.is_none());
    assert!(app.tokens(&client, &ada, "openid").await.id_token.is_some());
}
