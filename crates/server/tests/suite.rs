//! Tests of the server from outside: one program, one module a subject.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod cli;
mod flows;
mod hostile;
mod http;
mod kit;
mod process;
