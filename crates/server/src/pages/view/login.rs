//! The sign-in page.

use super::samples::{self, Sampled};
use super::{Asker, Chrome, Hidden, Problem, filters, problem_of};

/// `GET /login`; the form posts `email`, `password`, `csrf`, `return_to`, `again` to `{base}/login`.
#[derive(Debug, Clone, askama::Template)]
#[template(path = "login.html")]
pub struct LoginPage<'a> {
    /// What surrounds the page.
    pub chrome: Chrome<'a>,
    /// CSRF token of the form.
    pub csrf: &'a str,
    /// Same-origin path to go back to, already checked.
    pub return_to: Option<&'a str>,
    /// Why the form is shown to somebody who is signed in, handed back as hidden input `again`.
    pub again: Option<&'a str>,
    /// Which client sent the user here, when known.
    pub asker: Option<Asker<'a>>,
    /// Address to fill in: what was typed before, or `login_hint`.
    pub email: &'a str,
    /// Whether people may create accounts, so that the link to sign-up is shown.
    pub sign_up: bool,
    /// What was wrong with the last attempt; empty on the first.
    pub problems: Vec<Problem<'a>>,
}

impl<'a> LoginPage<'a> {
    fn hidden(&self) -> Vec<Hidden<'a>> {
        let kept = [("return_to", self.return_to), ("again", self.again)];
        kept.into_iter().filter_map(|(name, value)| Some(Hidden { name, value: value? })).collect()
    }

    fn problem(&self, field: &str) -> Option<&'a str> {
        problem_of(&self.problems, field)
    }
}

impl Sampled for LoginPage<'static> {
    const PAGE: &'static str = "login";

    fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            chrome: samples::chrome(),
            csrf: samples::CSRF,
            return_to: None,
            again: None,
            asker: None,
            email: "",
            sign_up: true,
            problems: Vec::new(),
        };
        let asked =
            Self { asker: Some(samples::asker()), return_to: Some(samples::RETURN_TO), ..plain.clone() };
        let wrong = Problem { field: None, text: "That email and password do not match an account." };
        vec![
            ("plain", plain.clone()),
            ("asked", asked.clone()),
            ("hint", Self { email: "ada@example.com", again: Some("1"), sign_up: false, ..asked.clone() }),
            ("refused", Self { email: "ada@example.com", problems: vec![wrong], ..asked }),
            (
                "hostile",
                Self {
                    chrome: samples::hostile_chrome(),
                    return_to: Some("/\"><script>alert(1)</script>"),
                    asker: Some(Asker { client_name: samples::HOSTILE, app_name: samples::ENDLESS }),
                    email: "\"><script>alert(1)</script>\u{202E}",
                    ..plain
                },
            ),
        ]
    }
}
