//! JOSE against the examples of its RFCs, outside test data and hostile input.

mod confusion;
mod keys;
mod mutations;
mod outside;
mod round_trips;
mod vectors;

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The folder of the whole workspace.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file of `vectors/jose`.
fn vectors(name: &str) -> Value {
    let text = std::fs::read_to_string(workspace().join("vectors/jose").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The elements of a JSON list.
fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap()
}

/// A member that is text.
fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}
