//! Black box: everything goes through the public interface, against the test server.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod kit;

mod integration;

mod unit;
