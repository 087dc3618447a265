//! The page on which a user decides what a client may do.

use super::samples::{self, Sampled};
use super::{Asker, Chrome, Hidden, Person, filters};

/// How many table names are shown before the rest is folded away.
pub(super) const TABLES_SHOWN: usize = 12;

/// `GET /oauth/authorize` and `/oauth/consent`; the form posts `csrf`, the hidden inputs and
/// `decision=allow|deny` to `{base}/oauth/consent`.
///
/// Deny comes first in the document: tab order, reading order and the order on screen agree, and a form that is
/// submitted without a chosen button (implicit submission takes the first one) refuses instead of granting.
#[derive(Debug, Clone, askama::Template)]
#[template(path = "consent.html")]
pub struct ConsentPage<'a> {
    /// What surrounds the page.
    pub chrome: Chrome<'a>,
    /// CSRF token of the form.
    pub csrf: &'a str,
    /// The authorization request, as the handler wants it back.
    pub hidden: Vec<Hidden<'a>>,
    /// Who asks.
    pub asker: Asker<'a>,
    /// What the app says about itself.
    pub app_description: Option<&'a str>,
    /// Who is asked.
    pub user: Person<'a>,
    /// Where another account is chosen, leading back here.
    pub switch_href: &'a str,
    /// What is asked for, one entry per scope.
    pub permissions: Vec<Permission<'a>>,
    /// The tables that `readonly` or `readwrite` is limited to; empty when they are not limited.
    pub tables: Vec<TableAccess<'a>>,
    /// Where the answer goes.
    pub destination: Destination<'a>,
}

/// One scope that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Permission<'a> {
    /// The scope as sent.
    pub scope: &'a str,
    /// Whether the user has not granted it to this client before.
    pub is_new: bool,
}

/// One table that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct TableAccess<'a> {
    /// Name of the table.
    pub name: &'a str,
    /// Whether the user has not granted it to this client before.
    pub is_new: bool,
}

/// Where the browser goes after the decision.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    /// Host of the redirect URI with its port, or its scheme when that is not http(s).
    pub host: &'a str,
    /// Whether it is an address of the user's own computer, where any program could be listening.
    pub is_loopback: bool,
}

/// A scope in words; `None` for one that this server gives no meaning to.
pub fn permission_words(scope: &str) -> Option<&'static str> {
    Some(match scope {
        "readonly" => "Read your data",
        "readwrite" => "Read and modify your data",
        "*" => "Full access to your account",
        "openid" => "Know who you are",
        "profile" => "See your name and picture",
        "email" => "See your email address",
        "offline_access" => "Keep access while you are away",
        _ => return None,
    })
}

/// Whether a scope opens tables.
pub(super) fn is_about_tables(scope: &str) -> bool {
    matches!(scope, "readonly" | "readwrite" | "*")
}

impl<'a> Permission<'a> {
    fn words(&self) -> Option<&'static str> {
        permission_words(self.scope)
    }

    fn icon(&self) -> &'static str {
        match self.scope {
            "readonly" => "read",
            "readwrite" => "write",
            "*" => "full",
            "openid" => "person",
            "profile" => "card",
            "email" => "mail",
            "offline_access" => "clock",
            _ => "key",
        }
    }

    fn is_about_tables(&self) -> bool {
        is_about_tables(self.scope)
    }
}

impl<'a> ConsentPage<'a> {
    /// Whether the user granted some of this before and the rest is new, so that the rest deserves a mark. A question
    /// that is only repeated asks for nothing more.
    fn is_widening(&self) -> bool {
        let permissions = self.permissions.iter().map(|permission| permission.is_new);
        let parts: Vec<bool> = permissions.chain(self.tables.iter().map(|table| table.is_new)).collect();
        parts.contains(&true) && parts.contains(&false)
    }

    /// New tables first, so that folding never hides what is new behind what is known.
    fn ordered_tables(&self) -> Vec<TableAccess<'a>> {
        let mut tables = self.tables.clone();
        tables.sort_by_key(|table| !table.is_new);
        tables
    }
}

impl Sampled for ConsentPage<'static> {
    const PAGE: &'static str = "consent";

    fn samples() -> Vec<(&'static str, Self)> {
        let plain = plain_sample();
        let local = Destination { host: "127.0.0.1:8765", is_loopback: true };
        let tables = |names: &[&'static str], is_new| -> Vec<_> {
            names.iter().map(|&name| TableAccess { name, is_new }).collect()
        };
        let many = std::iter::repeat_n("measurements_2026_europe", 40).collect::<Vec<_>>();
        vec![
            ("plain", plain.clone()),
            (
                "tables",
                Self {
                    permissions: permissions(&[("readwrite", true)]),
                    tables: tables(&["trails", "photos", "waypoints"], true),
                    destination: local,
                    ..plain.clone()
                },
            ),
            (
                "full",
                Self { permissions: permissions(&[("*", true)]), app_description: None, ..plain.clone() },
            ),
            ("widened", widened_sample()),
            (
                "one-name",
                Self {
                    asker: Asker { client_name: "Trailbook", ..plain.asker },
                    tables: tables(&many, true),
                    ..plain
                },
            ),
            ("hostile", hostile_sample()),
        ]
    }
}

fn permissions(scopes: &[(&'static str, bool)]) -> Vec<Permission<'static>> {
    scopes.iter().map(|&(scope, is_new)| Permission { scope, is_new }).collect()
}

fn plain_sample() -> ConsentPage<'static> {
    ConsentPage {
        chrome: samples::chrome(),
        csrf: samples::CSRF,
        hidden: vec![Hidden { name: "request", value: samples::RETURN_TO }],
        asker: samples::asker(),
        app_description: Some("Plan hikes with friends, keep your routes and share photos of the way."),
        user: samples::ada(),
        switch_href: "/login?prompt=select_account",
        permissions: permissions(&[
            ("openid", true),
            ("profile", true),
            ("email", true),
            ("readonly", true),
            ("offline_access", true),
        ]),
        tables: Vec::new(),
        destination: Destination { host: "app.trailbook.example", is_loopback: false },
    }
}

fn widened_sample() -> ConsentPage<'static> {
    ConsentPage {
        permissions: permissions(&[("openid", false), ("profile", false), ("readwrite", true)]),
        tables: vec![
            TableAccess { name: "trails", is_new: false },
            TableAccess { name: "photos", is_new: true },
        ],
        ..plain_sample()
    }
}

fn hostile_sample() -> ConsentPage<'static> {
    ConsentPage {
        chrome: samples::hostile_chrome(),
        csrf: samples::HOSTILE,
        hidden: vec![Hidden { name: "request", value: samples::HOSTILE }],
        asker: Asker { client_name: samples::HOSTILE, app_name: samples::ENDLESS },
        app_description: Some(samples::HOSTILE),
        user: samples::hostile_person(),
        switch_href: "/login?\"><script>alert(1)</script>",
        permissions: permissions(&[("<script>", true), ("x\u{202E}y", true), ("readonly", true)]),
        tables: vec![
            TableAccess { name: samples::HOSTILE, is_new: true },
            TableAccess { name: samples::ENDLESS, is_new: true },
        ],
        destination: Destination {
            host: "accounts.fieldnotes.example.login.secure.session-0123456789abcdef0123456789abcdef.attacker.example",
            is_loopback: false,
        },
    }
}
