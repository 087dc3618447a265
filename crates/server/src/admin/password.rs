//! The administrator's password: from the configuration, or made at the first start.

use ayb_protocol::secret::{Admin, SecretHash};
use ayb_protocol::time::Timestamp;
use ayb_provider::user::{MAX_PASSWORD, check_password};
use ayb_store::Store;
use zeroize::Zeroizing;

use crate::admin::AdminCaller;
use crate::app::App;
use crate::audit::Subject;
use crate::entropy::{Entropy, EntropyError};
use crate::error::ApiError;
use crate::password::{PasswordHash, PasswordPool, Verification};

/// The fewest characters of a new password.
pub const MIN_LENGTH: usize = 8;

/// Characters of a generated password, 5 bits each: 100 bits.
const GENERATED_LENGTH: usize = 20;
/// Digits and letters that nobody takes for one another when they read them aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Makes sure that there is a password, so that the administration is never open. Answers the one that was made, which
/// nobody can find out later.
///
/// A password in the configuration is taken over; when it is another than at the last start, the sessions that were
/// begun with the old one end.
///
/// # Errors
/// When the store or the randomness fails.
pub async fn ensure(app: &App) -> anyhow::Result<Option<Zeroizing<String>>> {
    let known = app.store.admin_password().await?;
    let configured = app.config.admin.password.as_ref();
    let Some(configured) = configured.map(|password| Zeroizing::new(password.expose().to_owned())) else {
        return if known.is_some() { Ok(None) } else { generate(app).await };
    };
    // Another process that starts with the same configuration at the same moment may be first, here and below; the
    // sessions that it has begun live on.
    let known = match known {
        Some(known) => known,
        None => {
            let hash = app.admin_passwords.hash(configured.clone()).await?;
            app.store.admin_password_or_insert(hash.as_str(), app.clock.now()).await?
        }
    };
    let stored = PasswordHash::from_stored(known.as_str());
    if app.admin_passwords.verify(configured.clone(), &stored).await? == Verification::Mismatch {
        let hash = app.admin_passwords.hash(configured).await?;
        app.store.replace_admin_password(&known, hash.as_str(), app.clock.now()).await?;
    }
    Ok(None)
}

async fn generate(app: &App) -> anyhow::Result<Option<Zeroizing<String>>> {
    let password = readable(&app.entropy)?;
    let hash = app.admin_passwords.hash(password.clone()).await?;
    let kept = app.store.admin_password_or_insert(hash.as_str(), app.clock.now()).await?;
    // Another process that starts at the same moment may have been first; then its password counts.
    Ok((kept == hash.as_str()).then_some(password))
}

fn readable(entropy: &Entropy) -> Result<Zeroizing<String>, EntropyError> {
    let random = Zeroizing::new(entropy.bytes::<GENERATED_LENGTH>()?);
    let mut text = Zeroizing::new(String::with_capacity(GENERATED_LENGTH * 2));
    for (place, byte) in random.iter().enumerate() {
        if place > 0 && place % 5 == 0 {
            text.push('-');
        }
        text.push(char::from(ALPHABET[usize::from(byte & 31)]));
    }
    Ok(text)
}

/// The stored hash of `password`, if it is the administrator's. What the answer leads to has to see to it that the hash
/// is still the stored one: verifying takes a while, and a new password may come meanwhile.
///
/// A password in the configuration has to be the stored one too: a server that was started later with another password
/// has replaced it, for all servers on this database.
///
/// # Errors
/// When the store or the pool of password workers fails.
pub async fn verify(app: &App, password: Zeroizing<String>) -> Result<Option<PasswordHash>, ApiError> {
    if let Some(configured) = &app.config.admin.password {
        let hash = SecretHash::<Admin>::of;
        if hash(&password) != hash(configured.expose()) {
            return Ok(None);
        }
    }
    if password.len() > MAX_PASSWORD {
        return Ok(None);
    }
    let stored = app.store.admin_password().await?;
    // Without a password nobody is the administrator.
    let Some(stored) = stored.map(PasswordHash::from_stored) else { return Ok(None) };
    let matches = app.admin_passwords.verify(password, &stored).await? != Verification::Mismatch;
    Ok(matches.then_some(stored))
}

/// Gives the administrator another password and ends every session of the administrator, this one too. The command
/// line on this machine gets a new token when it had one.
///
/// # Errors
/// 400 when the current password is wrong or the new one breaks a rule, 409 when the configuration says what the
/// password is.
pub async fn change(
    app: &App,
    admin: &AdminCaller,
    current: Zeroizing<String>,
    new: Zeroizing<String>,
) -> Result<(), ApiError> {
    if app.config.admin.password.is_some() {
        return Err(ApiError::conflict(
            "the password is set by admin.password in the configuration: change it there",
        ));
    }
    let replaced = match verify(app, current).await? {
        Some(verified) => replace(app, &verified, new, admin.now()).await?,
        None => false,
    };
    if !replaced {
        return Err(ApiError::field("currentPassword", "the current password is wrong"));
    }
    admin.note(app, "admin.password_changed", Subject::default());
    renew_local_token(app).await;
    Ok(())
}

/// Sets the password and ends every session of the administrator, for whoever showed the password with this hash.
/// False, and nothing happens, when the password is another by now.
///
/// # Errors
/// 400 when the password breaks a rule.
pub async fn replace(
    app: &App,
    verified: &PasswordHash,
    new: Zeroizing<String>,
    now: Timestamp,
) -> Result<bool, ApiError> {
    let hash = hash(&app.admin_passwords, new).await?;
    Ok(app.store.replace_admin_password(verified.as_str(), hash.as_str(), now).await?)
}

/// Sets the password and ends every session of the administrator, without asking for the old one: for whoever has the
/// server's own configuration and database.
///
/// # Errors
/// 400 when the password breaks a rule.
pub async fn reset(
    store: &Store,
    pool: &PasswordPool,
    new: Zeroizing<String>,
    now: Timestamp,
) -> Result<(), ApiError> {
    let hash = hash(pool, new).await?;
    Ok(store.set_admin_password(hash.as_str(), now).await?)
}

async fn hash(pool: &PasswordPool, new: Zeroizing<String>) -> Result<PasswordHash, ApiError> {
    check_password(&new, MIN_LENGTH).map_err(|text| ApiError::field("newPassword", text))?;
    Ok(pool.hash(new).await?)
}

/// The password is changed by now, whatever becomes of a convenience of this machine.
async fn renew_local_token(app: &App) {
    if !app.config.server.data_dir.join(super::sessions::LOCAL_TOKEN_FILE).exists() {
        return;
    }
    if let Err(error) = super::sessions::write_local_token(app).await {
        tracing::warn!(%error, "the token for the command line of this machine was not written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_password_has_a_hundred_bits_and_can_be_read_aloud() {
        let entropy = Entropy::open().unwrap();
        let (one, other) = (readable(&entropy).unwrap(), readable(&entropy).unwrap());
        assert_ne!(one.as_str(), other.as_str());
        let groups: Vec<&str> = one.split('-').collect();
        assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [5, 5, 5, 5]);
        assert!(groups.concat().bytes().all(|byte| ALPHABET.contains(&byte)), "{}", one.as_str());
        let distinct: std::collections::BTreeSet<_> = ALPHABET.iter().collect();
        assert_eq!(distinct.len(), 32, "every character carries 5 bits");
    }
}
