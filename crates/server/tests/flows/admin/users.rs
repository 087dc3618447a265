//! Accounts, as the administrator looks after them.

use serde_json::json;

use super::{Desk, USERS, refusal, with};
use crate::kit::{Person, TestApp};

async fn can_sign_in(app: &TestApp, email: &str, password: &str) -> bool {
    let mut browser = app.browser();
    let person = Person {
        id: ayb_protocol::ids::UserId(uuid::Uuid::nil()),
        email: email.to_owned(),
        password: password.to_owned(),
        name: String::new(),
    };
    browser.sign_in(&person).await;
    browser.session().is_some()
}

#[tokio::test]
async fn an_account_is_made_read_changed_and_deleted() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let body = json!({"email": " Ada@Example.COM ", "password": "correct horse", "name": "Ada"});
        let reply = desk.post(USERS, &body).await;
        assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (201, "no-store"), "{reply}");
        let ada = reply.json();
        let expected = json!({
            "id": ada["id"], "email": "ada@example.com", "emailVerified": false, "name": "Ada", "picture": null,
            "disabledAt": null, "createdAt": "2027-01-15T08:00:00.000Z", "updatedAt": "2027-01-15T08:00:00.000Z"
        });
        assert_eq!(ada, expected);
        assert!(!reply.text().contains("assword"), "{reply}");
        let path = format!("{USERS}/{}", reply.member("id"));
        assert_eq!(desk.get(&path).await.json(), expected);
        assert!(can_sign_in(&app, "ada@example.com", "correct horse").await, "{}", app.kind);

        let change = json!({"picture": "https://cdn.example/ada.png", "emailVerified": true});
        let changed = desk.put(&path, &change).await.json();
        assert_eq!((&changed["name"], &changed["emailVerified"]), (&json!("Ada"), &json!(true)));
        assert_eq!(changed["picture"], "https://cdn.example/ada.png");
        let cleared =
            desk.put(&path, &json!({"name": null, "picture": null, "emailVerified": false})).await.json();
        assert_eq!(
            cleared,
            with(&with(&expected, "name", json!(null)), "updatedAt", cleared["updatedAt"].clone())
        );
        assert_eq!(desk.get(&path).await.json(), cleared);

        assert_eq!(desk.delete(&path).await.status, 204);
        for reply in [
            desk.delete(&path).await,
            desk.get(&path).await,
            desk.put(&path, &change).await,
            desk.post(&format!("{path}/disable"), &json!({})).await,
            desk.post(&format!("{path}/enable"), &json!({})).await,
            desk.put(&format!("{path}/password"), &json!({"password": "correct horse"})).await,
        ] {
            assert_eq!(refusal(&reply), (404, String::new()), "{reply}");
        }
    }
}

#[tokio::test]
async fn each_member_that_breaks_a_rule_is_named() {
    let app = TestApp::start().await;
    let desk = Desk::at(&app).await;
    let good = json!({"email": "ada@example.com", "password": "correct horse"});
    let taken = app.user("bob").await;
    for (member, value, status) in [
        ("email", json!(""), 400),
        ("email", json!("ada"), 400),
        ("email", json!("a\u{0}@b.c"), 400),
        ("email", json!(1), 422),
        ("email", json!(taken.email.to_uppercase()), 409),
        ("password", json!(""), 400),
        ("password", json!("1234567"), 400),
        ("password", json!("x".repeat(1025)), 400),
        ("name", json!("x".repeat(201)), 400),
        ("name", json!("a\nb"), 400),
        ("picture", json!("http://cdn.example/a.png"), 400),
        ("picture", json!("javascript:alert(1)"), 400),
        ("emailVerified", json!("yes"), 422),
    ] {
        let reply = desk.post(USERS, &with(&good, member, value.clone())).await;
        assert_eq!(refusal(&reply), (status, member.to_owned()), "{value}");
    }
    for missing in ["email", "password"] {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(missing);
        assert_eq!(refusal(&desk.post(USERS, &body).await), (400, missing.to_owned()));
    }
    let path = format!("{USERS}/{}", taken.id);
    for member in ["email", "password", "passwordHash", "disabledAt", "id"] {
        let reply = desk.put(&path, &json!({member: "x"})).await;
        assert_eq!(reply.status, 422, "{member} is not changed here: {reply}");
    }
    assert_eq!(desk.get(USERS).await.json()["totalItems"], 1);
}

#[tokio::test]
async fn a_locked_account_is_dead_until_it_is_unlocked_and_its_sessions_for_good() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let tokens = app.tokens(&client, &ada, "openid").await;
        let mut browser = app.signed_in(&ada).await;
        let path = format!("{USERS}/{}", ada.id);
        let locked = desk.call(http::Method::POST, &format!("{path}/disable")).await;
        assert_eq!(locked.status, 200, "{locked}");
        assert_eq!(locked.json()["disabledAt"], "2027-01-15T08:00:00.000Z");
        assert_eq!(app.userinfo(&tokens.access).await, 401, "{}", app.kind);
        assert_eq!(app.refresh(&client, tokens.refresh()).await.error(), "invalid_grant");
        assert!(!can_sign_in(&app, &ada.email, &ada.password).await);
        app.travel(ayb_protocol::time::Seconds(60));
        let again = desk.call(http::Method::POST, &format!("{path}/disable")).await;
        assert_eq!(
            again.json()["disabledAt"],
            locked.json()["disabledAt"],
            "it has been locked since the first time"
        );

        let unlocked = desk.call(http::Method::POST, &format!("{path}/enable")).await;
        assert_eq!(unlocked.json()["disabledAt"], json!(null));
        assert!(can_sign_in(&app, &ada.email, &ada.password).await);
        browser.visit("/login").await;
        assert!(
            browser.reply().page().by_id("login-submit").is_some(),
            "the session from before is over: the form is shown"
        );
    }
}

#[tokio::test]
async fn a_new_password_throws_out_whoever_knew_the_old_one() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let ada = app.user("ada").await;
        let client = app.confidential_client().await;
        let tokens = app.tokens(&client, &ada, "openid").await;
        let mut browser = app.signed_in(&ada).await;
        let path = format!("{USERS}/{}/password", ada.id);
        for (body, status, field) in [
            (json!({"password": "1234567"}), 400, "password"),
            (json!({}), 400, "password"),
            (json!({"password": 1}), 422, "password"),
            (json!({"password": "correct horse", "keep": true}), 422, ""),
        ] {
            assert_eq!(refusal(&desk.put(&path, &body).await), (status, field.to_owned()), "{body}");
        }
        assert_eq!(app.userinfo(&tokens.access).await, 200);
        let reply = desk.put(&path, &json!({"password": "correct horse"})).await;
        assert_eq!((reply.status.as_u16(), reply.text().as_str()), (204, ""), "{reply}");
        assert_eq!(app.userinfo(&tokens.access).await, 401, "{}", app.kind);
        browser.visit("/login").await;
        assert!(
            browser.reply().page().by_id("login-submit").is_some(),
            "the session is over: the form is shown"
        );
        assert!(!can_sign_in(&app, &ada.email, &ada.password).await);
        assert!(can_sign_in(&app, &ada.email, "correct horse").await);
    }
}

#[tokio::test]
async fn whatever_lets_somebody_in_ends_at_once_and_the_password_stays() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        let (ada, eve) = (app.user("ada").await, app.user("eve").await);
        let client = app.confidential_client().await;
        let tokens = app.tokens(&client, &ada, "openid").await;
        let eves = app.tokens(&client, &eve, "openid").await;
        let mut browser = app.signed_in(&ada).await;
        app.code_in(&mut browser, &client, "openid", &[]).await;
        let key = app.api_key(&ada, |_| {}).await;
        let path = format!("{USERS}/{}/revoke", ada.id);
        let reply = desk.call(http::Method::POST, &path).await;
        assert_eq!((reply.status.as_u16(), reply.text().as_str()), (204, ""), "{reply}");
        assert_eq!(app.userinfo(&tokens.access).await, 401, "{}", app.kind);
        assert_eq!(app.refresh(&client, tokens.refresh()).await.error(), "invalid_grant");
        assert_eq!(app.get("/api/auth/me").bearer(&key.text).await.status, 401);
        browser.visit("/login").await;
        assert!(browser.reply().page().by_id("login-submit").is_some(), "the session is over");
        assert!(can_sign_in(&app, &ada.email, &ada.password).await);
        let mut browser = app.signed_in(&ada).await;
        browser.visit(&client.authorize("openid", &[])).await;
        assert!(browser.reply().page().by_id("consent-allow").is_some(), "she is asked again");
        assert_eq!(app.userinfo(&eves.access).await, 200, "nobody else notices");
        let unknown = format!("{USERS}/{}/revoke", uuid::Uuid::nil());
        assert_eq!(refusal(&desk.call(http::Method::POST, &unknown).await), (404, String::new()));
        app.eventually("select id from _ayb_audit where event = 'user.access_revoked'").await;
    }
}

#[tokio::test]
async fn people_are_found_by_a_part_of_address_or_name() {
    for app in TestApp::everywhere().await {
        let desk = Desk::at(&app).await;
        for name in ["ada", "adam", "bob"] {
            app.user(name).await;
            app.travel(ayb_protocol::time::Seconds(1));
        }
        app.user("100%_sure").await;
        let found = async |search: &str| {
            let query =
                form_urlencoded::Serializer::new(String::new()).append_pair("search", search).finish();
            desk.get(&format!("{USERS}?{query}")).await.json()["totalItems"].as_u64().unwrap()
        };
        for (search, count) in
            [("", 4), ("ADA", 2), ("adam", 1), ("@example", 4), ("%", 1), ("_", 1), ("'", 0), ("zoe", 0)]
        {
            assert_eq!(found(search).await, count, "{} {search:?}", app.kind);
        }
        let page = desk.get(&format!("{USERS}?search=ada&perPage=1&page=2")).await.json();
        assert_eq!((&page["items"][0]["name"], &page["totalPages"]), (&json!("ada"), &json!(2)));
    }
}
