//! Row-level security of PostgreSQL behind the API.

use ayb_store::db::Engine;
use ayb_testkit::Kind;
use serde_json::json;

use crate::kit::TestApp;

/// A server on PostgreSQL with a role of its own, when there is a PostgreSQL.
async fn with_role(script: &[&str]) -> Option<(TestApp, String)> {
    let database = ayb_testkit::databases().await.into_iter().find(|one| one.kind == Kind::Postgres)?;
    let app = TestApp::on(database).await;
    let db = app.app.store.db();
    assert_eq!(db.engine(), Engine::Postgres);
    for statement in script {
        db.script_dynamic((*statement).to_owned()).await.unwrap();
    }
    let role = format!("api_{}", app.app.mint.uuid(app.app.clock.now()).unwrap().simple());
    let named = role.clone();
    Some((app.twin(move |config| config.tables.role = named).await, role))
}

async fn drop_role(app: &TestApp, role: &str) {
    app.app.store.db().script_dynamic(format!("drop owned by {role}; drop role {role}")).await.unwrap();
}

#[tokio::test]
async fn policies_see_the_person_behind_each_credential() {
    let script = [
        "create table diary (id serial primary key, owner uuid default nullif(current_setting('ayb.user_id'), '')::uuid, text text)",
        "alter table diary enable row level security",
        "create policy own on diary using (owner::text = current_setting('ayb.user_id', true))",
        "create table told (id serial primary key, line text default concat_ws('|', current_setting('ayb.user_email'),
         current_setting('ayb.client_id'), current_setting('ayb.scope')))",
    ];
    let Some((app, role)) = with_role(&script).await else { return };
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let client = app.confidential_client().await;
    let (of_ada, of_bob) =
        (app.session_token(&ada).await, app.tokens(&client, &bob, "readwrite").await.access);
    for (token, text) in [(&of_ada, "ada's"), (&of_bob, "bob's")] {
        let made = app.post("/api/collections/diary").bearer(token).json(&json!({"text": text})).await;
        assert_eq!(made.status, 201, "{made}");
    }
    for (token, text) in [(&of_ada, "ada's"), (&of_bob, "bob's")] {
        let listed = app.get("/api/collections/diary").bearer(token).await.json();
        assert_eq!((&listed["items"][0]["text"], &listed["totalItems"]), (&json!(text), &json!(1)));
    }
    let forged = json!({"text": "x", "owner": ada.id.to_string()});
    let forged = app.post("/api/collections/diary").bearer(&of_bob).json(&forged).await;
    assert_eq!(forged.status, 403, "{forged}");
    let machine = app
        .token_request(&client, &[("grant_type", "client_credentials"), ("scope", "readonly readwrite")])
        .await;
    let machine = match machine.status.as_u16() {
        200 => machine.member("access_token"),
        _ => app
            .token_request(&client, &[("grant_type", "client_credentials"), ("scope", "readwrite")])
            .await
            .member("access_token"),
    };
    let listed = app.get("/api/collections/diary").bearer(&machine).await.json();
    assert_eq!(listed["items"], json!([]), "a token without a person is nobody, and not somebody else");
    let told = async |token: &str| {
        let made = app.post("/api/collections/told").bearer(token).json(&json!({})).await;
        made.member("line")
    };
    assert_eq!(told(&of_ada).await, format!("{}||*", ada.email));
    assert_eq!(told(&of_bob).await, format!("{}|{}|readwrite", bob.email, client.client_id));
    assert_eq!(told(&machine).await, format!("|{}|readwrite", client.client_id));
    drop_role(&app, &role).await;
}

#[tokio::test]
async fn a_role_above_policies_keeps_the_server_from_starting() {
    let Some((app, role)) = with_role(&["create table t (id integer primary key)"]).await else { return };
    app.app.store.db().script_dynamic(format!("alter role {role} bypassrls")).await.unwrap();
    let named = role.clone();
    let refused = app.reopened(move |config| config.tables.role = named, crate::kit::app::MASTER_KEY).await;
    let refused = refused.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("BYPASSRLS") && refused.contains("hint: "), "{refused}");
    drop_role(&app, &role).await;
}
