//! The page that creates an account.

use super::samples::{self, Sampled};
use super::{Asker, Chrome, Hidden, Problem, filters, problem_of};

/// `GET /signup`; the form posts `name`, `email`, `password`, `csrf`, `return_to` to `{base}/signup`.
#[derive(Debug, Clone, askama::Template)]
#[template(path = "signup.html")]
pub struct SignupPage<'a> {
    /// What surrounds the page.
    pub chrome: Chrome<'a>,
    /// CSRF token of the form.
    pub csrf: &'a str,
    /// Same-origin path to go back to, already checked.
    pub return_to: Option<&'a str>,
    /// Which client sent the user here, when known.
    pub asker: Option<Asker<'a>>,
    /// The name typed before; never the password.
    pub name: &'a str,
    /// The address typed before, or `login_hint`.
    pub email: &'a str,
    /// Shortest password accepted, in characters (`auth.min_password_length`).
    pub min_password_length: u32,
    /// What was wrong with the last attempt; empty on the first.
    pub problems: Vec<Problem<'a>>,
}

impl<'a> SignupPage<'a> {
    fn hidden(&self) -> Vec<Hidden<'a>> {
        self.return_to.map(|value| Hidden { name: "return_to", value }).into_iter().collect()
    }

    fn problem(&self, field: &str) -> Option<&'a str> {
        problem_of(&self.problems, field)
    }
}

impl Sampled for SignupPage<'static> {
    const PAGE: &'static str = "signup";

    fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            chrome: samples::chrome(),
            csrf: samples::CSRF,
            return_to: None,
            asker: None,
            name: "",
            email: "",
            min_password_length: 8,
            problems: Vec::new(),
        };
        let asked =
            Self { asker: Some(samples::asker()), return_to: Some(samples::RETURN_TO), ..plain.clone() };
        let problems = vec![
            Problem { field: Some("email"), text: "Enter an email address like name@example.com." },
            Problem { field: Some("password"), text: "Choose a password with at least 8 characters." },
        ];
        vec![
            ("plain", plain.clone()),
            ("asked", asked.clone()),
            ("refused", Self { name: "Ada", email: "ada@", problems, ..asked }),
            (
                "hostile",
                Self {
                    chrome: samples::hostile_chrome(),
                    asker: Some(Asker { client_name: samples::ENDLESS, app_name: samples::HOSTILE }),
                    name: samples::HOSTILE,
                    email: samples::HOSTILE,
                    ..plain
                },
            ),
        ]
    }
}
