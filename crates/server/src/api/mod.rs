//! Doors that speak JSON.

pub mod admin;
pub mod api_key;
pub mod auth;
pub mod collections;
pub mod json;
