//! Signing in with a password: one answer and one amount of work, whether the account exists or not.

use ayb_protocol::time::Timestamp;
use ayb_provider::user::{UserRecord, parse_email};
use zeroize::Zeroizing;

use crate::app::App;
use crate::audit::Subject;
use crate::limits::{Attempt, Standing};
use crate::oauth::error::{OAuthError, internal};
use crate::password::{PasswordError, PasswordHash, Verification};

/// Why somebody is not signed in.
#[derive(Debug)]
pub enum SignInError {
    /// No such account, wrong password, or an account that may not be used: one answer for all.
    Wrong,
    /// Our own trouble.
    Fault(OAuthError),
}

impl<E: Into<OAuthError>> From<E> for SignInError {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

/// The person that address and password belong to.
///
/// # Errors
/// See [`SignInError`].
pub async fn with_password(
    app: &App,
    attempt: &Attempt,
    email: &str,
    password: &str,
    now: Timestamp,
) -> Result<UserRecord, SignInError> {
    let caller = attempt.caller();
    let outcome = check(app, email, password, now).await;
    match &outcome {
        Ok(user) => app.audit.note("signed_in", Subject::own(user.id, caller), now),
        Err(SignInError::Wrong) => {
            let subject = Subject { ip: Some(caller.to_string()), ..Subject::default() };
            app.audit.note("sign_in_failed", subject, now);
        }
        Err(SignInError::Fault(_)) => {}
    }
    outcome
}

async fn check(app: &App, email: &str, password: &str, now: Timestamp) -> Result<UserRecord, SignInError> {
    let password = Zeroizing::new(password.to_owned());
    let found = match parse_email(email) {
        Ok(email) => app.store.user_by_email(&email).await?,
        Err(_) => None,
    };
    let Some((user, stored)) =
        found.and_then(|user| Some((user.password_hash.clone()?, user)).map(|(hash, user)| (user, hash)))
    else {
        fail_softly(app.passwords.verify_dummy(password).await)?;
        return Err(SignInError::Wrong);
    };
    match app.passwords.verify(password.clone(), &PasswordHash::from_stored(stored)).await {
        Ok(Verification::Match { stale }) if user.is_active() => {
            if stale {
                renew_hash(app, &user, password, now).await?;
            }
            Ok(user)
        }
        Ok(_) => Err(SignInError::Wrong),
        Err(error) => {
            fail_softly(Err(error))?;
            Err(SignInError::Wrong)
        }
    }
}

/// Hashes a password at today's cost because it was hashed at yesterday's.
async fn renew_hash(
    app: &App,
    user: &UserRecord,
    password: Zeroizing<String>,
    now: Timestamp,
) -> Result<(), SignInError> {
    let hash = hash(app, password).await?;
    let old = user.password_hash.as_deref().unwrap_or_default();
    app.store.renew_password_hash(user.id, old, hash.as_str(), now).await?;
    Ok(())
}

/// Whether `password` is the password of somebody who is signed in.
///
/// # Errors
/// When the pool is busy or broken.
pub async fn confirms(
    app: &App,
    _attempt: &Attempt,
    user: &UserRecord,
    password: &str,
) -> Result<bool, OAuthError> {
    let Some(stored) = &user.password_hash else { return Ok(false) };
    let password = Zeroizing::new(password.to_owned());
    match app.passwords.verify(password, &PasswordHash::from_stored(stored)).await {
        Ok(verification) => Ok(matches!(verification, Verification::Match { .. })),
        Err(PasswordError::TooLong) => Ok(false),
        Err(error) => Err(fault(&error)),
    }
}

/// Hashes a new password.
///
/// # Errors
/// When the pool is busy or broken.
pub async fn hash(app: &App, password: Zeroizing<String>) -> Result<PasswordHash, OAuthError> {
    app.passwords.hash(password).await.map_err(|error| fault(&error))
}

fn fail_softly(outcome: Result<Verification, PasswordError>) -> Result<(), OAuthError> {
    match outcome {
        Ok(_) | Err(PasswordError::TooLong) => Ok(()),
        Err(error) => Err(fault(&error)),
    }
}

fn fault(error: &PasswordError) -> OAuthError {
    match error {
        PasswordError::Busy => OAuthError::busy(),
        error => internal(error.to_string()),
    }
}

/// Refuses a caller who has used up a limit.
///
/// # Errors
/// 429 when the limit is reached.
pub fn limited(standing: Option<Standing>) -> Result<(), OAuthError> {
    match standing {
        Some(standing) if !standing.verdict.is_allowed() => Err(OAuthError::limited(standing)),
        _ => Ok(()),
    }
}
