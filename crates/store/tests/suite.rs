//! The store against real databases: every test runs on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod contract;
mod db;
mod disk;
mod kit;
mod migrate;
mod outage;
mod races;
mod rows;
mod sample;
mod schema;
mod tables;
mod tls;
