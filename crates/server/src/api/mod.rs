//! Doors that speak JSON.

pub mod admin;
pub mod json;
