//! The administration API, as operators, programs and people who are no administrator meet it.

mod access;
mod apps;
mod audit;
mod client_rules;
mod clients;
mod command_line;
mod failure;
mod keys;
mod sign_in;
mod users;

use http::Method;
use serde_json::{Value, json};

use crate::kit::{Call, Reply, TestApp};

const APPS: &str = "/api/admin/apps";
const CLIENTS: &str = "/api/admin/oauth/clients";
const USERS: &str = "/api/admin/users";

/// The administrator at work.
struct Desk<'a> {
    app: &'a TestApp,
    token: String,
}

impl<'a> Desk<'a> {
    async fn at(app: &'a TestApp) -> Self {
        let token = ayb_server::admin::sessions::local_token(&app.app).await.unwrap();
        Self { app, token: token.expose().to_owned() }
    }

    fn call(&self, method: Method, path: &str) -> Call {
        self.app.request(method, path).bearer(&self.token)
    }

    async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path).await
    }

    async fn post(&self, path: &str, body: &Value) -> Reply {
        self.call(Method::POST, path).json(body).await
    }

    async fn put(&self, path: &str, body: &Value) -> Reply {
        self.call(Method::PUT, path).json(body).await
    }

    async fn delete(&self, path: &str) -> Reply {
        self.call(Method::DELETE, path).await
    }

    /// Everything that is in the database, once all that was begun is done.
    async fn dump(&self) -> String {
        self.app.app.background.idle().await;
        self.app.dump().await
    }

    /// An app of a person of its own.
    async fn new_app(&self, name: &str) -> String {
        let owner = self.app.user(&format!("owner-of-{name}")).await.id;
        let reply = self.post(APPS, &json!({"name": name, "ownerUserId": owner})).await;
        assert_eq!(reply.status, 201, "{reply}");
        reply.member("id")
    }

    /// A registered client: its id, and its secret when it has one.
    async fn new_client(&self, body: &Value) -> (String, Option<String>) {
        let reply = self.post(CLIENTS, body).await;
        assert_eq!(reply.status, 201, "{reply}");
        let json = reply.json();
        let secret = json["clientSecret"].as_str().map(str::to_owned);
        (json["client"]["clientId"].as_str().unwrap().to_owned(), secret)
    }
}

/// The least that registers a client.
fn client_of(app_id: &str) -> Value {
    json!({
        "appId": app_id, "name": "Shop", "redirectUris": ["https://shop.example/cb"],
        "scopes": ["readonly", "openid"]
    })
}

/// The same body with one member changed.
fn with(body: &Value, member: &str, value: Value) -> Value {
    let mut body = body.clone();
    body[member] = value;
    body
}

/// A refusal as program reads it: status and the field at fault.
#[track_caller]
fn refusal(reply: &Reply) -> (u16, String) {
    let json = reply.json();
    assert_eq!(json["code"], reply.status.as_u16(), "{reply}");
    assert_eq!(reply.header("cache-control"), "no-store", "{reply}");
    (reply.status.as_u16(), json["data"]["field"].as_str().unwrap_or_default().to_owned())
}
