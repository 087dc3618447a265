//! Floor programs: the same work with nothing around it, on the same HTTP library. What they reach is the limit that a
//! server's figure is a fraction of.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use anyhow::Result;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use aws_lc_rs::{digest, rand, rsa};
use axum::Router;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rusqlite::{Connection, params};
use serde::Deserialize;
use tokio::sync::oneshot;

const EXPECTED: &str = "bench:benchsecretbenchsecretbenchsecret";

struct Floor {
    writer: Sender<Job>,
    path: String,
    next: AtomicI64,
    rsa: RsaKeyPair,
    ecdsa: EcdsaKeyPair,
    eddsa: Ed25519KeyPair,
    secret: [u8; 32],
    postgres: Vec<Postgres>,
}

struct Postgres {
    client: tokio_postgres::Client,
    insert: tokio_postgres::Statement,
    read: tokio_postgres::Statement,
}

enum Job {
    Insert { id: i64, hash: [u8; 32], done: oneshot::Sender<bool> },
    Rotate { old: i64, old_hash: [u8; 32], ids: [i64; 2], hashes: [[u8; 32]; 2], done: oneshot::Sender<bool> },
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    token: String,
    #[serde(default)]
    refresh_token: String,
}

const SCHEMA: &str = "create table if not exists token(id integer primary key, hash blob not null, kind integer not null,
    client text not null, scope text not null, created integer not null, expires integer not null, gone integer)";
const INSERT: &str = "insert into token(id, hash, kind, client, scope, created, expires) values (?1, ?2, 1, 'bench', 'readonly', 1, 2)";
const RETIRE: &str = "update token set gone = 1 where id = ?1 and hash = ?2 and gone is null";
const READ: &str = "select hash, expires, client, scope from token where id = ?1 and gone is null";

/// Serves the floors on `port` until killed.
pub async fn serve(port: u16, path: String, postgres: Option<String>) -> Result<()> {
    let (writer, jobs) = channel();
    let connection = Connection::open(&path)?;
    connection
        .execute_batch("pragma journal_mode=wal; pragma synchronous=full; pragma mmap_size=1073741824")?;
    connection.execute_batch(SCHEMA)?;
    thread::spawn(move || write(connection, &jobs));
    let mut clients = Vec::new();
    if let Some(url) = postgres {
        for _ in 0..4 {
            clients.push(connect(&url).await?);
        }
    }
    let rng = rand::SystemRandom::new();
    let ecdsa = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng)?;
    let eddsa = Ed25519KeyPair::generate_pkcs8(&rng)?;
    let floor = Floor {
        writer,
        path,
        next: AtomicI64::new(1),
        rsa: RsaKeyPair::generate(rsa::KeySize::Rsa2048)?,
        ecdsa: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, ecdsa.as_ref())?,
        eddsa: Ed25519KeyPair::from_pkcs8(eddsa.as_ref())?,
        secret: hash(EXPECTED.as_bytes()),
        postgres: clients,
    };
    let router = Router::new()
        .route("/static", get(async || json(STATIC.to_owned())))
        .route("/echo", post(echo))
        .route("/sqlite/token", post(insert))
        .route("/sqlite/rotate", post(rotate))
        .route("/sqlite/check", post(check))
        .route("/postgres/token", post(postgres_insert))
        .route("/postgres/check", post(postgres_check))
        .route("/sign/RS256", post(async |state: State<Arc<Floor>>| sign(&state, "RS256")))
        .route("/sign/ES256", post(async |state: State<Arc<Floor>>| sign(&state, "ES256")))
        .route("/sign/EdDSA", post(async |state: State<Arc<Floor>>| sign(&state, "EdDSA")))
        .with_state(Arc::new(floor));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(listener, router).await?;
    Ok(())
}

const STATIC: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"0123456789012345678901234567890123456789012","x":"01234567890123456789012345678901234567890123","y":"01234567890123456789012345678901234567890123"}]}"#;

fn json(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], body).into_response()
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

fn allowed(floor: &Floor, headers: &HeaderMap) -> bool {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let decoded =
        value.and_then(|value| value.strip_prefix("Basic ")).and_then(|text| STANDARD.decode(text).ok());
    decoded.is_some_and(|text| hash(&text) == floor.secret)
}

/// A token that carries its row, and the hash of its text.
fn draw(id: i64) -> (String, [u8; 32]) {
    let mut bytes = [0u8; 32];
    let _ = rand::fill(&mut bytes[8..]);
    bytes[..8].copy_from_slice(&id.to_be_bytes());
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let hash = hash(text.as_bytes());
    (text, hash)
}

fn row_of(text: &str) -> i64 {
    text.get(..16).and_then(|head| u64::from_str_radix(head, 16).ok()).unwrap_or(0) as i64
}

fn answer(access: &str, refresh: &str) -> Response {
    json(format!(
        r#"{{"access_token":"{access}","token_type":"Bearer","expires_in":3600,"refresh_token":"{refresh}","scope":"readonly"}}"#
    ))
}

async fn echo(Form(_): Form<Vec<(String, String)>>) -> Response {
    answer(&"a".repeat(71), &"b".repeat(71))
}

async fn insert(
    State(floor): State<Arc<Floor>>,
    headers: HeaderMap,
    Form(_): Form<Vec<(String, String)>>,
) -> Response {
    if !allowed(&floor, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let id = floor.next.fetch_add(1, Ordering::Relaxed);
    let (text, hash) = draw(id);
    let (done, waits) = oneshot::channel();
    let _ = floor.writer.send(Job::Insert { id, hash, done });
    match waits.await {
        Ok(true) => answer(&text, &text),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn rotate(State(floor): State<Arc<Floor>>, headers: HeaderMap, Form(body): Form<Body>) -> Response {
    if !allowed(&floor, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let first = floor.next.fetch_add(2, Ordering::Relaxed);
    let (access, refresh) = (draw(first), draw(first + 1));
    let (old, old_hash) = (row_of(&body.refresh_token), hash(body.refresh_token.as_bytes()));
    let (done, waits) = oneshot::channel();
    let (ids, hashes) = ([first, first + 1], [access.1, refresh.1]);
    let _ = floor.writer.send(Job::Rotate { old, old_hash, ids, hashes, done });
    match waits.await {
        Ok(true) => answer(&access.0, &refresh.0),
        _ => StatusCode::BAD_REQUEST.into_response(),
    }
}

thread_local! {
    static READER: std::cell::RefCell<Option<Connection>> = const { std::cell::RefCell::new(None) };
}

async fn check(State(floor): State<Arc<Floor>>, Form(body): Form<Body>) -> Response {
    let live = READER.with_borrow_mut(|reader| {
        let connection = match reader {
            Some(connection) => connection,
            None => reader.insert(Connection::open(&floor.path)?),
        };
        let mut statement = connection.prepare_cached(READ)?;
        statement.query_row([row_of(&body.token)], |row| row.get::<_, [u8; 32]>(0))
    });
    match live {
        Ok(stored) if stored == hash(body.token.as_bytes()) => {
            json(r#"{"active":true,"scope":"readonly"}"#.to_owned())
        }
        _ => json(r#"{"active":false}"#.to_owned()),
    }
}

fn sign(floor: &Floor, algorithm: &str) -> Response {
    let claims = r#"{"iss":"https://id.example.com","sub":"ayb_cid_012345678901234567890123456789012345678901234567","aud":"ayb_cid_012345678901234567890123456789012345678901234567","client_id":"ayb_cid_012345678901234567890123456789012345678901234567","scope":"readonly","iat":1795231475,"exp":1795235075,"jti":"01a1fc22-68ac-744e-bd8e-8448c0387d07"}"#;
    let head = format!(
        r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"0123456789012345678901234567890123456789012"}}"#
    );
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims));
    let rng = rand::SystemRandom::new();
    let signature = match algorithm {
        "RS256" => {
            let mut signature = vec![0; floor.rsa.public_modulus_len()];
            let _ = floor.rsa.sign(&RSA_PKCS1_SHA256, &rng, message.as_bytes(), &mut signature);
            signature
        }
        "ES256" => {
            floor.ecdsa.sign(&rng, message.as_bytes()).map(|s| s.as_ref().to_vec()).unwrap_or_default()
        }
        _ => floor.eddsa.sign(message.as_bytes()).as_ref().to_vec(),
    };
    answer(&format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)), "none")
}

fn write(mut connection: Connection, jobs: &Receiver<Job>) {
    let mut batch = Vec::with_capacity(512);
    while let Ok(job) = jobs.recv() {
        batch.push(job);
        batch.extend(jobs.try_iter().take(511));
        let mut answers = Vec::with_capacity(batch.len());
        let committed = connection.transaction().and_then(|transaction| {
            for job in batch.drain(..) {
                answers.push(apply(&transaction, job)?);
            }
            transaction.commit()
        });
        for (done, worked) in answers {
            let _ = done.send(worked && committed.is_ok());
        }
    }
}

fn apply(connection: &Connection, job: Job) -> rusqlite::Result<(oneshot::Sender<bool>, bool)> {
    let mut insert = connection.prepare_cached(INSERT)?;
    match job {
        Job::Insert { id, hash, done } => {
            insert.execute(params![id, hash])?;
            Ok((done, true))
        }
        Job::Rotate { old, old_hash, ids, hashes, done } => {
            let retired = connection.prepare_cached(RETIRE)?.execute(params![old, old_hash])? == 1;
            for (id, hash) in ids.into_iter().zip(hashes) {
                insert.execute(params![id, hash])?;
            }
            // The first token of a chain is made here.
            Ok((done, retired || old == 0))
        }
    }
}

async fn connect(url: &str) -> Result<Postgres> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    let _ = client
        .batch_execute("create table if not exists floor_token(id bigint primary key, hash bytea not null, kind int not null,
            client text not null, scope text not null, created bigint not null, expires bigint not null, gone bigint)")
        .await;
    let insert = client
        .prepare("insert into floor_token(id, hash, kind, client, scope, created, expires) values ($1, $2, 1, 'bench', 'readonly', 1, 2)")
        .await?;
    let read = client
        .prepare("select hash, expires, client, scope from floor_token where id = $1 and gone is null")
        .await?;
    Ok(Postgres { client, insert, read })
}

async fn postgres_insert(
    State(floor): State<Arc<Floor>>,
    headers: HeaderMap,
    Form(_): Form<Vec<(String, String)>>,
) -> Response {
    if !allowed(&floor, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let id = floor.next.fetch_add(1, Ordering::Relaxed);
    let (text, hash) = draw(id);
    let postgres = &floor.postgres[id as usize % floor.postgres.len()];
    match postgres.client.execute(&postgres.insert, &[&id, &hash.as_slice()]).await {
        Ok(_) => answer(&text, &text),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn postgres_check(State(floor): State<Arc<Floor>>, Form(body): Form<Body>) -> Response {
    let id = row_of(&body.token);
    let postgres = &floor.postgres[id as usize % floor.postgres.len()];
    let row = postgres.client.query_opt(&postgres.read, &[&id]).await;
    match row {
        Ok(Some(row)) if row.get::<_, &[u8]>(0) == hash(body.token.as_bytes()) => {
            json(r#"{"active":true,"scope":"readonly"}"#.to_owned())
        }
        _ => json(r#"{"active":false}"#.to_owned()),
    }
}
