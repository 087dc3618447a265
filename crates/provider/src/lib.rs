//! The rules of an OAuth 2.0 and OpenID Connect provider: facts in, decision out.
//!
//! No IO, no clock, no randomness, no `async`. The server reads the facts through the store, hands them to a rule,
//! and acts on the decision. Records are what the tables must be able to say.
//!
//! | Rule | Module |
//! |---|---|
//! | who a client is, and whether it proved it | [`client`], [`client_auth`] |
//! | what the authorization endpoint does next | [`authorize`], [`consent`] |
//! | what the token endpoint answers | [`grant`] |
//! | which kind a credential is, and whether it is alive | [`bearer`], [`api_key`] |
//! | who calls, and what they may do with which table | [`caller`], [`access`] |
//! | what a revocation request kills | [`revoke`] |
//! | what may be registered | [`register`] |
//! | people and their sessions | [`user`], [`session`] |
//! | where a logout leads | [`logout`] |
//! | how often somebody may come | [`limit`] |
//! | how signing keys follow each other | [`keys`] |
//! | what a filter of the table API says | [`filter`] |
//! | how long things live | [`policy`] |

pub mod access;
pub mod api_key;
pub mod app;
pub mod authorize;
pub mod bearer;
pub mod caller;
pub mod client;
pub mod client_auth;
pub mod consent;
pub mod filter;
pub mod grant;
pub mod keys;
pub mod limit;
pub mod logout;
pub mod policy;
pub mod register;
pub mod revoke;
pub mod session;
pub mod user;
