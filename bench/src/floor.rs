//! Floor programs: the same work with nothing around it, on the same HTTP library. What they reach is the limit that a
//! server's figure is a fraction of.

pub mod notes;
mod postgres;
mod signer;
mod sqlite;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::Result;
use aws_lc_rs::{digest, rand};
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use self::postgres::Postgres;
use self::signer::Signer;
use self::sqlite::Sqlite;

const EXPECTED: &str = "bench:benchsecretbenchsecretbenchsecret";

struct Floor {
    sqlite: Sqlite,
    postgres: Option<Postgres>,
    signer: Signer,
    next: AtomicI64,
    secret: [u8; 32],
}

type Shared = State<Arc<Floor>>;

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    token: String,
    #[serde(default)]
    refresh_token: String,
}

/// A token that was not there before; its text carries its row.
struct Fresh {
    id: i64,
    text: String,
    hash: [u8; 32],
}

/// Serves the floors on `port` until killed.
pub async fn serve(port: u16, path: String, postgres: Option<String>) -> Result<()> {
    let floor = Floor {
        sqlite: Sqlite::open(path)?,
        postgres: match postgres {
            Some(url) => Some(Postgres::open(&url).await?),
            None => None,
        },
        signer: Signer::new()?,
        next: AtomicI64::new(1),
        secret: hash(EXPECTED.as_bytes()),
    };
    let router = Router::new()
        .route("/static/{size}", get(document))
        .route("/echo", post(echo))
        .route("/sign/{algorithm}", post(sign))
        .route("/{storage}/token", post(insert))
        .route("/{storage}/token/{algorithm}", post(insert_signed))
        .route("/{storage}/rotate", post(rotate))
        .route("/{storage}/exchange/{algorithm}/{signatures}", post(exchange))
        .route("/{storage}/check", post(check))
        .route("/{storage}/notes", get(notes::list).post(notes::create))
        .route("/{storage}/notes/{id}", get(notes::read).patch(notes::update))
        .with_state(Arc::new(floor));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(listener, router).await?;
    Ok(())
}

/// A document of this many bytes, or of as many as a document cannot do without.
async fn document(Path(size): Path<usize>) -> Response {
    let (start, end) = (r#"{"keys":[{"kid":""#, r#""}]}"#);
    let fill = "0".repeat(size.saturating_sub(start.len() + end.len()));
    json([start, &fill, end].concat())
}

fn json(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], body).into_response()
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
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

async fn sign(State(floor): Shared, Path(algorithm): Path<String>) -> Response {
    answer(&floor.signer.token(&algorithm), "none")
}

impl Floor {
    fn allows(&self, headers: &HeaderMap) -> bool {
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let decoded =
            value.and_then(|value| value.strip_prefix("Basic ")).and_then(|text| STANDARD.decode(text).ok());
        decoded.is_some_and(|text| hash(&text) == self.secret)
    }

    fn draw(&self) -> Fresh {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut bytes = [0u8; 32];
        let _ = rand::fill(&mut bytes[8..]);
        bytes[..8].copy_from_slice(&id.to_be_bytes());
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let hash = hash(text.as_bytes());
        Fresh { id, text, hash }
    }

    async fn store(&self, storage: &str, row: &Fresh) -> bool {
        match (storage, &self.postgres) {
            ("postgres", Some(postgres)) => postgres.insert(row).await,
            _ => self.sqlite.insert(row).await,
        }
    }

    /// Retires the token in `body` for two others.
    async fn swap(&self, storage: &str, body: &Body) -> Option<[Fresh; 2]> {
        let old = (row_of(&body.refresh_token), hash(body.refresh_token.as_bytes()));
        let new = [self.draw(), self.draw()];
        let done = match (storage, &self.postgres) {
            ("postgres", Some(postgres)) => postgres.rotate(old, new.each_ref()).await,
            _ => self.sqlite.rotate(old, new.each_ref()).await,
        };
        done.then_some(new)
    }
}

async fn insert(
    State(floor): Shared,
    Path(storage): Path<String>,
    headers: HeaderMap,
    Form(_): Form<Vec<(String, String)>>,
) -> Response {
    let row = floor.draw();
    if !floor.allows(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match floor.store(&storage, &row).await {
        true => answer(&row.text, &row.text),
        false => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn insert_signed(
    State(floor): Shared,
    Path((storage, algorithm)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let row = floor.draw();
    if !floor.allows(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let token = floor.signer.token(&algorithm);
    match floor.store(&storage, &row).await {
        true => answer(&token, &row.text),
        false => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn rotate(
    State(floor): Shared,
    Path(storage): Path<String>,
    headers: HeaderMap,
    Form(body): Form<Body>,
) -> Response {
    if !floor.allows(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match floor.swap(&storage, &body).await {
        Some([access, refresh]) => answer(&access.text, &refresh.text),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn exchange(
    State(floor): Shared,
    Path((storage, algorithm, signatures)): Path<(String, String, u32)>,
    headers: HeaderMap,
    Form(body): Form<Body>,
) -> Response {
    if !floor.allows(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Some([_, refresh]) = floor.swap(&storage, &body).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let tokens: Vec<String> = (0..signatures).map(|_| floor.signer.token(&algorithm)).collect();
    answer(&tokens.join(" "), &refresh.text)
}

async fn check(State(floor): Shared, Path(storage): Path<String>, Form(body): Form<Body>) -> Response {
    let id = row_of(&body.token);
    let stored = match (storage.as_str(), &floor.postgres) {
        ("postgres", Some(postgres)) => postgres.read(id).await,
        _ => floor.sqlite.read(id),
    };
    match stored {
        Some(stored) if stored == hash(body.token.as_bytes()) => {
            json(r#"{"active":true,"scope":"readonly"}"#.to_owned())
        }
        _ => json(r#"{"active":false}"#.to_owned()),
    }
}
