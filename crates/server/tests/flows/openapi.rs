//! The description of the routes says what the router does, no more and no less.

use std::collections::BTreeSet;
use std::path::Path;

use ayb_server::openapi::{Extent, document, markdown};
use http::Method;
use serde_json::{Value, json};

use crate::kit::TestApp;

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

fn full() -> Value {
    serde_json::to_value(document(Extent::FULL)).unwrap()
}

/// The paths of all routes, read from the source.
fn paths_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            paths_in(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let routes = text.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next());
            found.extend(routes.filter(|path| path.starts_with('/')).map(str::to_owned));
        }
    }
}

#[tokio::test]
async fn every_route_is_described_with_the_methods_that_it_takes() {
    let app = TestApp::start().await;
    let document = full();
    let mut routes = BTreeSet::new();
    paths_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut routes);
    let described: BTreeSet<String> = document["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(described, routes, "the paths of the description and those of the router");
    for path in routes {
        for method in METHODS {
            let reply = app.request(method.clone(), &path.replace(['{', '}'], "x")).await;
            let taken = reply.status != 405;
            let has = |path: &str| document["paths"][path].get(method.as_str().to_lowercase()).is_some();
            // That word may be the key of a row.
            let row = path.strip_suffix("/batch").map(|table| format!("{table}/{{id}}"));
            let described = has(&path) || row.is_some_and(|row| has(&row));
            assert_eq!(taken, described, "{method} {path} {}", reply.status);
        }
    }
}

#[tokio::test]
async fn the_server_serves_what_it_offers() {
    let app = TestApp::start().await;
    let reply = app.get("/api/openapi.json").await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "application/json"));
    let served = reply.json();
    assert_eq!(served["paths"], full()["paths"]);
    assert_eq!(served["openapi"], "3.1.0");
    assert_eq!(served["servers"], json!([{"url": app.issuer()}]));
    let small = TestApp::with(|config| config.auth.provider.enabled = false).await;
    let served = small.get("/api/openapi.json").await.json();
    assert!(
        served["paths"].get("/oauth/token").is_none() && served["paths"].get("/api/admin/keys").is_none()
    );
    assert!(served["paths"].get("/api/admin/apps").is_some());
}

/// Whether a value is what the schema says; the path of what is not.
fn fits(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return fits(document, document.pointer(&reference[1..]).unwrap(), value, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fitting = choices.iter().any(|choice| fits(document, choice, value, at).is_ok());
        return if fitting { Ok(()) } else { Err(format!("{at} is none of the choices")) };
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !kinds.is_empty() && !kinds.contains(&kind) {
        return Err(format!("{at} is {kind}, not {kinds:?}"));
    }
    for item in value.as_array().into_iter().flatten() {
        fits(document, &schema["items"], item, &format!("{at}[]"))?;
    }
    let (Some(members), Some(properties)) = (value.as_object(), schema["properties"].as_object()) else {
        return Ok(());
    };
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for name in required {
        members.get(name).ok_or_else(|| format!("{at}.{name} is missing"))?;
    }
    for (name, member) in members {
        let property = properties.get(name).ok_or_else(|| format!("{at}.{name} is not described"))?;
        fits(document, property, member, &format!("{at}.{name}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn real_answers_are_what_the_description_says() {
    let app = TestApp::start().await;
    let document = full();
    let (ada, client) = (app.user("ada").await, app.confidential_client().await);
    let tokens = app.tokens(&client, &ada, "openid profile email readonly").await;
    let machine =
        app.token_request(&client, &[("grant_type", "client_credentials"), ("scope", "readonly")]).await;
    let claims = app.get("/oauth/userinfo").bearer(&tokens.access).await;
    let admin = ayb_server::admin::sessions::local_token(&app.app).await.unwrap();
    let listed = async |path: &str| app.get(path).bearer(admin.expose()).await.json();
    let session = app.session_token(&ada).await;
    let signed = |call: crate::kit::Call| call.bearer(&session);
    let registration = json!({"email": "bob@example.com", "password": "correct horse", "name": "Bob"});
    let session = app.session_token(&ada).await;
    let create =
        "create table notes (id integer primary key, parent integer references notes (id), text text)";
    app.app.store.db().execute(create, vec![]).await.unwrap();
    let collections = async |path: &str| app.get(path).bearer(&session).await.json();
    let answers = [
        ("CollectionList", collections("/api/collections").await),
        ("RowPage", collections("/api/collections/notes").await),
        ("TokenResponse", tokens.json.clone()),
        ("TokenResponse", machine.json()),
        ("UserClaims", claims.json()),
        ("OAuthError", app.token_request(&client, &[("grant_type", "password")]).await.json()),
        ("Error", app.get("/nowhere").await.json()),
        ("Error", app.post("/api/admin/auth").json(&json!({})).await.json()),
        ("Health", app.get("/health").await.json()),
        ("Health", app.get("/health/live").await.json()),
        ("KeySet", app.get("/jwks.json").await.json()),
        ("AppList", listed("/api/admin/apps").await),
        ("OAuthClientList", listed("/api/admin/oauth/clients").await),
        ("AdminUserList", listed("/api/admin/users").await),
        ("CreatedApiKey", signed(app.post("/api/auth/api-keys")).json(&json!({"name": "x"})).await.json()),
        ("ApiKeyList", signed(app.get("/api/auth/api-keys")).await.json()),
        ("ApiKeyList", listed("/api/admin/api-keys").await),
        ("AuditEventList", listed("/api/admin/audit").await),
        ("SigningKeyList", listed("/api/admin/keys").await),
        ("SessionTokens", app.post("/api/auth/register").json(&registration).await.json()),
    ];
    for (name, answer) in &answers {
        let fit = fits(&document, &document["components"]["schemas"][name], answer, name);
        assert_eq!(fit, Ok(()), "{answer}");
        assert!(answer.as_object().is_some_and(|members| !members.is_empty()), "{name}");
    }
    let wrong = json!({"access_token": 1, "more": true});
    let schema = &document["components"]["schemas"]["TokenResponse"];
    assert!(fits(&document, schema, &wrong, "").is_err(), "the comparison can fail");
    let metadata = app.get("/.well-known/openid-configuration").await.json();
    for name in document["components"]["schemas"]["ProviderMetadata"]["required"].as_array().unwrap() {
        assert!(metadata[name.as_str().unwrap()].is_string(), "{name}");
    }
}

#[test]
fn the_manual_has_every_operation_and_every_type() {
    let (page, document) = (markdown(), full());
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let head = format!("### `{} {path}`\n", method.to_uppercase());
            assert_eq!(page.matches(&head).count(), 1, "{head}");
        }
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(page.contains(&format!("### {name}\n")), "{name}");
    }
    assert!(!page.contains("(#)") && !page.contains("anything"), "every member has a type");
}
