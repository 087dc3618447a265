//! Tests of the crate from outside, against an issuer on loopback that can be made to misbehave.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cache;
mod claims;
mod discovery;
mod faults;
mod forgeries;
mod kit;
mod layer;
#[path = "../examples/notes_api.rs"]
#[expect(dead_code, reason = "the test brings its own main")]
mod notes_api;
mod tls;
