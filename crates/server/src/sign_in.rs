//! Signing in with a password: one answer and one amount of work, whether the account exists or not.

use ayb_protocol::time::Timestamp;
use ayb_provider::user::{UserRecord, parse_email};
use ayb_store::NewPassword;
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

/// Signs in the person that address and password belong to. `begin` gets them as they were verified, and begins their
/// session only if they still are, because verifying takes a while; `None` is the answer to a wrong password.
///
/// # Errors
/// See [`SignInError`].
pub async fn with_password<T>(
    app: &App,
    attempt: &Attempt,
    email: &str,
    password: &str,
    now: Timestamp,
    begin: impl AsyncFnOnce(UserRecord) -> Result<Option<T>, OAuthError>,
) -> Result<T, SignInError> {
    let caller = attempt.caller();
    let sign_in = async {
        let user = check(app, attempt, email, password, now).await?;
        let id = user.id;
        let begun = begin(user).await.map_err(SignInError::Fault)?;
        Ok((id, begun.ok_or(SignInError::Wrong)?))
    };
    let outcome = sign_in.await;
    match &outcome {
        Ok((user, _)) => app.audit.note("signed_in", Subject::own(*user, caller), now),
        Err(SignInError::Wrong) => {
            let subject = Subject { ip: Some(caller.to_string()), ..Subject::default() };
            app.audit.note("sign_in_failed", subject, now);
        }
        Err(SignInError::Fault(_)) => {}
    }
    outcome.map(|(_, begun)| begun)
}

async fn check(
    app: &App,
    attempt: &Attempt,
    email: &str,
    password: &str,
    now: Timestamp,
) -> Result<UserRecord, SignInError> {
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
                with_new_hash(app, attempt, user, password, now).await
            } else {
                Ok(user)
            }
        }
        Ok(_) => Err(SignInError::Wrong),
        Err(error) => {
            fail_softly(Err(error))?;
            Err(SignInError::Wrong)
        }
    }
}

/// Hashes a password at today's cost because it was hashed at yesterday's; from now on the new hash is the verified one.
async fn with_new_hash(
    app: &App,
    attempt: &Attempt,
    user: UserRecord,
    password: Zeroizing<String>,
    now: Timestamp,
) -> Result<UserRecord, SignInError> {
    let hash = hash(app, password.clone()).await?;
    if app.store.renew_password_hash(user.id, verified(&user), hash.as_str(), now).await? {
        return Ok(UserRecord { password_hash: Some(hash.as_str().to_owned()), ..user });
    }
    // Another sign-in with the same password was faster, or the password is another by now.
    let user = app.store.user(user.id).await?.ok_or(SignInError::Wrong)?;
    if confirms(app, attempt, &user, &password).await? { Ok(user) } else { Err(SignInError::Wrong) }
}

/// The hash that a person was verified by, for the store to compare.
pub fn verified(user: &UserRecord) -> &str {
    // Nothing is verified without a hash, and no stored hash is empty.
    user.password_hash.as_deref().unwrap_or_default()
}

/// Gives somebody who is signed in a new password, if `current` is the one until now. Everything that lived by that one
/// ends. The answer is the person with the new password; `None` when `current` is wrong, or another password was set
/// while it was verified.
///
/// # Errors
/// When the pool is busy or broken, or the store fails.
pub async fn replace_password(
    app: &App,
    attempt: &Attempt,
    user: &UserRecord,
    current: &str,
    new: &str,
    now: Timestamp,
) -> Result<Option<UserRecord>, OAuthError> {
    if !confirms(app, attempt, user, current).await? {
        return Ok(None);
    }
    let hash = hash(app, Zeroizing::new(new.to_owned())).await?.as_str().to_owned();
    let new = NewPassword { hash: hash.clone(), keep: None, revoke_grants: true };
    let replaced = app.store.replace_password_hash(user.id, verified(user), new, now).await?;
    Ok(replaced.then(|| UserRecord { password_hash: Some(hash), ..user.clone() }))
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
