//! Configuration and command line.

mod admin;
mod apps;
mod clients;
mod config_command;
mod configuration;
mod errors;
mod frame;
mod hostile_configuration;
mod reference;
mod run;
mod stop;
mod template;
mod users;
