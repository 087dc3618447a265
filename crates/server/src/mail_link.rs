//! Links sent by mail: to choose a new password, and to show that an address is one's own.
//!
//! A link works once and for a short time. Following it changes nothing, because mail programs open links by
//! themselves; the form behind it does. Its host is the configured one, never one that a request names.

use std::time::Duration;

use ayb_protocol::secret::{MailLink, Secret};
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::user::{UserRecord, check_password};
use ayb_store::error::StoreError;
use ayb_store::{LinkKind, LinkRecord, LinkUse, NewPassword};
use zeroize::Zeroizing;

use crate::app::App;
use crate::audit::Subject;
use crate::entropy::EntropyError;
use crate::http::client_ip::ClientIp;
use crate::limits::Attempt;
use crate::mail::{Mail, MailError};
use crate::oauth::error::OAuthError;
use crate::sign_in;

/// How long a link for a new password works.
const RESET_LIFETIME: Seconds = Seconds(3600);
/// How long a link that verifies an address works.
const VERIFY_LIFETIME: Seconds = Seconds(24 * 3600);
/// The longest that looking up, storing and sending may take together.
const DEADLINE: Duration = Duration::from_secs(60);

/// Sends a link for a new password to `email`, which is in lowercase, if an account in use has it. All of that happens
/// after the answer, so neither the answer nor its time tells whether there is such an account.
pub fn send_reset(app: &App, email: String, now: Timestamp) {
    let worker = app.clone();
    app.background.spawn(within_deadline(async move {
        if !worker.limits.may_mail(LinkKind::Reset, &email, now).await {
            return Ok(());
        }
        match worker.store.user_by_email(&email).await? {
            Some(user) if user.is_active() => send(&worker, &user, LinkKind::Reset, now).await,
            _ => Ok(()),
        }
    }));
}

/// Sends a link that verifies a person's address.
pub fn send_verification(app: &App, user: &UserRecord, now: Timestamp) {
    let (worker, user) = (app.clone(), user.clone());
    app.background.spawn(within_deadline(async move {
        match worker.limits.may_mail(LinkKind::Verify, &user.email, now).await {
            true => send(&worker, &user, LinkKind::Verify, now).await,
            false => Ok(()),
        }
    }));
}

/// Why a link did not leave the server.
#[derive(Debug, thiserror::Error)]
enum NotSent {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    #[error(transparent)]
    Mail(#[from] MailError),
}

async fn within_deadline(work: impl Future<Output = Result<(), NotSent>>) {
    match tokio::time::timeout(DEADLINE, work).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "a link was not sent"),
        Err(_) => tracing::warn!("a link was not sent in time"),
    }
}

async fn send(app: &App, user: &UserRecord, kind: LinkKind, now: Timestamp) -> Result<(), NotSent> {
    let id = app.mint.uuid(now)?;
    let secret = app.mint.named::<MailLink>(id)?;
    let lifetime = match kind {
        LinkKind::Reset => RESET_LIFETIME,
        LinkKind::Verify => VERIFY_LIFETIME,
    };
    let record = LinkRecord {
        id,
        kind,
        hash: secret.hash(),
        user_id: user.id,
        email: user.email.clone(),
        expires_at: now.plus(lifetime),
        used_at: None,
        created_at: now,
    };
    app.store.insert_link(&record).await?;
    app.mailer.send(letter(app, user, kind, &secret)).await?;
    Ok(())
}

/// The mail. It does not hold the person's name: whoever signs up with somebody else's address would write in it.
fn letter(app: &App, user: &UserRecord, kind: LinkKind, secret: &Secret<MailLink>) -> Mail {
    let (host, issuer, token) = (app.public_name(), app.issuer(), secret.expose());
    let (subject, text) = match kind {
        LinkKind::Reset => (
            format!("Choose a new password for {host}"),
            format!(
                "Somebody asked for a new password for your account at {host}. If it was you, open this link within \
                 an hour:\n\n{issuer}/reset?token={token}\n\nThe link works once. If it was not you, do nothing: your \
                 password stays as it is.\n"
            ),
        ),
        LinkKind::Verify => (
            format!("Verify your address for {host}"),
            format!(
                "This address was given for an account at {host}. If it was you, open this link within a day to show \
                 that the address is yours:\n\n{issuer}/verify-email?token={token}\n\nThe link works once. If it was \
                 not you, do nothing.\n"
            ),
        ),
    };
    Mail { to: user.email.clone(), subject, text, html: None }
}

/// The person whose link for `kind` this is, when it can be used now. Nothing is used up.
///
/// # Errors
/// When the store cannot say.
pub async fn peek(
    app: &App,
    kind: LinkKind,
    token: &str,
    now: Timestamp,
) -> Result<Option<UserRecord>, StoreError> {
    let Some(secret) = Secret::<MailLink>::parse(token) else { return Ok(None) };
    let Some(id) = secret.named_row(app.mint.mask()) else { return Ok(None) };
    let found = app.store.peek_link(id).await?;
    Ok(found.filter(|found| found.opens(kind, &secret.hash(), now)).map(|found| found.user))
}

/// Why a password was not set.
#[derive(Debug)]
pub enum ResetError {
    /// The link is unknown, used, too old or for something else.
    Dead,
    /// The password breaks a rule, in a sentence. The link is not used up.
    Password(String),
    /// Our own trouble.
    Fault(OAuthError),
}

impl<E: Into<OAuthError>> From<E> for ResetError {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

/// Uses a link for a new password. It ends all sessions of the person and revokes all that they granted, and begins no
/// session: whoever reads the mail has still to know the password.
///
/// # Errors
/// See [`ResetError`].
pub async fn set_password(
    app: &App,
    attempt: &Attempt,
    token: &str,
    password: &str,
    now: Timestamp,
) -> Result<(), ResetError> {
    let user = peek(app, LinkKind::Reset, token, now).await?.ok_or(ResetError::Dead)?;
    check_password(password, app.config.auth.min_password_length).map_err(ResetError::Password)?;
    let hash = sign_in::hash(app, Zeroizing::new(password.to_owned())).await?;
    let new = NewPassword { hash: hash.as_str().to_owned(), keep: None, revoke_grants: true };
    let used = consume(app, LinkKind::Reset, token, now, LinkUse::SetPassword(new)).await?;
    if !used {
        return Err(ResetError::Dead);
    }
    app.audit.note("password_reset", Subject::own(user.id, attempt.caller()), now);
    Ok(())
}

/// Uses a link that verifies an address; false when it cannot be used.
///
/// # Errors
/// When the store cannot do it.
pub async fn verify_email(
    app: &App,
    token: &str,
    caller: ClientIp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(user) = peek(app, LinkKind::Verify, token, now).await? else { return Ok(false) };
    let used = consume(app, LinkKind::Verify, token, now, LinkUse::VerifyEmail).await?;
    if used {
        app.audit.note("email_verified", Subject::own(user.id, caller), now);
    }
    Ok(used)
}

/// Uses a link once, whoever else tries at the same moment.
async fn consume(
    app: &App,
    kind: LinkKind,
    token: &str,
    now: Timestamp,
    change: LinkUse,
) -> Result<bool, StoreError> {
    let Some(secret) = Secret::<MailLink>::parse(token) else { return Ok(false) };
    let Some(id) = secret.named_row(app.mint.mask()) else { return Ok(false) };
    let hash = secret.hash();
    let done = app
        .store
        .consume_link(id, now, move |found| match found {
            Some(found) if found.opens(kind, &hash, now) => change.clone(),
            _ => LinkUse::Refuse,
        })
        .await?;
    Ok(!matches!(done, LinkUse::Refuse))
}
