//! The page on which users look after their own account.

use super::consent::{TABLES_SHOWN, is_about_tables, permission_words};
use super::samples::{self, Sampled};
use super::{Chrome, Hidden, Problem, filters, problem_of};

/// `GET /account`. Its forms post, each with `csrf`:
/// `{base}/account/profile` (`name`, `picture`), `{base}/account/password` (`current_password`, `new_password`),
/// `{base}/account/verification` (ask for a link to verify the address), `{base}/account/sessions`
/// (`session` = id, or `others`), `{base}/account/applications` (`application` = id, to revoke),
/// `{base}/account/delete` (`confirm_password`).
#[derive(Debug, Clone, askama::Template)]
#[template(path = "account.html")]
pub struct AccountPage<'a> {
    /// What surrounds the page.
    pub chrome: Chrome<'a>,
    /// CSRF token of all forms.
    pub csrf: &'a str,
    /// What just succeeded, as a sentence.
    pub done: Option<&'a str>,
    /// What was wrong with the last form; empty otherwise.
    pub problems: Vec<Problem<'a>>,
    /// The profile.
    pub profile: Profile<'a>,
    /// Shortest password accepted, in characters (`auth.min_password_length`).
    pub min_password_length: u32,
    /// Browsers in which the user is signed in.
    pub sessions: Vec<SessionRow<'a>>,
    /// Clients that the user gave access to.
    pub applications: Vec<ConnectedApplication<'a>>,
}

/// What is known about the user.
#[derive(Debug, Clone, Copy)]
pub struct Profile<'a> {
    /// Display name; empty when none was given.
    pub name: &'a str,
    /// Address of a picture; empty when none was given.
    pub picture: &'a str,
    /// Email address.
    pub email: &'a str,
    /// Whether the address was verified.
    pub email_verified: bool,
}

/// One browser session.
#[derive(Debug, Clone, Copy)]
pub struct SessionRow<'a> {
    /// Value of the sign-out button.
    pub id: &'a str,
    /// Browser and system in words, for example "Firefox on Linux".
    pub browser: &'a str,
    /// When and from where it was last used, for example "21 November 2026, 203.0.113.9".
    pub last_used: &'a str,
    /// Whether it is the session of this very request.
    pub is_current: bool,
}

/// One client with access.
#[derive(Debug, Clone)]
pub struct ConnectedApplication<'a> {
    /// Value of the revoke button.
    pub id: &'a str,
    /// Name of the OAuth client.
    pub client_name: &'a str,
    /// Name of the app that owns it.
    pub app_name: &'a str,
    /// Scopes that were granted.
    pub scopes: Vec<&'a str>,
    /// The tables that access is limited to; `None` when it is not.
    pub tables: Option<Vec<&'a str>>,
    /// When access was given, for example "2 May 2026".
    pub since: &'a str,
}

impl ConnectedApplication<'_> {
    fn initial(&self) -> String {
        super::text::initial(self.app_name)
    }

    fn tone(&self) -> u32 {
        super::text::tone(self.app_name)
    }

    /// The tables that it may use, in words; `None` when its scopes open none.
    fn reach(&self) -> Option<String> {
        self.scopes.iter().any(|scope| is_about_tables(scope)).then_some(())?;
        let Some(tables) = &self.tables else { return Some("In every table".to_owned()) };
        let (shown, folded) = tables.split_at(tables.len().min(TABLES_SHOWN));
        let more = if folded.is_empty() { String::new() } else { format!(" and {} more", folded.len()) };
        let what = if tables.len() == 1 { "this table" } else { "these tables" };
        Some(format!("Only in {what}: {}{more}", shown.join(", ")))
    }

    /// What it may do; scopes without a meaning here are named as they are.
    fn permissions(&self) -> Vec<&str> {
        self.scopes.iter().map(|scope| permission_words(scope).unwrap_or(scope)).collect()
    }
}

impl<'a> AccountPage<'a> {
    /// The forms carry nothing but the token.
    fn hidden(&self) -> [Hidden<'a>; 0] {
        []
    }

    fn problem(&self, field: &str) -> Option<&'a str> {
        problem_of(&self.problems, field)
    }

    fn has_other_sessions(&self) -> bool {
        self.sessions.iter().any(|session| !session.is_current)
    }
}

impl Sampled for AccountPage<'static> {
    const PAGE: &'static str = "account";

    fn samples() -> Vec<(&'static str, Self)> {
        let plain = plain_sample();
        let problem = Problem { field: Some("current_password"), text: "That is not your current password." };
        let profile = Profile { email_verified: false, name: "", ..plain.profile };
        vec![
            ("plain", plain.clone()),
            ("done", Self { done: Some("Your password is changed."), ..plain.clone() }),
            ("refused", Self { problems: vec![problem], profile, ..plain.clone() }),
            ("empty", Self { applications: Vec::new(), sessions: plain.sessions[..1].to_vec(), ..plain }),
            ("hostile", hostile_sample()),
        ]
    }
}

fn plain_sample() -> AccountPage<'static> {
    AccountPage {
        chrome: Chrome { user: Some(samples::ada()), ..samples::chrome() },
        csrf: samples::CSRF,
        done: None,
        problems: Vec::new(),
        profile: Profile {
            name: "Ada Lovelace",
            picture: "",
            email: "ada@example.com",
            email_verified: true,
        },
        min_password_length: 8,
        sessions: vec![
            SessionRow {
                id: "1",
                browser: "Firefox on Linux",
                last_used: "21 November 2026, 203.0.113.9",
                is_current: true,
            },
            SessionRow {
                id: "2",
                browser: "Safari on iPhone",
                last_used: "19 November 2026, 198.51.100.23",
                is_current: false,
            },
        ],
        applications: vec![
            ConnectedApplication {
                id: "1",
                client_name: "Trailbook Web",
                app_name: "Trailbook",
                scopes: vec!["openid", "profile", "readonly"],
                tables: Some(vec!["photos", "trails"]),
                since: "2 May 2026",
            },
            ConnectedApplication {
                id: "2",
                client_name: "Weather Station",
                app_name: "Weather Station",
                scopes: vec!["*", "offline_access"],
                tables: None,
                since: "17 January 2026",
            },
        ],
    }
}

fn hostile_sample() -> AccountPage<'static> {
    AccountPage {
        chrome: samples::hostile_chrome(),
        done: Some(samples::HOSTILE),
        profile: Profile {
            name: samples::HOSTILE,
            picture: "javascript:alert(1)",
            email: samples::ENDLESS,
            email_verified: false,
        },
        sessions: vec![SessionRow {
            id: samples::HOSTILE,
            browser: samples::HOSTILE,
            last_used: samples::ENDLESS,
            is_current: false,
        }],
        applications: vec![ConnectedApplication {
            id: samples::HOSTILE,
            client_name: samples::HOSTILE,
            app_name: samples::ENDLESS,
            scopes: vec![samples::HOSTILE, samples::ENDLESS, "readonly"],
            tables: Some(vec![samples::HOSTILE; 14]),
            since: samples::HOSTILE,
        }],
        ..plain_sample()
    }
}
