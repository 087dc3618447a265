//! The end of a session: the question, and the page after it.

use super::samples::{self, Sampled};
use super::{Chrome, Hidden, Person, filters};

/// `GET /logout` and `/oauth/logout`; the form posts `csrf` and the hidden inputs to `{base}/logout`.
#[derive(Debug, Clone, askama::Template)]
#[template(path = "logout.html")]
pub struct LogoutPage<'a> {
    /// What surrounds the page.
    pub chrome: Chrome<'a>,
    /// CSRF token of the form.
    pub csrf: &'a str,
    /// Parameters of the logout request, as the handler wants them back.
    pub hidden: Vec<Hidden<'a>>,
    /// Who would be signed out.
    pub user: Person<'a>,
    /// Name of the client that asks for the sign-out, when known.
    pub client_name: Option<&'a str>,
    /// Where "Stay signed in" leads; a same-origin path.
    pub stay_href: &'a str,
}

/// The page after a sign-out.
#[derive(Debug, Clone, askama::Template)]
#[template(path = "logged_out.html")]
pub struct LoggedOutPage<'a> {
    /// What surrounds the page.
    pub chrome: Chrome<'a>,
}

impl Sampled for LogoutPage<'static> {
    const PAGE: &'static str = "logout";

    fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            chrome: samples::chrome(),
            csrf: samples::CSRF,
            hidden: Vec::new(),
            user: samples::ada(),
            client_name: None,
            stay_href: "/account",
        };
        let state = Hidden { name: "state", value: "xyz" };
        vec![
            ("plain", plain.clone()),
            ("client", Self { client_name: Some("Trailbook Web"), hidden: vec![state], ..plain.clone() }),
            (
                "hostile",
                Self {
                    chrome: samples::hostile_chrome(),
                    user: samples::hostile_person(),
                    client_name: Some(samples::HOSTILE),
                    hidden: vec![Hidden { name: "state", value: samples::HOSTILE }],
                    ..plain
                },
            ),
        ]
    }
}

impl Sampled for LoggedOutPage<'static> {
    const PAGE: &'static str = "logged-out";

    fn samples() -> Vec<(&'static str, Self)> {
        vec![
            ("plain", Self { chrome: samples::chrome() }),
            ("hostile", Self { chrome: samples::hostile_chrome() }),
        ]
    }
}
