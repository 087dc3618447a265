//! What the authorization endpoint does next (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2).

mod addressing;
mod approval;
mod decision;

use crate::kit::{ADA, CALLBACK, CHALLENGE, NOW, client, our_id, scope, signed_in, tables};
use ayb_protocol::ids::UserId;
use ayb_protocol::message::authorize::{Address, AuthorizeRequest};
use ayb_protocol::params::Params;
use ayb_protocol::time::Timestamp;
use ayb_provider::authorize::{Addressed, Approved, Progress, Step, Validated, address};
use ayb_provider::client::ClientRecord;
use ayb_provider::consent::ConsentRecord;
use ayb_provider::session::Present;

/// A whole request with `extra` parameters, in form encoding.
fn request(extra: &str) -> AuthorizeRequest {
    let query = format!(
        "response_type=code&state=s&nonce=n&code_challenge_method=S256&code_challenge={CHALLENGE}&{extra}"
    );
    AuthorizeRequest::read(&Params::parse(&query).expect(extra)).expect(extra)
}

fn our_address() -> Address {
    Address { client_id: our_id().to_string(), redirect_uri: CALLBACK.to_owned() }
}

fn addressed(change: impl FnOnce(&mut ClientRecord)) -> Addressed {
    address(&our_address(), Some(client(change).into())).expect("addressed")
}

/// `extra` must name a scope.
fn validated(extra: &str) -> Validated {
    addressed(|_| {}).validate(request(extra)).expect(extra)
}

fn consent(words: &str, names: &str) -> ConsentRecord {
    ConsentRecord {
        user_id: ADA,
        client_id: our_id(),
        scope: scope(words),
        tables: tables(names),
        granted_at: NOW,
    }
}

/// One visit of the authorization endpoint: the person signed in a minute ago and has agreed to what is asked.
#[derive(Clone)]
struct Visit {
    query: String,
    present: Option<Present>,
    consent: Option<ConsentRecord>,
    progress: Progress,
    expected_sub: Option<String>,
    now: Timestamp,
}

impl Visit {
    fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut visit = Self {
            query: String::new(),
            present: Some(signed_in(ADA, 60)),
            consent: Some(consent("openid email readonly", "notes")),
            progress: Progress::default(),
            expected_sub: None,
            now: NOW,
        };
        change(&mut visit);
        visit
    }

    /// Asks for `openid email readonly` on `notes`, unless the query says otherwise.
    fn validated(&self) -> Validated {
        if self.query.contains("scope=") {
            return validated(&self.query);
        }
        validated(&format!("scope=openid%20email%20readonly&allowed_tables=notes&{}", self.query))
    }

    fn step(&self) -> Step {
        self.validated().decide(
            self.present.clone(),
            self.consent.as_ref(),
            self.progress,
            self.expected_sub.as_deref(),
            self.now,
        )
    }

    fn approve(&self) -> Result<(Approved, ConsentRecord), Step> {
        self.validated().approve(
            self.present.clone(),
            self.consent.as_ref(),
            self.progress,
            self.expected_sub.as_deref(),
            self.now,
        )
    }
}

/// The next step in one word; a refusal by its code.
fn word(step: &Step) -> &'static str {
    match step {
        Step::SignIn { again: false } => "sign in",
        Step::SignIn { again: true } => "sign in again",
        Step::SelectAccount => "select account",
        Step::AskConsent(_) => "ask",
        Step::Approved(_) => "approved",
        Step::Refuse(refusal) => refusal.code.as_str(),
    }
}

/// The next step of a visit, in one word.
fn next(change: impl FnOnce(&mut Visit)) -> &'static str {
    word(&Visit::with(change).step())
}

/// A browser of `user`, as an option.
fn present(user: UserId, seconds_ago: u64) -> Option<Present> {
    Some(signed_in(user, seconds_ago))
}
