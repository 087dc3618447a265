//! The store against real databases: every test runs on SQLite and on PostgreSQL.

mod db;
mod disk;
mod kit;
mod migrate;
mod outage;
mod schema;
mod tls;
