//! An API of somebody else's that takes the access tokens of ayb. Start it with the issuer, its own address as clients know
//! it, and where it listens:
//!
//! ```sh
//! cargo run --example notes_api -- http://localhost:8090 http://localhost:4000 127.0.0.1:4000
//! ```
//!
//! The address of the API is also the audience of its tokens: register clients with `--token-format jwt` and
//! `--audience http://localhost:4000`.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use ayb_resource::{
    AccessToken, BearerLayer, BuildError, RequiredScope, ResourceMetadata, ResourceScope, Verifier,
};

/// Whose notes they are, and what they say.
type Notes = Arc<Mutex<Vec<(String, String)>>>;

/// The API at this address, guarded by this verifier.
pub(crate) fn router(resource: &ResourceMetadata, verifier: Verifier) -> Result<Router, BuildError> {
    let bearer = BearerLayer::new(verifier).realm("notes")?.resource_metadata(&resource.address());
    let reading = bearer.clone().require(RequiredScope::at_least(ResourceScope::Readonly));
    let writing = bearer.require(RequiredScope::at_least(ResourceScope::Readwrite));
    let notes = get(list).layer(reading).merge(post(add).layer(writing));
    let router = Router::new().route("/notes", notes).with_state(Notes::default());
    Ok(router.route_service(&resource.path(), resource.service()))
}

/// The notes of the caller. Another person's token never shows them: the subject is part of every question.
async fn list(State(notes): State<Notes>, Extension(token): Extension<AccessToken>) -> Json<Vec<String>> {
    let notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
    let own = notes.iter().filter(|(owner, _)| owner == token.subject());
    Json(own.map(|(_, text)| text.clone()).collect())
}

async fn add(State(notes): State<Notes>, Extension(token): Extension<AccessToken>, text: String) {
    let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
    notes.push((token.subject().to_owned(), text));
}

/// What the API says about itself.
pub(crate) fn metadata(address: &str, issuer: &str) -> Result<ResourceMetadata, BuildError> {
    let metadata = ResourceMetadata::new(address)?.authorization_server(issuer).name("Notes");
    Ok(metadata.scopes(["readonly", "readwrite"]))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, address, listen] = arguments.as_slice() else {
        anyhow::bail!("say the issuer, the address of this API, and where it listens");
    };
    let resource = metadata(address, issuer)?;
    let verifier = Verifier::builder(issuer).audience(resource.resource()).build()?;
    let listener = tokio::net::TcpListener::bind(listen).await?;
    axum::serve(listener, router(&resource, verifier)?).await?;
    Ok(())
}
