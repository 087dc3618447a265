//! Doors: HTTP, pages, configuration and the command line of `ayb`.

pub mod assets;
pub mod cli;
pub mod clock;
pub mod config;
pub mod entropy;
pub mod error;
pub mod http;
pub mod mail;
pub mod pages;
pub mod password;
pub mod telemetry;
pub mod throttle;
