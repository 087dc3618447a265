//! Configuration and command line.

mod configuration;
mod hostile_configuration;
mod template;
