//! The tables, read back from the catalog.

use ayb_store::db::{Db, Engine};

use crate::kit::each_migrated;
use crate::rows::{client_id, id};

/// `table.column type [null] [= default]`, with PostgreSQL's types.
const COLUMNS: &str = "
_ayb_settings.key text
_ayb_settings.value text
_ayb_settings.updated_at time = now
_ayb_users.id uuid
_ayb_users.email text
_ayb_users.password_hash text null
_ayb_users.email_verified boolean = false
_ayb_users.name text null
_ayb_users.picture text null
_ayb_users.disabled_at time null
_ayb_users.password_changed_at time null
_ayb_users.created_at time = now
_ayb_users.updated_at time = now
_ayb_sessions.id uuid
_ayb_sessions.kind text
_ayb_sessions.token_hash hex-text
_ayb_sessions.user_id uuid null
_ayb_sessions.auth_time time
_ayb_sessions.amr list
_ayb_sessions.user_agent text null
_ayb_sessions.ip text null
_ayb_sessions.created_at time = now
_ayb_sessions.last_used_at time = now
_ayb_sessions.expires_at time
_ayb_sessions.revoked_at time null
_ayb_user_tokens.id uuid
_ayb_user_tokens.kind text
_ayb_user_tokens.token_hash hex-text
_ayb_user_tokens.user_id uuid
_ayb_user_tokens.email text
_ayb_user_tokens.expires_at time
_ayb_user_tokens.used_at time null
_ayb_user_tokens.created_at time = now
_ayb_apps.id uuid
_ayb_apps.name text
_ayb_apps.description text = ''
_ayb_apps.owner_user_id uuid null
_ayb_apps.rate_limit_rps integer = 0
_ayb_apps.rate_limit_window_seconds integer = 60
_ayb_apps.allowed_origins list = empty
_ayb_apps.created_at time = now
_ayb_apps.updated_at time = now
_ayb_signing_keys.kid text
_ayb_signing_keys.algorithm text
_ayb_signing_keys.state text
_ayb_signing_keys.private_key_sealed bytes
_ayb_signing_keys.public_jwk text
_ayb_signing_keys.created_at time = now
_ayb_signing_keys.published_at time
_ayb_signing_keys.activated_at time null
_ayb_signing_keys.retired_at time null
_ayb_signing_keys.expires_at time null
_ayb_throttle.key text
_ayb_throttle.count integer
_ayb_throttle.window_start time
_ayb_throttle.blocked_until time null
_ayb_audit.id uuid
_ayb_audit.at time = now
_ayb_audit.event text
_ayb_audit.actor text null
_ayb_audit.client_id text null
_ayb_audit.user_id uuid null
_ayb_audit.ip text null
_ayb_audit.detail json null
_ayb_oauth_clients.id uuid
_ayb_oauth_clients.app_id uuid
_ayb_oauth_clients.client_id hex
_ayb_oauth_clients.client_secret_hash hex null
_ayb_oauth_clients.name varchar
_ayb_oauth_clients.redirect_uris list
_ayb_oauth_clients.scopes list
_ayb_oauth_clients.client_type varchar
_ayb_oauth_clients.allowed_origins list = empty
_ayb_oauth_clients.post_logout_redirect_uris list = empty
_ayb_oauth_clients.token_format varchar = 'opaque'
_ayb_oauth_clients.signing_alg varchar = 'RS256'
_ayb_oauth_clients.audience varchar null
_ayb_oauth_clients.refresh_tokens boolean = true
_ayb_oauth_clients.refresh_grace_seconds integer = 0
_ayb_oauth_clients.previous_secret_hash hex null
_ayb_oauth_clients.previous_secret_expires_at time null
_ayb_oauth_clients.version bigint = 1
_ayb_oauth_clients.created_at time = now
_ayb_oauth_clients.updated_at time = now
_ayb_oauth_clients.revoked_at time null
_ayb_oauth_authorization_codes.id uuid
_ayb_oauth_authorization_codes.code_hash hex
_ayb_oauth_authorization_codes.client_id hex
_ayb_oauth_authorization_codes.user_id uuid
_ayb_oauth_authorization_codes.redirect_uri text
_ayb_oauth_authorization_codes.scope varchar
_ayb_oauth_authorization_codes.allowed_tables list null
_ayb_oauth_authorization_codes.code_challenge varchar
_ayb_oauth_authorization_codes.code_challenge_method varchar = 'S256'
_ayb_oauth_authorization_codes.state varchar
_ayb_oauth_authorization_codes.nonce varchar null
_ayb_oauth_authorization_codes.claims json null
_ayb_oauth_authorization_codes.auth_time time
_ayb_oauth_authorization_codes.amr list
_ayb_oauth_authorization_codes.session_id uuid null
_ayb_oauth_authorization_codes.grant_id uuid
_ayb_oauth_authorization_codes.expires_at time
_ayb_oauth_authorization_codes.used_at time null
_ayb_oauth_authorization_codes.created_at time = now
_ayb_oauth_tokens.id uuid
_ayb_oauth_tokens.token_hash hex
_ayb_oauth_tokens.token_type varchar
_ayb_oauth_tokens.client_id hex
_ayb_oauth_tokens.user_id uuid null
_ayb_oauth_tokens.scope varchar
_ayb_oauth_tokens.allowed_tables list null
_ayb_oauth_tokens.grant_id uuid
_ayb_oauth_tokens.is_head boolean = false
_ayb_oauth_tokens.expires_at time
_ayb_oauth_tokens.revoked_at time null
_ayb_oauth_tokens.created_at time = now
_ayb_oauth_tokens.access_id uuid null
_ayb_oauth_tokens.successor_id uuid null
_ayb_oauth_tokens.used_at time null
_ayb_oauth_consents.id uuid
_ayb_oauth_consents.user_id uuid
_ayb_oauth_consents.client_id hex
_ayb_oauth_consents.scope varchar
_ayb_oauth_consents.allowed_tables list null
_ayb_oauth_consents.granted_at time = now
_ayb_oauth_consents.updated_at time = now
_ayb_oauth_grants.id uuid
_ayb_oauth_grants.client_id hex
_ayb_oauth_grants.user_id uuid
_ayb_oauth_grants.session_id uuid null
_ayb_oauth_grants.scope varchar
_ayb_oauth_grants.allowed_tables list null
_ayb_oauth_grants.claims json null
_ayb_oauth_grants.auth_time time
_ayb_oauth_grants.amr list
_ayb_oauth_grants.created_at time = now
_ayb_oauth_grants.revoked_at time null
_ayb_oauth_grants.revoked_reason varchar null
_ayb_api_keys.id uuid
_ayb_api_keys.key_hash hex
_ayb_api_keys.key_prefix varchar
_ayb_api_keys.user_id uuid
_ayb_api_keys.name varchar
_ayb_api_keys.scope varchar
_ayb_api_keys.allowed_tables list null
_ayb_api_keys.app_id uuid null
_ayb_api_keys.created_at time = now
_ayb_api_keys.expires_at time null
_ayb_api_keys.last_used_at time null
_ayb_api_keys.revoked_at time null";

/// Our words for types and defaults, in the words of each catalog.
fn native(engine: Engine, word: &str) -> &str {
    let now = "cast(unixepoch('subsec') * 1000 as integer)";
    let (postgres, sqlite) = match word {
        "uuid" => ("uuid", "BLOB"),
        "hex" => ("character varying", "BLOB"),
        "hex-text" => ("text", "BLOB"),
        "bigint" => ("bigint", "INTEGER"),
        "text" => ("text", "TEXT"),
        "varchar" => ("character varying", "TEXT"),
        "list" => ("text[]", "TEXT"),
        "json" => ("jsonb", "TEXT"),
        "bytes" => ("bytea", "BLOB"),
        "time" => ("timestamp with time zone", "INTEGER"),
        "boolean" => ("boolean", "INTEGER"),
        "integer" => ("integer", "INTEGER"),
        "now" => ("now()", now),
        "empty" => ("'{}'", "'[]'"),
        "true" => ("true", "1"),
        "false" => ("false", "0"),
        other => (other, other),
    };
    if engine == Engine::Postgres { postgres } else { sqlite }
}

fn expected(engine: Engine) -> Vec<String> {
    let line = |line: &str| {
        let (column, default) =
            line.split_once(" = ").map_or((line, None), |(column, value)| (column, Some(value)));
        let mut words = column.split(' ');
        let (name, kind) = (words.next().unwrap(), words.next().unwrap());
        let null = if words.next() == Some("null") { "null" } else { "not null" };
        let default = default.map_or("-", |word| native(engine, word));
        format!("{name} {} {null} {default}", native(engine, kind))
    };
    let mut lines: Vec<String> = COLUMNS.trim().lines().map(line).collect();
    lines.sort();
    lines
}

async fn actual(db: &Db) -> Vec<String> {
    let sql = match db.engine() {
        Engine::Sqlite => {
            "select t.name || '.' || c.name || ' ' || c.type || ' '
                 || case when c.\"notnull\" = 1 or c.pk > 0 then 'not null' else 'null' end
                 || ' ' || coalesce(c.dflt_value, '-')
             from sqlite_schema t join pragma_table_info(t.name) c
             where t.type = 'table' and t.name like '\\_ayb\\_%' escape '\\' and t.name <> '_ayb_migrations'"
        }
        Engine::Postgres => {
            "select c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' '
                 || case when a.attnotnull then 'not null' else 'null' end || ' '
                 || coalesce(regexp_replace(pg_get_expr(d.adbin, d.adrelid), '''::.*$', ''''), '-')
             from pg_attribute a join pg_class c on c.oid = a.attrelid
                 left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
             where a.attnum > 0 and c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
                 and c.relname <> '_ayb_migrations'"
        }
    };
    let rows = db.many(sql, vec![]).await.unwrap();
    let mut lines: Vec<String> = rows.iter().map(|row| row.text(0).unwrap().to_owned()).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn every_column_has_its_type_and_default() {
    each_migrated(async |db: Db| {
        let (expected, actual) = (expected(db.engine()), actual(&db).await);
        let missing: Vec<_> = expected.iter().filter(|line| !actual.contains(line)).collect();
        let surplus: Vec<_> = actual.iter().filter(|line| !expected.contains(line)).collect();
        assert!(missing.is_empty() && surplus.is_empty(), "missing {missing:#?}\nsurplus {surplus:#?}");
    })
    .await;
}

#[tokio::test]
async fn ids_are_primary_keys_and_indexes_have_their_names() {
    let indexes = [
        ("_ayb_oauth_tokens", "idx_oauth_tokens_grant_id", "grant_id"),
        ("_ayb_oauth_tokens", "idx_oauth_tokens_client_id", "client_id"),
        ("_ayb_oauth_grants", "idx_oauth_grants_user_id", "user_id"),
        ("_ayb_oauth_grants", "idx_oauth_grants_client_id", "client_id"),
        ("_ayb_sessions", "idx_sessions_user_id", "user_id"),
        ("_ayb_api_keys", "idx_api_keys_user_id", "user_id"),
        ("_ayb_api_keys", "idx_api_keys_app_id", "app_id"),
        ("_ayb_audit", "idx_audit_at", "at"),
    ];
    each_migrated(async |db: Db| {
        let (index, key) = match db.engine() {
            Engine::Sqlite => (
                "select i.name from pragma_index_info($2) i join sqlite_schema s on s.name = $2 where s.tbl_name = $1",
                "select name from pragma_table_info($1) where pk > 0",
            ),
            Engine::Postgres => (
                "select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indexrelid
                 join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
                 where t.relname::text = $1 and c.relname::text = $2",
                "select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indexrelid
                 join pg_class t on t.oid = i.indrelid where t.relname::text = $1 and i.indisprimary",
            ),
        };
        for (table, name, column) in indexes {
            let row = db.one(index, &[table.into(), name.into()]).await.unwrap().unwrap_or_else(|| panic!("{name} is missing"));
            assert_eq!(row.text(0).unwrap(), column, "{name}");
        }
        let tables = COLUMNS.trim().lines().filter_map(|line| line.split('.').next());
        for table in tables {
            let rows = db.many(key, vec![table.into()]).await.unwrap();
            let keys: Vec<&str> = rows.iter().map(|row| row.text(0).unwrap()).collect();
            assert!(matches!(keys[..], ["id"] | ["key"] | ["kid"]), "{table}: {keys:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn tokens_of_a_grant_are_found_by_its_index() {
    let statement = "select id from _ayb_oauth_tokens where grant_id = $1 and is_head";
    let by_client = "select count(*) from _ayb_oauth_tokens where client_id = $1";
    let by_id = "select token_hash from _ayb_oauth_tokens where id = $1 for update";
    each_migrated(async |db: Db| {
        let plan = db.explain(statement, vec![id(1)]).await.unwrap();
        assert!(plan.contains("idx_oauth_tokens_grant_id"), "{plan}");
        let plan = db.explain(by_client, vec![client_id(1)]).await.unwrap();
        assert!(plan.contains("idx_oauth_tokens_client_id"), "{plan}");
        let plan = db.explain(by_id, vec![id(1)]).await.unwrap();
        let key = if db.engine() == Engine::Sqlite { "PRIMARY KEY" } else { "_ayb_oauth_tokens_pkey" };
        assert!(plan.contains(key), "{plan}");
    })
    .await;
}
