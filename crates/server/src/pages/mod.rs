//! The pages for people.

pub mod view;
