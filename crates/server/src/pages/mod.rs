//! Pages for people: one file each. All work without scripts; all carry a strict policy.

pub mod account;
pub mod asker;
pub mod consent;
pub mod demo;
pub mod error;
pub mod form;
pub mod home;
pub mod login;
pub mod logout;
pub mod recover;
pub mod respond;
pub mod return_to;
pub mod select_account;
pub mod signup;
pub mod view;
pub mod visit;
