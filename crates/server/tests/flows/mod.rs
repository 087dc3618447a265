//! The server from outside, through its router: one module a subject, each test named after the rule that it guards.

#![cfg(test)]

mod account_page;
mod accounts;
mod admin;
mod health;
mod oauth;
mod openapi;
mod recover;
mod slow;
