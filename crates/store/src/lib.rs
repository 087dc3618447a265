//! Every table and query of ayb, on SQLite and on PostgreSQL.

pub mod db;
pub mod error;
