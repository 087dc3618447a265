//! OAuth clients: registered, read, changed, given new secrets and revoked, by the administrator only.

use ayb_protocol::ids::ClientId;
use ayb_protocol::secret::{ClientSecret, SecretHash};
use ayb_protocol::time::Seconds;
use serde_json::json;

use super::{CLIENTS, Desk, client_of, refusal, with};
use crate::kit::TestApp;
use crate::kit::client::{REDIRECT_URI, SCOPES};

fn machine<'a>(client: &'a str, secret: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("grant_type", "client_credentials"),
        ("scope", "readonly"),
        ("client_id", client),
        ("client_secret", secret),
    ]
}

#[tokio::test]
async fn a_registered_client_has_the_published_form_and_safe_defaults() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let app_id = desk.new_app("shop").await;
        let reply = desk.post(CLIENTS, &client_of(&app_id)).await;
        assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (201, "no-store"), "{reply}");
        let client = reply.json()["client"].clone();
        let expected = json!({
            "id": client["id"], "appId": app_id, "clientId": client["clientId"], "name": "Shop",
            "redirectUris": ["https://shop.example/cb"], "scopes": ["readonly", "openid"],
            "clientType": "confidential", "allowedOrigins": [], "postLogoutRedirectUris": [],
            "tokenFormat": "opaque", "signingAlg": "RS256", "audience": null, "refreshTokens": true,
            "refreshGraceSeconds": 0, "createdAt": "2027-01-15T08:00:00.000Z",
            "updatedAt": "2027-01-15T08:00:00.000Z", "revokedAt": null, "activeAccessTokenCount": 0,
            "activeRefreshTokenCount": 0, "totalGrants": 0, "lastTokenIssuedAt": null
        });
        assert_eq!(client, expected);
        let id = client["clientId"].as_str().unwrap();
        assert!(ClientId::parse(id).is_some(), "{id}");
        assert_eq!(desk.get(&format!("{CLIENTS}/{id}")).await.json(), expected);
        assert_eq!(desk.get(CLIENTS).await.json()["items"], json!([expected]));
    }
}

#[tokio::test]
async fn the_secret_is_shown_once_and_only_its_sha256_is_kept() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let app_id = desk.new_app("shop").await;
        let (id, secret) = desk.new_client(&client_of(&app_id)).await;
        let secret = secret.unwrap();
        let digits = secret.strip_prefix("ayb_cs_").unwrap();
        let is_lower_hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        assert!(digits.len() == 64 && is_lower_hex, "{secret}");
        let hash = ayb_protocol::hex::encode(SecretHash::<ClientSecret>::of(&secret).to_stored());
        let name = app.database.client_literal(&id);
        let sql = format!("select client_secret_hash from _ayb_oauth_clients where client_id = {name}");
        assert_eq!(app.db_rows(&sql).await, [[Some(hash.clone())]], "{}", app.kind);
        for path in [CLIENTS.to_owned(), format!("{CLIENTS}/{id}")] {
            let text = desk.get(&path).await.text();
            assert!(!text.contains(&secret) && !text.contains(&hash) && !text.contains("ecret"), "{text}");
        }
        assert!(!app.dump().await.contains(&secret));
        assert_eq!(app.post("/oauth/token").form(&machine(&id, &secret)).await.status, 200);
    }
}

#[tokio::test]
async fn a_public_client_has_no_secret() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let body = with(&client_of(&desk.new_app("shop").await), "clientType", json!("public"));
        let reply = desk.post(CLIENTS, &body).await;
        assert!(reply.json().get("clientSecret").is_none(), "{reply}");
        assert_eq!(reply.json()["client"]["clientType"], "public");
        let id = reply.json()["client"]["clientId"].as_str().unwrap().to_owned();
        let rotated = desk.post(&format!("{CLIENTS}/{id}/rotate-secret"), &json!({})).await;
        assert_eq!(refusal(&rotated), (400, String::new()), "{rotated}");
    }
}

#[tokio::test]
async fn every_setting_is_kept_and_a_change_leaves_what_it_does_not_name() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let settings = json!({
            "allowedOrigins": ["https://shop.example"], "postLogoutRedirectUris": ["https://shop.example/bye"],
            "tokenFormat": "jwt", "signingAlg": "ES256", "audience": "https://api.example", "refreshTokens": false,
            "refreshGraceSeconds": 10
        });
        let mut body = client_of(&desk.new_app("shop").await);
        body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let (id, _) = desk.new_client(&body).await;
        let path = format!("{CLIENTS}/{id}");
        let first = desk.get(&path).await.json();
        for (name, value) in settings.as_object().unwrap() {
            assert_eq!(&first[name], value, "{name}");
        }
        app.travel(Seconds(1));
        let three = json!({"name": "Store", "redirectUris": ["https://store.example/cb", "http://127.0.0.1/cb"], "scopes": ["*"]});
        let reply = desk.put(&path, &three).await;
        assert_eq!(reply.status, 200, "{reply}");
        let changed = reply.json();
        for name in ["name", "redirectUris", "scopes"] {
            assert_eq!(changed[name], three[name]);
        }
        for (name, value) in settings.as_object().unwrap() {
            assert_eq!(&changed[name], value, "{name} was not named and stays");
        }
        for name in ["id", "appId", "clientId", "clientType", "createdAt"] {
            assert_eq!(changed[name], first[name], "{name} never changes");
        }
        assert_eq!(changed["updatedAt"], "2027-01-15T08:00:01.000Z");
        let back = json!({
            "name": "Store", "redirectUris": ["https://store.example/cb"], "scopes": ["*"], "allowedOrigins": [],
            "postLogoutRedirectUris": [], "tokenFormat": "opaque", "signingAlg": "RS256", "audience": null,
            "refreshTokens": true, "refreshGraceSeconds": 0
        });
        desk.put(&path, &back).await;
        let read = desk.get(&path).await.json();
        for (name, value) in back.as_object().unwrap() {
            assert_eq!(&read[name], value, "{name}");
        }
    }
}

#[tokio::test]
async fn statistics_count_what_is_alive() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let path = format!("{CLIENTS}/{}", client.client_id);
        let counts = async || {
            let json = desk.get(&path).await.json();
            let names = ["activeAccessTokenCount", "activeRefreshTokenCount", "totalGrants"]
                .map(|name| json[name].as_u64().unwrap());
            (names, json["lastTokenIssuedAt"].as_str().map(str::to_owned))
        };
        let tokens = app.tokens(&client, &ada, "openid readonly").await;
        let secret = client.secret.clone().unwrap();
        app.travel(Seconds(5));
        app.post("/oauth/token").form(&machine(&client.client_id, &secret)).await;
        let last = Some("2027-01-15T08:00:05.000Z".to_owned());
        assert_eq!(counts().await, ([2, 1, 1], last.clone()), "{}", app.kind);
        let listed = desk.get(CLIENTS).await.json()["items"][0].clone();
        assert_eq!(listed, desk.get(&path).await.json(), "list and single answer agree");
        app.revoke(&client, tokens.refresh()).await;
        assert_eq!(counts().await.0, [1, 0, 1]);
        app.travel(Seconds(3600));
        assert_eq!(counts().await.0, [0, 0, 1], "an expired token is not alive");
    }
}

#[tokio::test]
async fn a_new_secret_kills_the_old_one_at_once_and_no_token() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let old = client.secret.clone().unwrap();
        let tokens = app.tokens(&client, &ada, "openid readonly").await;
        let reply = desk.post(&format!("{CLIENTS}/{}/rotate-secret", client.client_id), &json!({})).await;
        assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (200, "no-store"), "{reply}");
        let new = reply.member("clientSecret");
        assert_eq!(reply.json(), json!({"clientSecret": new}));
        assert_ne!(new, old);
        let ask =
            async |secret: &str| app.post("/oauth/token").form(&machine(&client.client_id, secret)).await;
        assert_eq!(ask(&old).await.verdict(), (401, "invalid_client".to_owned()), "{}", app.kind);
        assert_eq!(ask(&new).await.status, 200);
        assert_eq!(app.userinfo(&tokens.access).await, 200);
        let client = crate::kit::Client { secret: Some(new), ..client };
        assert_eq!(app.refresh(&client, tokens.refresh()).await.status, 200);
    }
}

#[tokio::test]
async fn a_replaced_secret_works_for_as_long_as_was_asked() {
    for app in TestApp::everywhere().await {
        let (desk, client) = (Desk::at(&app).await, app.confidential_client().await);
        let path = format!("{CLIENTS}/{}", client.client_id);
        let rotate = async |overlap: serde_json::Value| {
            desk.post(&format!("{path}/rotate-secret"), &json!({"overlapSeconds": overlap})).await
        };
        for (overlap, status) in [(json!(604_801), 400), (json!(-1), 422), (json!("1"), 422)] {
            assert_eq!(rotate(overlap.clone()).await.status, status, "{overlap}");
        }
        let old = client.secret.clone().unwrap();
        let new = rotate(json!(60)).await.member("clientSecret");
        assert_eq!(desk.get(&path).await.json()["previousSecretExpiresAt"], "2027-01-15T08:01:00.000Z");
        let ask = async |secret: &str| {
            app.post("/oauth/token").form(&machine(&client.client_id, secret)).await.status.as_u16()
        };
        assert_eq!((ask(&old).await, ask(&new).await), (200, 200), "{}", app.kind);
        app.travel(ayb_protocol::time::Seconds(60));
        assert_eq!((ask(&old).await, ask(&new).await), (401, 200), "{}", app.kind);
        let newest = rotate(json!(60)).await.member("clientSecret");
        assert_eq!((ask(&old).await, ask(&new).await, ask(&newest).await), (401, 200, 200));
        let last = rotate(json!(0)).await.member("clientSecret");
        assert_eq!((ask(&new).await, ask(&newest).await, ask(&last).await), (401, 401, 200));
    }
}

#[tokio::test]
async fn revoking_a_client_kills_everything_of_it_at_once() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let jwt_client =
            app.confidential_client().with(|draft| draft.token_format = Some("jwt".into())).await;
        for client in [client, jwt_client] {
            let tokens = app.tokens(&client, &ada, "openid readonly").await;
            let code = app.authorize_code(&client, &ada, "openid readonly").await;
            let path = format!("{CLIENTS}/{}", client.client_id);
            let reply = desk.delete(&path).await;
            assert_eq!((reply.status.as_u16(), reply.text().as_str()), (204, ""));
            assert_eq!(app.userinfo(&tokens.access).await, 401, "{}", app.kind);
            let dead = (401, "invalid_client".to_owned());
            assert_eq!(app.refresh(&client, tokens.refresh()).await.verdict(), dead);
            assert_eq!(app.redeem(&client, &code).await.verdict(), dead);
            assert!(!app.get(&client.authorize("openid", &[])).await.status.is_redirection());

            assert_eq!(
                refusal(&desk.delete(&path).await),
                (404, String::new()),
                "a second time there is nothing to revoke"
            );
            let json = desk.get(&path).await.json();
            assert!(json["revokedAt"].is_string(), "it stays in the books: {json}");
            assert_eq!(
                (&json["activeAccessTokenCount"], &json["activeRefreshTokenCount"]),
                (&json!(0), &json!(0))
            );
            let change = json!({"name": "x", "redirectUris": [REDIRECT_URI], "scopes": SCOPES});
            assert_eq!(refusal(&desk.put(&path, &change).await), (400, String::new()));
            assert_eq!(
                refusal(&desk.post(&format!("{path}/rotate-secret"), &json!({})).await),
                (400, String::new())
            );
            assert_eq!(desk.get(&path).await.json(), json, "nothing of it changed");
        }
    }
}

#[tokio::test]
async fn the_list_can_be_narrowed_to_an_app() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let (shop, blog) = (desk.new_app("shop").await, desk.new_app("blog").await);
        desk.new_client(&client_of(&shop)).await;
        desk.new_client(&client_of(&shop)).await;
        let (of_blog, _) = desk.new_client(&client_of(&blog)).await;
        let list = desk.get(&format!("{CLIENTS}?appId={blog}")).await.json();
        assert_eq!((&list["totalItems"], &list["items"][0]["clientId"]), (&json!(1), &json!(of_blog)));
        assert_eq!(desk.get(&format!("{CLIENTS}?appId={shop}&perPage=1")).await.json()["totalPages"], 2);
        assert_eq!(desk.get(CLIENTS).await.json()["totalItems"], 3);
        assert_eq!(refusal(&desk.get(&format!("{CLIENTS}?appId=x")).await), (400, "appId".to_owned()));
    }
}

#[tokio::test]
async fn what_is_no_client_id_names_no_client() {
    let app = TestApp::start().await;
    let desk = Desk::at(&app).await;
    let (id, _) = desk.new_client(&client_of(&desk.new_app("shop").await)).await;
    let row = desk.get(&format!("{CLIENTS}/{id}")).await.member("id");
    let capitals = id.replace("ayb_cid_", "AYB_CID_");
    for name in [&row, &capitals, &id[..id.len() - 1], "x", &format!("ayb_cid_{}", "00".repeat(24))] {
        let path = format!("{CLIENTS}/{name}");
        let change = json!({"name": "x", "redirectUris": [REDIRECT_URI], "scopes": ["*"]});
        for reply in [
            desk.get(&path).await,
            desk.put(&path, &change).await,
            desk.delete(&path).await,
            desk.post(&format!("{path}/rotate-secret"), &json!({})).await,
        ] {
            assert_eq!(refusal(&reply), (404, String::new()), "{name}");
        }
    }
}
