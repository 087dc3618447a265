//! Pages that only tell how something ended.

use super::samples::{self, Sampled};
use super::{Chrome, filters};

/// What happened. Mails are announced in the same words whether or not the address has an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// A reset link was sent, if the account exists.
    ResetLinkSent,
    /// The reset link is unknown, used or too old.
    ResetLinkExpired,
    /// The password was changed through a reset link.
    PasswordChanged,
    /// A verification link was sent, if the address can be registered.
    VerificationSent,
    /// The email address is now verified.
    EmailVerified,
    /// The verification link is unknown, used or too old.
    VerificationExpired,
}

impl Notice {
    fn is_good(self) -> bool {
        !matches!(self, Self::ResetLinkExpired | Self::VerificationExpired)
    }

    fn icon(self) -> &'static str {
        match self {
            Self::ResetLinkSent | Self::VerificationSent => "mail",
            Self::PasswordChanged | Self::EmailVerified => "check",
            Self::ResetLinkExpired | Self::VerificationExpired => "clock",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::ResetLinkSent | Self::VerificationSent => "Check your inbox",
            Self::ResetLinkExpired | Self::VerificationExpired => "This link no longer works",
            Self::PasswordChanged => "Your password is changed",
            Self::EmailVerified => "Your email is verified",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::ResetLinkSent => {
                "If an account uses that address, a link to choose a new password is on its way. It works once, for a short time."
            }
            Self::ResetLinkExpired => {
                "Links to change a password work once and only for a short time. Ask for a fresh one."
            }
            Self::PasswordChanged => "You are signed out everywhere. Sign in with the new password to go on.",
            Self::VerificationSent => {
                "We sent a message to that address. Open the link in it to finish. It works once, for a short time."
            }
            Self::EmailVerified => "Thank you. Apps that ask for your email now see that it is really yours.",
            Self::VerificationExpired => {
                "Links to verify an address work once and only for a short time. Ask for a fresh one from your account."
            }
        }
    }
}

/// The answer to a form or a mailed link.
#[derive(Debug, Clone, askama::Template)]
#[template(path = "notice.html")]
pub struct NoticePage<'a> {
    /// What surrounds the page.
    pub chrome: Chrome<'a>,
    /// What happened.
    pub notice: Notice,
    /// Where to go on (`/login?return_to=…`, `/forgot`, `/account`, …) and the words on the link.
    pub next: Option<(&'a str, &'a str)>,
}

impl Sampled for NoticePage<'static> {
    const PAGE: &'static str = "notice";

    fn samples() -> Vec<(&'static str, Self)> {
        let page = |notice, next| Self { chrome: samples::chrome(), notice, next };
        vec![
            ("reset-sent", page(Notice::ResetLinkSent, Some(("/login", "Back to sign in")))),
            ("reset-expired", page(Notice::ResetLinkExpired, Some(("/forgot", "Ask for a new link")))),
            ("password-changed", page(Notice::PasswordChanged, Some(("/login", "Sign in")))),
            ("verification-sent", page(Notice::VerificationSent, None)),
            ("verified", page(Notice::EmailVerified, Some(("/account", "Go to your account")))),
            (
                "verification-expired",
                page(Notice::VerificationExpired, Some(("/account", "Go to your account"))),
            ),
        ]
    }
}
