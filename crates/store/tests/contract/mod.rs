//! What each aggregate promises, on both databases.

mod accounts;
mod api_keys;
mod chain;
mod clients;
mod codes;
mod consents;
mod keys;
mod limits;
mod purge;
mod sessions;
mod tokens;
mod trail;
