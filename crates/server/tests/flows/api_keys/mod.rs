//! API keys: what they open, what makes them, what ends them.

mod admin;
mod audience;
mod hostile;
mod last_use;
mod life;
mod limits;
mod own;

use http::Method;

use crate::kit::{Call, Person, TestApp};

const OWN: &str = "/api/auth/api-keys";
const ALL: &str = "/api/admin/api-keys";
const ME: &str = "/api/auth/me";

/// Somebody who is signed in to the account API.
struct Signed<'a> {
    app: &'a TestApp,
    token: String,
}

impl<'a> Signed<'a> {
    async fn as_person(app: &'a TestApp, person: &Person) -> Self {
        Self { app, token: app.session_token(person).await }
    }

    /// The administrator.
    async fn as_admin(app: &'a TestApp) -> Self {
        let token = ayb_server::admin::sessions::local_token(&app.app).await.unwrap();
        Self { app, token: token.expose().to_owned() }
    }

    fn call(&self, method: Method, path: &str) -> Call {
        self.app.request(method, path).bearer(&self.token)
    }

    fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    fn post(&self, path: &str, body: &serde_json::Value) -> Call {
        self.call(Method::POST, path).json(body)
    }

    fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }
}
