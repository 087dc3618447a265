//! The tables of others: those that the operator keeps in the same database, beside the tables of ayb.
//!
//! What they are is read from the database and never configured twice ([`Schema`]). A statement is made for the schema,
//! with names from it and values as parameters, and run on behalf of whoever asks ([`Asker`]): on PostgreSQL under a
//! role of its own and with settings that policies of row-level security can read, on both databases with the condition
//! that a row is the asker's own where the configuration names an owner column.

mod change;
mod condition;
mod declaration;
mod demo;
mod error;
mod explain;
mod freeze;
mod introspect_postgres;
mod introspect_sqlite;
mod keyset;
mod options;
mod read;
mod reference;
mod role;
mod run;
mod schema;
mod scope;
mod shape;
mod sql;
mod text;
mod value;
mod write;

pub use demo::{DEMO_OWNER, DEMO_TABLE};
pub use error::{BatchError, TableError};
pub use options::{Asker, TableOptions};
pub use read::{ListAsk, Listing, MAX_OFFSET, MAX_PER_PAGE};
pub use role::RoleProblem;
pub use run::Tables;
pub use schema::{Column, Kind, Reference, Schema, Table};
pub use write::{Cells, MAX_BATCH, Operation, Written};
