//! Doors that speak JSON.

pub mod admin;
pub mod auth;
pub mod json;
