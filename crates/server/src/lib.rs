//! Doors: HTTP, pages, configuration and the command line of `ayb`.

pub mod app;
pub mod assets;
pub mod audit;
pub mod banner;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod entropy;
pub mod error;
pub mod health;
pub mod http;
pub mod keys;
pub mod limits;
pub mod mail;
pub mod master_key;
pub mod mint;
pub mod oauth;
pub mod pages;
pub mod password;
pub mod session_token;
pub mod sign_in;
pub mod start;
pub mod telemetry;
pub mod throttle;
