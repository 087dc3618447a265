//! `[email]`: how mail leaves the server.

use serde::Deserialize;

use super::error::Findings;
use super::key::{Fallback, Key, Section};
use super::secret::SecretText;
use super::value::{Form, Kind, PLAIN};

/// How mail leaves the server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailConfig {
    /// Where mail goes.
    pub backend: EmailBackend,
    /// The sender's address; always there with [`EmailBackend::Smtp`].
    pub from: Option<String>,
    /// The mail server; always there with [`EmailBackend::Smtp`].
    pub smtp_host: Option<String>,
    /// The mail server's port.
    pub smtp_port: u16,
    /// The name to sign in with; there is one exactly when there is a password.
    pub smtp_username: Option<String>,
    /// The password to sign in with.
    pub smtp_password: Option<SecretText>,
    /// How the connection is protected.
    pub smtp_tls: SmtpTls,
}

/// Where mail goes.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum EmailBackend {
    /// Into the log, for development.
    Log,
    /// To a mail server.
    Smtp,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// It starts in the clear and must switch to TLS (RFC 3207).
    Starttls,
    /// TLS from the first byte (RFC 8314 §3.3).
    Tls,
    /// Not at all; only without a password.
    None,
}

impl EmailConfig {
    pub(super) const SECTION: Section =
        Section { name: "email", doc: "How mail leaves the server.", keys: KEYS };

    pub(super) fn check(&self, findings: &mut Findings<'_>) {
        if self.backend == EmailBackend::Smtp {
            let needed = [("email.from", self.from.is_some()), ("email.smtp_host", self.smtp_host.is_some())];
            for (key, _) in needed.into_iter().filter(|(_, present)| !present) {
                findings.add(key, "is missing: `email.backend` is smtp", "set it, or `email.backend` to log");
            }
        }
        if self.smtp_username.is_some() != self.smtp_password.is_some() {
            let missing =
                if self.smtp_username.is_none() { "email.smtp_username" } else { "email.smtp_password" };
            findings.add(
                missing,
                "is missing: signing in needs a name and a password",
                "set both or neither",
            );
        }
        if self.smtp_tls == SmtpTls::None && self.smtp_password.is_some() {
            findings.add(
                "email.smtp_tls",
                "must not be none: the password would travel in the clear",
                "use starttls or tls",
            );
        }
    }
}

const KEYS: &[Key] = &[
    Key::open(
        "email.backend",
        Kind::Choice(&["log", "smtp"]),
        Fallback::Fixed("log"),
        "Where mail goes: `log` prints it for development, `smtp` sends it.",
    ),
    Key::open(
        "email.from",
        Kind::Text(&MAIL_ADDRESS),
        Fallback::Unset,
        "Sender of every mail, such as `Example <no-reply@example.com>`.",
    ),
    Key::open("email.smtp_host", Kind::Text(&PLAIN), Fallback::Unset, "Host name of the mail server."),
    Key::open(
        "email.smtp_port",
        Kind::Number { least: 1, most: 65535 },
        Fallback::Fixed("587"),
        "Port of the mail server: 587 for starttls, 465 for tls.",
    ),
    Key::open(
        "email.smtp_username",
        Kind::Text(&PLAIN),
        Fallback::Unset,
        "Name to sign in to the mail server with.",
    ),
    Key::secret("email.smtp_password", Kind::Text(&PLAIN), "Password to sign in to the mail server with."),
    Key::open(
        "email.smtp_tls",
        Kind::Choice(&["starttls", "tls", "none"]),
        Fallback::Fixed("starttls"),
        "Protection of the connection to the mail server; `none` only without a password.",
    ),
];

static MAIL_ADDRESS: Form = Form {
    name: "mail address",
    check: |text| match text.parse::<lettre::message::Mailbox>() {
        Ok(_) => Ok(()),
        Err(_) => Err("must be a mail address such as no-reply@example.com or `Name <no-reply@example.com>`"),
    },
};
