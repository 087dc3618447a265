//! The tables of others, on both databases.

mod bounds;
mod filters;
mod kit;
mod owners;
mod paging;
mod schema;
mod security;
mod trouble;
mod values;
mod writes;
