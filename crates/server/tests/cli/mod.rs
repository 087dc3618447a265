//! Configuration and command line.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admin;
mod apikeys;
mod apps;
mod auth;
mod clients;
mod config_command;
mod configuration;
mod doctor;
mod errors;
mod frame;
mod hostile_configuration;
mod migrate;
mod reference;
pub(crate) mod run;
mod stop;
mod tables;
mod template;
mod users;
