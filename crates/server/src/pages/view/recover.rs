//! The pages that mailed links are about: a forgotten password, an address to verify.

use super::samples::{self, Sampled};
use super::{Chrome, Hidden, Problem, filters, problem_of};

/// `GET /forgot`; the form posts `email`, `csrf`, `return_to` to `{base}/forgot`.
#[derive(Debug, Clone, askama::Template)]
#[template(path = "forgot.html")]
pub struct ForgotPage<'a> {
    /// What surrounds the page.
    pub chrome: Chrome<'a>,
    /// CSRF token of the form.
    pub csrf: &'a str,
    /// Same-origin path to go back to, already checked.
    pub return_to: Option<&'a str>,
    /// Address to fill in.
    pub email: &'a str,
    /// What was wrong with the last attempt; empty on the first.
    pub problems: Vec<Problem<'a>>,
}

impl<'a> ForgotPage<'a> {
    fn hidden(&self) -> Vec<Hidden<'a>> {
        self.return_to.map(|value| Hidden { name: "return_to", value }).into_iter().collect()
    }

    fn problem(&self, field: &str) -> Option<&'a str> {
        problem_of(&self.problems, field)
    }
}

/// `GET /reset`; the form posts `password`, `csrf`, `token` to `{base}/reset`.
#[derive(Debug, Clone, askama::Template)]
#[template(path = "reset.html")]
pub struct ResetPage<'a> {
    /// What surrounds the page.
    pub chrome: Chrome<'a>,
    /// CSRF token of the form.
    pub csrf: &'a str,
    /// The secret of the mailed link, handed back as hidden input `token`.
    pub token: &'a str,
    /// Address of the account, for the person and for password managers.
    pub email: &'a str,
    /// Shortest password accepted, in characters (`auth.min_password_length`).
    pub min_password_length: u32,
    /// What was wrong with the last attempt; empty on the first.
    pub problems: Vec<Problem<'a>>,
}

impl<'a> ResetPage<'a> {
    fn hidden(&self) -> [Hidden<'a>; 1] {
        [Hidden { name: "token", value: self.token }]
    }

    fn problem(&self, field: &str) -> Option<&'a str> {
        problem_of(&self.problems, field)
    }
}

/// `GET /verify-email`; the form posts `csrf`, `token` to `{base}/verify-email`. Opening the page verifies nothing,
/// because mail programs open links by themselves.
#[derive(Debug, Clone, askama::Template)]
#[template(path = "verify.html")]
pub struct VerifyPage<'a> {
    /// What surrounds the page.
    pub chrome: Chrome<'a>,
    /// CSRF token of the form.
    pub csrf: &'a str,
    /// The secret of the mailed link, handed back as hidden input `token`.
    pub token: &'a str,
    /// The address in question.
    pub email: &'a str,
}

impl<'a> VerifyPage<'a> {
    fn hidden(&self) -> [Hidden<'a>; 1] {
        [Hidden { name: "token", value: self.token }]
    }
}

impl Sampled for ForgotPage<'static> {
    const PAGE: &'static str = "forgot";

    fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            chrome: samples::chrome(),
            csrf: samples::CSRF,
            return_to: Some(samples::RETURN_TO),
            email: "",
            problems: Vec::new(),
        };
        let problem = Problem { field: Some("email"), text: "Enter an email address like name@example.com." };
        vec![
            ("plain", plain.clone()),
            ("refused", Self { email: "ada@", problems: vec![problem], ..plain.clone() }),
            ("hostile", Self { chrome: samples::hostile_chrome(), email: samples::HOSTILE, ..plain }),
        ]
    }
}

impl Sampled for ResetPage<'static> {
    const PAGE: &'static str = "reset";

    fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            chrome: samples::chrome(),
            csrf: samples::CSRF,
            token: "ayb_ml_sample",
            email: "ada@example.com",
            min_password_length: 8,
            problems: Vec::new(),
        };
        let problem =
            Problem { field: Some("password"), text: "Choose a password with at least 8 characters." };
        vec![
            ("plain", plain.clone()),
            ("refused", Self { problems: vec![problem], ..plain.clone() }),
            ("hostile", Self { chrome: samples::hostile_chrome(), token: samples::HOSTILE, ..plain }),
        ]
    }
}

impl Sampled for VerifyPage<'static> {
    const PAGE: &'static str = "verify";

    fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            chrome: samples::chrome(),
            csrf: samples::CSRF,
            token: "ayb_ml_sample",
            email: "ada@example.com",
        };
        let hostile = Self {
            chrome: samples::hostile_chrome(),
            token: samples::HOSTILE,
            email: samples::ENDLESS,
            ..plain.clone()
        };
        vec![("plain", plain), ("hostile", hostile)]
    }
}
