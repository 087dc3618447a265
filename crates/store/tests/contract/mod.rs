//! What each aggregate promises, on both databases.

mod accounts;
mod clients;
mod codes;
mod consents;
mod keys;
mod purge;
mod sessions;
mod tokens;
mod trail;
