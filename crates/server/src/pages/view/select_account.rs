//! The page that asks which account to go on with (`prompt=select_account`).

use super::samples::{self, Sampled};
use super::{Asker, Chrome, Hidden, Person, filters};

/// `GET /select-account`; the form posts `csrf`, the hidden inputs and `account` to `{base}/select-account`.
/// `account` is the id of a choice, or `other` for an account that is not signed in yet.
#[derive(Debug, Clone, askama::Template)]
#[template(path = "select_account.html")]
pub struct SelectAccountPage<'a> {
    /// What surrounds the page.
    pub chrome: Chrome<'a>,
    /// CSRF token of the form.
    pub csrf: &'a str,
    /// What the handler wants back, such as `return_to`.
    pub hidden: Vec<Hidden<'a>>,
    /// Which client asks, when known.
    pub asker: Option<Asker<'a>>,
    /// The accounts signed in from this browser.
    pub accounts: Vec<AccountChoice<'a>>,
}

/// One account to choose.
#[derive(Debug, Clone, Copy)]
pub struct AccountChoice<'a> {
    /// Value of the button, as the handler wants it back.
    pub id: &'a str,
    /// Whose account it is.
    pub person: Person<'a>,
}

impl Sampled for SelectAccountPage<'static> {
    const PAGE: &'static str = "select-account";

    fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            chrome: samples::chrome(),
            csrf: samples::CSRF,
            hidden: vec![Hidden { name: "return_to", value: samples::RETURN_TO }],
            asker: Some(samples::asker()),
            accounts: vec![
                AccountChoice { id: "1", person: samples::ada() },
                AccountChoice { id: "2", person: Person { name: None, email: "charles@example.com" } },
            ],
        };
        vec![
            ("plain", plain.clone()),
            (
                "hostile",
                Self {
                    chrome: samples::hostile_chrome(),
                    asker: None,
                    accounts: vec![AccountChoice { id: samples::HOSTILE, person: samples::hostile_person() }],
                    ..plain
                },
            ),
        ]
    }
}
