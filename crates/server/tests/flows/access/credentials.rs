//! Every kind of credential that there is, alive and dead, with every scope and every way to be limited to tables.

use ayb_protocol::scope::ResourceScope;
use ayb_protocol::tables::AllowedTables;
use ayb_server::admin::sessions::local_token;
use serde_json::json;

use super::Library;
use crate::kit::{Browser, Client, Person, TestApp, Tokens};

/// What a caller sends, and what that means.
pub(super) struct Credential {
    pub(super) name: String,
    /// The bearer string; none for a request without one.
    pub(super) token: Option<String>,
    pub(super) means: Means,
}

/// What a credential says.
pub(super) enum Means {
    /// There is none.
    Missing,
    /// It opens nothing here, whatever is asked.
    Dead,
    /// It is alive.
    Alive {
        /// Its word about tables; empty when it has none.
        scope: &'static str,
        /// The tables that it is limited to; empty for every table.
        tables: &'static [&'static str],
    },
}

const SCOPES: [&str; 3] = ["readonly", "readwrite", "*"];
/// Every table, one, both that the requests need, and one that does not exist.
const TABLES: [&[&str]; 4] = [&[], &["books"], &["authors", "books"], &["elsewhere"]];

fn alive(kind: &str, token: String, scope: &'static str, tables: &'static [&'static str]) -> Credential {
    Credential {
        name: format!("{kind} {scope:?} {tables:?}"),
        token: Some(token),
        means: Means::Alive { scope, tables },
    }
}

fn dead(name: &str, token: impl Into<String>) -> Credential {
    Credential { name: name.to_owned(), token: Some(token.into()), means: Means::Dead }
}

/// All of them.
pub(super) async fn credentials(library: &Library) -> Vec<Credential> {
    let mut all = expired(&library.app).await;
    all.extend(living(library).await);
    all.extend(ended(library).await);
    all.extend(of_other_kinds(library).await);
    all.push(Credential { name: "nothing".to_owned(), token: None, means: Means::Missing });
    all
}

/// A client whose access tokens have this form.
async fn client_of(app: &TestApp, format: &str) -> Client {
    app.confidential_client()
        .with(|draft| {
            draft.scopes.push("*".to_owned());
            draft.token_format = Some(format.to_owned());
        })
        .await
}

/// What a person gives a client.
async fn tokens(
    app: &TestApp,
    browser: &mut Browser,
    client: &Client,
    scope: &str,
    tables: &[&str],
) -> Tokens {
    let code = app.code_in(browser, client, scope, &[("allowed_tables", &tables.join(","))]).await;
    Tokens::of(&app.redeem(client, &code).await)
}

async fn key(app: &TestApp, person: &Person, scope: &str, tables: &[&str]) -> crate::kit::Key {
    let scope = match scope {
        "readonly" => ResourceScope::Readonly,
        "readwrite" => ResourceScope::Readwrite,
        _ => ResourceScope::Full,
    };
    let tables = tables.iter().map(|table| (*table).to_owned()).collect();
    let tables = AllowedTables::from_stored(Some(tables));
    app.api_key(person, |key| (key.scope, key.tables) = (scope, tables)).await
}

async fn living(library: &Library) -> Vec<Credential> {
    let (app, ada) = (&library.app, &library.ada);
    let mut browser = app.signed_in(ada).await;
    let mut all = vec![alive("session", app.session_token(ada).await, "*", &[])];
    for format in ["opaque", "jwt"] {
        let client = client_of(app, format).await;
        for scope in SCOPES {
            for tables_of in TABLES {
                let token = tokens(app, &mut browser, &client, scope, tables_of).await.access;
                assert_eq!(token.starts_with("ayb_at_"), format == "opaque");
                all.push(alive(format, token, scope, tables_of));
                let list = tables_of.join(",");
                let mut asked = vec![("grant_type", "client_credentials"), ("scope", scope)];
                asked.extend((!list.is_empty()).then_some(("allowed_tables", list.as_str())));
                let token = app.token_request(&client, &asked).await.member("access_token");
                all.push(alive(&format!("{format} of a machine"), token, scope, tables_of));
            }
        }
        let identity = tokens(app, &mut browser, &client, "openid email", &[]).await.access;
        all.push(alive(&format!("{format} about identity"), identity, "", &[]));
    }
    for scope in SCOPES {
        for tables in TABLES {
            all.push(alive("API key", key(app, ada, scope, tables).await.text, scope, tables));
        }
    }
    all
}

/// What was alive until its time was over.
async fn expired(app: &TestApp) -> Vec<Credential> {
    let eve = app.user("eve").await;
    let mut browser = app.signed_in(&eve).await;
    let mut all = vec![dead("expired session", app.session_token(&eve).await)];
    for format in ["opaque", "jwt"] {
        let client = client_of(app, format).await;
        let token = tokens(app, &mut browser, &client, "*", &[]).await.access;
        all.push(dead(&format!("expired {format}"), token));
    }
    let end = app.clock.now().plus(crate::kit::time::seconds(60));
    let key = app.api_key(&eve, |key| key.expires_at = Some(end)).await;
    all.push(dead("expired API key", key.text));
    let lifetimes = [app.app.config.auth.token_duration, app.app.config.auth.provider.access_token_duration];
    app.travel(lifetimes.into_iter().max().unwrap());
    all
}

/// What was ended before its time.
async fn ended(library: &Library) -> Vec<Credential> {
    let (app, ada) = (&library.app, &library.ada);
    let mut all = Vec::new();
    let bob = app.user("bob").await;
    let (mut by_ada, mut by_bob) = (app.signed_in(ada).await, app.signed_in(&bob).await);
    for format in ["opaque", "jwt"] {
        let client = client_of(app, format).await;
        let token = tokens(app, &mut by_ada, &client, "*", &[]).await.access;
        app.revoke(&client, &token).await;
        all.push(dead(&format!("revoked {format}"), token));
        let token = tokens(app, &mut by_bob, &client, "*", &[]).await.access;
        all.push(dead(&format!("{format} of somebody disabled"), token));
    }
    let key_of_ada = key(app, ada, "*", &[]).await;
    assert!(app.app.store.revoke_api_key(key_of_ada.id, None, app.clock.now()).await.unwrap());
    all.push(dead("revoked API key", key_of_ada.text));
    all.push(dead("API key of somebody disabled", key(app, &bob, "*", &[]).await.text));
    all.push(dead("session of somebody disabled", app.session_token(&bob).await));
    let now = app.clock.now();
    assert!(app.app.store.set_user_disabled(bob.id, Some(now), now).await.unwrap());
    let words = json!({"email": ada.email, "password": ada.password});
    let session = app.post("/api/auth/login").json(&words).await;
    let refresh = json!({"refreshToken": session.member("refreshToken")});
    assert_eq!(app.post("/api/auth/logout").json(&refresh).await.status, 204);
    all.push(dead("session that was ended", session.member("token")));
    all
}

/// What is alive, and for something else.
async fn of_other_kinds(library: &Library) -> Vec<Credential> {
    let (app, ada) = (&library.app, &library.ada);
    let mut browser = app.signed_in(ada).await;
    let client = client_of(app, "jwt").await;
    let given = tokens(app, &mut browser, &client, "openid *", &[]).await;
    let code = app.code_in(&mut browser, &client, "*", &[]).await;
    let elsewhere = app.confidential_client().with(|draft| {
        draft.scopes.push("*".to_owned());
        draft.token_format = Some("jwt".to_owned());
        draft.audience = Some("https://api.example".to_owned());
    });
    let elsewhere = tokens(app, &mut browser, &elsewhere.await, "*", &[]).await.access;
    let words = json!({"email": ada.email, "password": ada.password});
    let session = app.post("/api/auth/login").json(&words).await.member("refreshToken");
    let [mut no_key, mut no_token] = [key(app, ada, "*", &[]).await.text, given.access.clone()];
    no_key.replace_range(4..5, if no_key.as_bytes()[4] == b'0' { "1" } else { "0" });
    no_token.truncate(no_token.len() - 4);
    vec![
        dead("refresh token", given.refresh()),
        dead("ID token", given.id_token.clone().unwrap()),
        dead("authorization code", code),
        dead("client secret", client.secret.clone().unwrap()),
        dead("client identifier", client.client_id.clone()),
        dead("refresh token of a session", session),
        dead("cookie of a browser", browser.session().unwrap()),
        dead("administrator", local_token(&app.app).await.unwrap().expose()),
        dead("JWT for another API", elsewhere),
        dead("JWT with another signature", no_token),
        dead("API key with another digit", no_key),
        dead("noise", "x"),
    ]
}
