//! A whole server for a test: state, router, database, clock and mail box, and those who talk to it.
//!
//! ```ignore
//! for app in TestApp::everywhere().await {
//!     let ada = app.user("ada").await;
//!     let client = app.confidential_client().with(|draft| draft.token_format = Some("jwt".into())).await;
//!     let tokens = app.tokens(&client, &ada, "openid readonly").await;
//!     let answer = app.get("/oauth/userinfo").bearer(&tokens.access).await;
//!     assert_eq!(answer.status, 200, "{answer}");
//! }
//! ```
//!
//! Requests go through the real router and its edge, without a socket; [`TestApp::listen`] opens one where it matters.
//! The clock stands still until [`TestApp::travel`] moves it.

pub(crate) mod api_key;
pub(crate) mod app;
pub(crate) mod browser;
pub(crate) mod client;
pub(crate) mod html;
pub(crate) mod request;
pub(crate) mod time;

pub(crate) use api_key::Key;
pub(crate) use app::TestApp;
pub(crate) use browser::Browser;
pub(crate) use client::{Client, Person, Tokens};
pub(crate) use html::Page;
pub(crate) use request::{Call, Reply};
