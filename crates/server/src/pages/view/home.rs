//! The start page.

use super::samples::{self, Sampled};
use super::{Chrome, filters};

/// `GET /`: what this server is, and where to go from here.
#[derive(Debug, Clone, askama::Template)]
#[template(path = "home.html")]
pub struct HomePage<'a> {
    /// What surrounds the page.
    pub chrome: Chrome<'a>,
    /// The issuer identifier.
    pub issuer: &'a str,
    /// Whether people may create accounts.
    pub sign_up: bool,
    /// Whether the demo is on at `/demo`.
    pub demo: bool,
    /// Whether OAuth and OpenID Connect are on, so that their metadata can be read.
    pub provider: bool,
    /// Address of the manual, when there is one to link to.
    pub docs_href: Option<&'a str>,
}

impl Sampled for HomePage<'static> {
    const PAGE: &'static str = "home";

    fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            chrome: samples::chrome(),
            issuer: "https://id.fieldnotes.example",
            sign_up: true,
            demo: true,
            provider: true,
            docs_href: Some("/docs/"),
        };
        vec![
            ("plain", plain.clone()),
            (
                "signed-in",
                Self { chrome: Chrome { user: Some(samples::ada()), ..samples::chrome() }, ..plain.clone() },
            ),
            ("bare", Self { demo: false, provider: false, docs_href: None, sign_up: false, ..plain.clone() }),
            ("hostile", Self { chrome: samples::hostile_chrome(), issuer: samples::ENDLESS, ..plain }),
        ]
    }
}
