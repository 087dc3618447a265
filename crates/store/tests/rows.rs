//! The tables, tried with rows that must and must not fit.

use ayb_protocol::ids::ClientId;
use ayb_protocol::time::Timestamp;
use ayb_store::db::{Db, Value};
use ayb_store::error::StoreError;
use uuid::Uuid;

use crate::kit::each_migrated;

type Columns = Vec<(&'static str, Value)>;

pub(crate) fn id(number: u128) -> Value {
    Uuid::from_u128(number).into()
}

fn at() -> Value {
    Timestamp::from_seconds(1_763_700_000).into()
}

fn list(texts: &[&str]) -> Value {
    texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>().into()
}

fn client_text(number: u32) -> String {
    format!("ayb_cid_{number:048x}")
}

pub(crate) fn client_id(number: u32) -> Value {
    (&ClientId::parse(&client_text(number)).unwrap()).into()
}

fn hash(byte: u8) -> Value {
    Value::Hex("", vec![byte; 32])
}

fn user() -> Columns {
    vec![("id", id(1)), ("email", "ada@example.org".into())]
}

fn app() -> Columns {
    vec![("id", id(1)), ("name", "Notes".into())]
}

fn client() -> Columns {
    vec![
        ("id", id(1)),
        ("app_id", id(1)),
        ("client_id", client_id(1)),
        ("client_secret_hash", hash(0x0f)),
        ("name", "Notes".into()),
        ("redirect_uris", list(&["https://app.example/cb"])),
        ("scopes", list(&["readonly"])),
        ("client_type", "confidential".into()),
    ]
}

fn code() -> Columns {
    vec![
        ("id", id(1)),
        ("code_hash", hash(1)),
        ("client_id", client_id(1)),
        ("user_id", id(1)),
        ("redirect_uri", "https://app.example/cb".into()),
        ("scope", "readonly".into()),
        ("code_challenge", "challenge".into()),
        ("state", "state".into()),
        ("auth_time", at()),
        ("amr", list(&["pwd"])),
        ("grant_id", id(1)),
        ("expires_at", at()),
    ]
}

fn token() -> Columns {
    vec![
        ("id", id(1)),
        ("token_hash", hash(1)),
        ("token_type", "access".into()),
        ("client_id", client_id(1)),
        ("user_id", id(1)),
        ("scope", "readonly".into()),
        ("grant_id", id(1)),
        ("expires_at", at()),
    ]
}

fn consent() -> Columns {
    vec![("id", id(1)), ("user_id", id(1)), ("client_id", client_id(1)), ("scope", "readonly".into())]
}

fn grant() -> Columns {
    let mut grant = consent();
    grant.extend([("auth_time", at()), ("amr", list(&[]))]);
    grant
}

fn api_key() -> Columns {
    vec![
        ("id", id(1)),
        ("key_hash", hash(1)),
        ("key_prefix", "ayb_01234567".into()),
        ("user_id", id(1)),
        ("name", "Import".into()),
        ("scope", "readonly".into()),
    ]
}

fn session() -> Columns {
    vec![
        ("id", id(1)),
        ("kind", "browser".into()),
        ("token_hash", hash(1)),
        ("user_id", id(1)),
        ("auth_time", at()),
        ("amr", list(&["pwd"])),
        ("expires_at", at()),
    ]
}

fn user_token() -> Columns {
    vec![
        ("id", id(1)),
        ("kind", "reset".into()),
        ("token_hash", hash(1)),
        ("user_id", id(1)),
        ("email", "ada@example.org".into()),
        ("expires_at", at()),
    ]
}

fn signing_key() -> Columns {
    vec![
        ("kid", "k1".into()),
        ("algorithm", "RS256".into()),
        ("state", "active".into()),
        ("private_key_sealed", vec![1_u8, 2].into()),
        ("public_jwk", "{}".into()),
        ("published_at", at()),
    ]
}

fn with(mut columns: Columns, changes: &[(&'static str, Value)]) -> Columns {
    for (name, value) in changes {
        columns.retain(|(column, _)| column != name);
        columns.push((name, value.clone()));
    }
    columns
}

async fn insert(db: &Db, table: &str, columns: Columns) -> Result<(), StoreError> {
    let (names, values): (Vec<&str>, Vec<Value>) = columns.into_iter().unzip();
    let places: Vec<String> = (1..=names.len()).map(|number| format!("${number}")).collect();
    let sql = format!("insert into {table} ({}) values ({})", names.join(", "), places.join(", "));
    // A test may leak its few statements; the product has constants.
    db.execute(String::leak(sql), values).await.map(|_| ())
}

/// One row in every table, in the order of their references.
async fn fill(db: &Db) {
    let rows = [
        ("_ayb_users", user()),
        ("_ayb_apps", with(app(), &[("owner_user_id", id(1))])),
        ("_ayb_sessions", session()),
        ("_ayb_user_tokens", user_token()),
        ("_ayb_signing_keys", signing_key()),
        ("_ayb_oauth_clients", client()),
        ("_ayb_oauth_grants", grant()),
        ("_ayb_oauth_authorization_codes", code()),
        ("_ayb_oauth_tokens", token()),
        ("_ayb_oauth_consents", consent()),
        ("_ayb_api_keys", api_key()),
    ];
    for (table, row) in rows {
        insert(db, table, row).await.unwrap_or_else(|error| panic!("{table}: {error}"));
    }
}

#[tokio::test]
async fn defaults_are_what_they_say() {
    each_migrated(async |db: Db| {
        fill(&db).await;
        let sql = "select allowed_origins, post_logout_redirect_uris, token_format, signing_alg, refresh_tokens,
                   refresh_grace_seconds, created_at, updated_at, revoked_at, audience from _ayb_oauth_clients";
        let row = db.one(sql, &[]).await.unwrap().unwrap();
        assert_eq!((row.list(0).unwrap(), row.list(1).unwrap()), (vec![], vec![]));
        assert_eq!((row.text(2).unwrap(), row.text(3).unwrap()), ("opaque", "RS256"));
        assert_eq!((row.bool(4).unwrap(), row.int(5).unwrap()), (true, 0));
        // Milliseconds by the clock of the database, neither seconds nor microseconds.
        assert!((1_763_600_000_000..4_000_000_000_000).contains(&row.time(6).unwrap().as_millis()));
        assert_eq!(row.time(6).unwrap(), row.time(7).unwrap());
        assert_eq!((row.opt_time(8).unwrap(), row.opt_text(9).unwrap()), (None, None));
        let sql = "select code_challenge_method, allowed_tables, used_at from _ayb_oauth_authorization_codes";
        let row = db.one(sql, &[]).await.unwrap().unwrap();
        assert_eq!((row.text(0).unwrap(), row.opt_list(1).unwrap(), row.opt_time(2).unwrap()), ("S256", None, None));
    })
    .await;
}

#[tokio::test]
async fn rows_that_must_not_be_are_refused() {
    let check = |table, row: Columns, changes: &[(&'static str, Value)]| (table, with(row, changes));
    let clients = "_ayb_oauth_clients";
    let public = |hash: Value| [("client_type", "public".into()), ("client_secret_hash", hash)];
    let refused = [
        check(clients, client(), &[("client_id", "ayb_cid_1".into())]),
        check(clients, client(), &[("client_id", client_text(2).to_uppercase().into())]),
        check(clients, client(), &[("client_id", format!("{}0", client_text(2)).into())]),
        check(clients, client(), &[("client_id", format!("{}\n", client_text(2)).into())]),
        check(clients, client(), &[("client_id", client_text(2).replace("ayb", "abc").into())]),
        check(clients, client(), &[("client_id", client_text(2).replace("02", "0g").into())]),
        check(clients, client(), &[("client_type", "secret".into())]),
        check(clients, client(), &[("client_secret_hash", Value::Null)]),
        check(clients, client(), &[("client_secret_hash", "ayb_cs_plain".into())]),
        check(clients, client(), &public(hash(0x0f))),
        check(clients, client(), &[("app_id", Value::Null)]),
        check(clients, client(), &[("name", Value::Null)]),
        check(clients, client(), &[("redirect_uris", Value::Null)]),
        check(clients, client(), &[("scopes", Value::Null)]),
        check(clients, client(), &[("token_format", "jwe".into())]),
        check(clients, client(), &[("signing_alg", "none".into())]),
        check(clients, client(), &[("refresh_grace_seconds", 61.into())]),
        check(clients, client(), &[("refresh_grace_seconds", (-1).into())]),
        check(clients, client(), &[("previous_secret_hash", hash(0x0f))]),
        check("_ayb_oauth_authorization_codes", code(), &[("code_challenge_method", "plain".into())]),
        check("_ayb_oauth_authorization_codes", code(), &[("code_challenge", Value::Null)]),
        check("_ayb_oauth_authorization_codes", code(), &[("state", Value::Null)]),
        check("_ayb_oauth_authorization_codes", code(), &[("expires_at", Value::Null)]),
        check("_ayb_oauth_tokens", token(), &[("token_type", "id".into())]),
        check("_ayb_oauth_tokens", token(), &[("token_hash", Value::Null)]),
        check("_ayb_oauth_tokens", token(), &[("grant_id", Value::Null)]),
        check("_ayb_oauth_consents", consent(), &[("scope", Value::Null)]),
        check("_ayb_sessions", session(), &[("kind", "cookie".into())]),
        check("_ayb_sessions", session(), &[("user_id", Value::Null)]),
        check("_ayb_user_tokens", user_token(), &[("kind", "login".into())]),
        check("_ayb_signing_keys", signing_key(), &[("state", "lost".into())]),
        check("_ayb_signing_keys", signing_key(), &[("algorithm", "HS256".into())]),
        check("_ayb_api_keys", api_key(), &[("key_hash", "ayb_plain".into())]),
        check("_ayb_api_keys", api_key(), &[("scope", "openid".into())]),
        check("_ayb_api_keys", api_key(), &[("scope", Value::Null)]),
        check("_ayb_api_keys", api_key(), &[("user_id", Value::Null)]),
        check("_ayb_apps", app(), &[("rate_limit_rps", (-1).into())]),
        check("_ayb_apps", app(), &[("rate_limit_window_seconds", 0.into())]),
    ];
    each_migrated(async |db: Db| {
        insert(&db, "_ayb_users", user()).await.unwrap();
        insert(&db, "_ayb_apps", app()).await.unwrap();
        insert(&db, clients, client()).await.unwrap();
        for (table, row) in &refused {
            let outcome = insert(&db, table, row.clone()).await;
            assert!(matches!(outcome, Err(StoreError::Check { .. })), "{table} {row:?}: {outcome:?}");
        }
        let public = with(client(), &public(Value::Null));
        insert(&db, clients, with(public, &[("id", id(3)), ("client_id", client_id(3))])).await.unwrap();
        insert(&db, "_ayb_sessions", with(session(), &[("kind", "admin".into()), ("user_id", Value::Null)]))
            .await
            .unwrap();
        insert(&db, "_ayb_oauth_tokens", with(token(), &[("user_id", Value::Null)])).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn references_hold() {
    let orphans = [
        ("_ayb_oauth_clients", with(client(), &[("app_id", id(9)), ("client_id", client_id(2))])),
        (
            "_ayb_oauth_authorization_codes",
            with(code(), &[("client_id", client_id(9)), ("code_hash", hash(2))]),
        ),
        ("_ayb_oauth_authorization_codes", with(code(), &[("user_id", id(9)), ("code_hash", hash(2))])),
        ("_ayb_oauth_tokens", with(token(), &[("client_id", client_id(9))])),
        ("_ayb_oauth_tokens", with(token(), &[("user_id", id(9))])),
        ("_ayb_oauth_consents", with(consent(), &[("client_id", client_id(9))])),
        ("_ayb_oauth_consents", with(consent(), &[("user_id", id(9))])),
        ("_ayb_oauth_grants", with(grant(), &[("client_id", client_id(9))])),
        ("_ayb_oauth_grants", with(grant(), &[("user_id", id(9))])),
        ("_ayb_sessions", with(session(), &[("user_id", id(9))])),
        ("_ayb_user_tokens", with(user_token(), &[("user_id", id(9)), ("token_hash", hash(2))])),
        ("_ayb_apps", with(app(), &[("owner_user_id", id(9))])),
        ("_ayb_api_keys", with(api_key(), &[("user_id", id(9)), ("key_hash", hash(2))])),
        ("_ayb_api_keys", with(api_key(), &[("app_id", id(9)), ("key_hash", hash(2))])),
    ];
    each_migrated(async |db: Db| {
        fill(&db).await;
        for (table, row) in &orphans {
            let outcome = insert(&db, table, with(row.clone(), &[("id", id(2))])).await;
            assert_eq!(outcome, Err(StoreError::ForeignKey), "{table} {row:?}");
        }
        for sql in ["delete from _ayb_apps", "delete from _ayb_oauth_clients"] {
            assert_eq!(db.execute(sql, vec![]).await, Err(StoreError::ForeignKey), "{sql}");
        }
    })
    .await;
}

#[tokio::test]
async fn keys_are_unique() {
    let duplicate = |constraint: &str| Err(StoreError::Duplicate { constraint: constraint.to_owned() });
    let cases = [
        ("_ayb_users", user(), "_ayb_users_email_key"),
        ("_ayb_oauth_clients", client(), "_ayb_oauth_clients_client_id_key"),
        ("_ayb_oauth_consents", consent(), "_ayb_oauth_consents_user_id_client_id_key"),
        ("_ayb_user_tokens", user_token(), "_ayb_user_tokens_token_hash_key"),
        ("_ayb_api_keys", api_key(), "_ayb_api_keys_key_hash_key"),
    ];
    each_migrated(async |db: Db| {
        fill(&db).await;
        for (table, row, constraint) in &cases {
            let outcome = insert(&db, table, with(row.clone(), &[("id", id(2))])).await;
            assert_eq!(outcome, duplicate(constraint), "{table}");
        }
        let code_twin = insert(&db, "_ayb_oauth_authorization_codes", code()).await;
        assert_eq!(code_twin, duplicate("_ayb_oauth_authorization_codes_pkey"));
        assert_eq!(insert(&db, "_ayb_oauth_tokens", token()).await, duplicate("_ayb_oauth_tokens_pkey"));
        let second_active =
            insert(&db, "_ayb_signing_keys", with(signing_key(), &[("kid", "k2".into())])).await;
        assert!(matches!(second_active, Err(StoreError::Duplicate { .. })), "{second_active:?}");
        let next = with(signing_key(), &[("kid", "k2".into()), ("state", "next".into())]);
        insert(&db, "_ayb_signing_keys", next).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_person_takes_everything_of_theirs_along() {
    let gone = [
        "select count(*) from _ayb_sessions",
        "select count(*) from _ayb_user_tokens",
        "select count(*) from _ayb_oauth_grants",
        "select count(*) from _ayb_oauth_authorization_codes",
        "select count(*) from _ayb_oauth_tokens",
        "select count(*) from _ayb_oauth_consents",
        "select count(*) from _ayb_api_keys",
    ];
    each_migrated(async |db: Db| {
        fill(&db).await;
        assert_eq!(db.execute("delete from _ayb_users where id = $1", vec![id(1)]).await, Ok(1));
        for sql in gone {
            assert_eq!(db.one(sql, &[]).await.unwrap().unwrap().int(0), Ok(0), "{sql}");
        }
        let kept = db.one("select owner_user_id from _ayb_apps", &[]).await.unwrap().unwrap();
        assert_eq!(kept.opt_uuid(0), Ok(None));
    })
    .await;
}
