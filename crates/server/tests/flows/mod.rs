//! The server from outside, through its router: one module a subject, each test named after the rule that it guards.

#![cfg(test)]

mod access;
mod account_page;
mod accounts;
mod admin;
mod answers_to_browsers;
mod api_keys;
mod collections;
mod health;
#[path = "../../../resource/examples/notes_api.rs"]
#[expect(dead_code, reason = "the tests bring their own main")]
mod notes_api;
mod oauth;
mod openapi;
mod page_answers;
mod protected_api;
mod recover;
mod shared_limits;
mod slow;
mod way_back;
