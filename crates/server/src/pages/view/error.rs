//! The page for a request that cannot go on.

use super::samples::{self, Sampled};
use super::{Chrome, filters};

/// An error that a person has to read because no client can be told. All texts are fixed strings of ours.
#[derive(Debug, Clone, askama::Template)]
#[template(path = "error.html")]
pub struct ErrorPage<'a> {
    /// What surrounds the page; `request_id` is printed.
    pub chrome: Chrome<'a>,
    /// OAuth error code, the text of `#error-code`.
    pub code: &'a str,
    /// Headline, for example "This link does not work".
    pub title: &'a str,
    /// What happened.
    pub text: &'a str,
    /// What the person can do about it.
    pub advice: &'a str,
    /// A way on, when there is one: address and words of the link.
    pub next: Option<(&'a str, &'a str)>,
    /// What was wrong in the words of the protocol, for the people who make the app.
    pub detail: Option<&'a str>,
}

impl Sampled for ErrorPage<'static> {
    const PAGE: &'static str = "error";

    fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            chrome: samples::chrome(),
            code: "invalid_request",
            title: "This sign-in link does not work",
            text: "The app sent you here with an address to return to that it has not registered, so we stopped before sharing anything.",
            advice: "Go back to the app and start again. If it keeps happening, tell the people who run the app.",
            next: None,
            detail: Some("The redirect_uri is not registered for this client."),
        };
        vec![
            ("plain", plain.clone()),
            (
                "server",
                Self {
                    code: "server_error",
                    title: "Something went wrong on our side",
                    text: "Your request could not be finished. Nothing was changed.",
                    advice: "Wait a moment and try again.",
                    next: Some(("/", "Start page")),
                    detail: None,
                    ..plain.clone()
                },
            ),
            (
                "hostile",
                Self {
                    chrome: Chrome { request_id: samples::HOSTILE, ..samples::hostile_chrome() },
                    code: samples::HOSTILE,
                    title: samples::HOSTILE,
                    text: samples::ENDLESS,
                    advice: samples::HOSTILE,
                    next: Some(("/\"><script>alert(1)</script>", samples::HOSTILE)),
                    detail: Some(samples::HOSTILE),
                },
            ),
        ]
    }
}
