//! The account API, as programs that sign people in meet it, and those who attack it.

mod enumeration;
mod forged;
mod hostile;
mod limits;
mod me;
mod meanwhile;
mod pages;
mod session;
mod sign_up;

use ayb_store::{AuditEntry, AuditFilter, Page};
use serde_json::{Value, json};

use crate::kit::{Call, Person, Reply, TestApp};

pub(super) const REGISTER: &str = "/api/auth/register";
pub(super) const LOGIN: &str = "/api/auth/login";
pub(super) const REFRESH: &str = "/api/auth/refresh";
pub(super) const LOGOUT: &str = "/api/auth/logout";
pub(super) const ME: &str = "/api/auth/me";
pub(super) const FORGOT: &str = "/api/auth/forgot-password";
pub(super) const RESET: &str = "/api/auth/reset-password";
pub(super) const VERIFY: &str = "/api/auth/verify-email";
pub(super) const RESEND: &str = "/api/auth/resend-verification";

/// Both tokens of a session of the account API.
pub(super) struct Session {
    pub(super) token: String,
    pub(super) refresh: String,
}

impl Session {
    #[track_caller]
    pub(super) fn of(reply: &Reply) -> Self {
        assert!(reply.status.is_success(), "{reply}");
        Self { token: reply.member("token"), refresh: reply.member("refreshToken") }
    }

    pub(super) async fn begin(app: &TestApp, person: &Person) -> Self {
        Self::of(&login(app, &person.email, &person.password).await)
    }

    /// The status of `me` for its session token: 200 while the session is alive, 401 when it is over.
    pub(super) async fn me(&self, app: &TestApp) -> u16 {
        app.get(ME).bearer(&self.token).await.status.as_u16()
    }
}

pub(super) fn login(app: &TestApp, email: &str, password: &str) -> Call {
    app.post(LOGIN).json(&json!({"email": email, "password": password}))
}

pub(super) fn refresh(app: &TestApp, token: &str) -> Call {
    app.post(REFRESH).json(&json!({"refreshToken": token}))
}

pub(super) fn logout(app: &TestApp, token: &str) -> Call {
    app.post(LOGOUT).json(&json!({"refreshToken": token}))
}

/// What the trail holds, the oldest first.
pub(super) async fn trail(app: &TestApp) -> Vec<AuditEntry> {
    app.app.background.idle().await;
    let page = Page { number: 1, per_page: 1000 };
    let (mut entries, _) = app.app.store.list_audit(page, &AuditFilter::default()).await.unwrap();
    entries.reverse();
    entries
}

/// The events in the trail with this name.
pub(super) async fn noted(app: &TestApp, event: &str) -> Vec<AuditEntry> {
    trail(app).await.into_iter().filter(|entry| entry.event == event).collect()
}

/// The token of the only mail that was sent since the last look.
pub(super) async fn mailed_token(app: &TestApp) -> String {
    app.app.background.idle().await;
    let mails = app.outbox.take();
    assert_eq!(mails.len(), 1, "{mails:?}");
    token_in(&mails[0].text)
}

/// The token of the link in a mail.
#[track_caller]
pub(super) fn token_in(text: &str) -> String {
    let link = text.lines().find(|line| line.starts_with("https://id.test/")).unwrap();
    link.split("?token=").nth(1).unwrap().to_owned()
}

/// The error of the envelope: status and code agree, and nothing of the request comes back.
#[track_caller]
pub(super) fn envelope(reply: &Reply) -> (u16, String) {
    let json: Value = reply.json();
    assert_eq!(json["code"], reply.status.as_u16(), "{reply}");
    assert_eq!(reply.header("cache-control"), "no-store", "{reply}");
    (reply.status.as_u16(), reply.member("message"))
}
