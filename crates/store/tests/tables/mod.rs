//! The tables of others, on both databases.

mod bounds;
mod filters;
mod heirs;
mod kit;
mod owners;
mod paging;
mod schema;
mod security;
mod trouble;
mod types;
mod values;
mod writes;
