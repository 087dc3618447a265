//! The crate openidconnect against the running server.

mod desk;
mod lies;
mod refusals;
mod sign_in;
