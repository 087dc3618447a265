//! What the forms of the account page do.

use ayb_protocol::ids::{ClientId, SessionId};
use ayb_provider::session::Present;
use ayb_provider::user::{UserRecord, check_password, parse_name, parse_picture};
use serde_json::json;

use crate::audit::Subject;
use crate::limits::Attempt;
use crate::mail_link;
use crate::oauth::error::OAuthError;
use crate::pages::login::HOME;
use crate::pages::visit::{Visit, field};
use crate::sign_in;

type Pairs = [(String, String)];

/// The button that ends all other sessions.
const OTHERS: &str = "others";

/// What a form has done, in a word for the address and a sentence for the page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Done {
    Profile,
    Password,
    Verification,
    Session,
    Sessions,
    Application,
}

impl Done {
    const ALL: [Self; 6] =
        [Self::Profile, Self::Password, Self::Verification, Self::Session, Self::Sessions, Self::Application];

    const fn word(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Password => "password",
            Self::Verification => "verification",
            Self::Session => "session",
            Self::Sessions => "sessions",
            Self::Application => "application",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|done| done.word() == word)
    }

    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::Profile => "Your profile is saved.",
            Self::Password => "Your password is changed. You are signed out everywhere else.",
            Self::Verification => "We sent a link to your address. Open it to verify the address.",
            Self::Session => "That session is signed out.",
            Self::Sessions => "You are signed out everywhere else.",
            Self::Application => "The app has no access to your account any more.",
        }
    }

    /// The page that says so; a reload of it repeats nothing.
    pub(super) fn address(self) -> String {
        format!("{HOME}?done={}", self.word())
    }
}

/// What became of a form.
pub(super) enum Change {
    /// It did something.
    Done(Done),
    /// It did something after which this browser needs a new session, of the person as they are now.
    NewSession(Done, Box<UserRecord>),
    /// There was nothing to do.
    Nothing,
    /// The account is deleted.
    Gone,
    /// Fields that break a rule, each with a sentence.
    Refused(Vec<(&'static str, String)>),
}

fn note(visit: &Visit, present: &Present, event: &'static str, detail: Option<serde_json::Value>) {
    let subject = Subject { detail, ..Subject::own(present.user().id, visit.caller) };
    visit.app.audit.note(event, subject, visit.now);
}

pub(super) async fn profile(visit: &Visit, present: &Present, pairs: &Pairs) -> Result<Change, OAuthError> {
    let name = parse_name(field(pairs, "name").unwrap_or_default());
    let picture = parse_picture(field(pairs, "picture").unwrap_or_default());
    let (name, picture) = match (name, picture) {
        (Ok(name), Ok(picture)) => (name, picture),
        (name, picture) => {
            let problems = [("name", name.err()), ("picture", picture.err())];
            let told = |(field, text): (&'static str, Option<&str>)| Some((field, text?.to_owned()));
            return Ok(Change::Refused(problems.into_iter().filter_map(told).collect()));
        }
    };
    let user = present.user().id;
    visit.app.store.update_profile(user, name.as_deref(), picture.as_deref(), visit.now).await?;
    Ok(Change::Done(Done::Profile))
}

/// A new password. All sessions end, this one included: a copy of its cookie must not outlive the old password. All
/// grants are revoked.
pub(super) async fn password(visit: &Visit, present: &Present, pairs: &Pairs) -> Result<Change, OAuthError> {
    let Visit { app, now, .. } = visit;
    let attempt = Attempt::count(app, visit.caller, *now).await?;
    let new = field(pairs, "new_password").unwrap_or_default();
    if let Err(text) = check_password(new, app.config.auth.min_password_length) {
        return Ok(Change::Refused(vec![("new_password", text)]));
    }
    let current = field(pairs, "current_password").unwrap_or_default();
    let Some(user) = sign_in::replace_password(app, &attempt, present.user(), current, new, *now).await?
    else {
        let text = "That is not your current password.".to_owned();
        return Ok(Change::Refused(vec![("current_password", text)]));
    };
    note(visit, present, "password_changed", None);
    Ok(Change::NewSession(Done::Password, Box::new(user)))
}

pub(super) fn verification(visit: &Visit, present: &Present) -> Change {
    if present.user().email_verified {
        return Change::Nothing;
    }
    mail_link::send_verification(&visit.app, present.user(), visit.now);
    Change::Done(Done::Verification)
}

pub(super) async fn sessions(visit: &Visit, present: &Present, pairs: &Pairs) -> Result<Change, OAuthError> {
    let Visit { app, now, .. } = visit;
    let (user, this) = (present.user().id, present.session().id);
    let named = field(pairs, "session").unwrap_or_default();
    if named == OTHERS {
        let ended = app.store.end_sessions(user, Some(this), *now).await?;
        note(visit, present, "session_ended", Some(json!({"sessions": ended})));
        return Ok(Change::Done(Done::Sessions));
    }
    // Only one's own: an identifier that somebody saw elsewhere ends nothing.
    let own = app.store.list_live_sessions(user, *now).await?;
    let session = SessionId::parse(named).and_then(|id| own.iter().find(|live| live.id == id));
    let Some(session) = session else { return Ok(Change::Nothing) };
    if app.store.end_session(session.id, session.kind, *now).await? {
        note(visit, present, "session_ended", Some(json!({"session_id": session.id.to_string()})));
    }
    Ok(Change::Done(Done::Session))
}

pub(super) async fn applications(
    visit: &Visit,
    present: &Present,
    pairs: &Pairs,
) -> Result<Change, OAuthError> {
    let named = field(pairs, "application").unwrap_or_default();
    let Some(client_id) = ClientId::parse(named) else { return Ok(Change::Nothing) };
    let user = present.user().id;
    visit.app.store.withdraw_consent(user, &client_id, visit.now).await?;
    let subject = Subject { client_id: Some(client_id), ..Subject::own(user, visit.caller) };
    visit.app.audit.note("consent_withdrawn", subject, visit.now);
    Ok(Change::Done(Done::Application))
}

pub(super) async fn delete(visit: &Visit, present: &Present, pairs: &Pairs) -> Result<Change, OAuthError> {
    let attempt = Attempt::count(&visit.app, visit.caller, visit.now).await?;
    let password = field(pairs, "confirm_password").unwrap_or_default();
    if !sign_in::confirms(&visit.app, &attempt, present.user(), password).await? {
        let text = "That is not your password.".to_owned();
        return Ok(Change::Refused(vec![("confirm_password", text)]));
    }
    if visit.app.store.delete_user(present.user().id).await? {
        note(visit, present, "account_deleted", None);
    }
    Ok(Change::Gone)
}
