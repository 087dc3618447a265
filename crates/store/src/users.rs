//! People with an account.

use ayb_protocol::ids::{SessionId, UserId};
use ayb_protocol::time::Timestamp;
use ayb_provider::user::UserRecord;

use crate::Store;
use crate::api_keys;
use crate::columns::Columns;
use crate::consents;
use crate::db::{Engine, Tx, Value};
use crate::error::StoreError;
use crate::grants::{self, RevocationReason};
use crate::links;
use crate::page::Page;
use crate::sessions;

/// What became of a new account.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UserInsertion {
    /// It is stored.
    Inserted,
    /// Another account has the address.
    EmailTaken,
}

/// A new password and what dies with the old one.
#[derive(Clone)]
pub struct NewPassword {
    /// The password's hash in PHC form.
    pub hash: String,
    /// The one session that lives on, if any.
    pub keep: Option<SessionId>,
    /// Whether everything that the person has granted to clients is revoked as well, and every API key.
    pub revoke_grants: bool,
}

impl std::fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewPassword")
    }
}

/// The columns that [`read_user`] takes, of a table with the alias `u`.
macro_rules! user_columns {
    () => {
        "u.id, u.email, u.password_hash, u.email_verified, u.name, u.picture, u.disabled_at, u.created_at, u.updated_at"
    };
}
pub(crate) use user_columns;

/// The person in the next columns.
pub(crate) fn read_user(columns: &mut Columns<'_>) -> Result<UserRecord, StoreError> {
    Ok(UserRecord {
        id: UserId(columns.uuid()?),
        email: columns.string()?,
        password_hash: columns.opt_string()?,
        email_verified: columns.bool()?,
        name: columns.opt_string()?,
        picture: columns.opt_string()?,
        disabled_at: columns.opt_time()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
    })
}

const INSERT: &str =
    "insert into _ayb_users (id, email, password_hash, email_verified, name, picture, disabled_at,
    created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

/// The constraint that keeps addresses unique, as both databases name it.
const EMAIL_KEY: &str = "_ayb_users_email_key";

pub(crate) const FIND: &str = concat!("select ", user_columns!(), " from _ayb_users u where u.id = $1");

pub(crate) const FIND_BY_EMAIL: &str =
    concat!("select ", user_columns!(), " from _ayb_users u where u.email = $1");

pub(crate) const LIST: &str =
    concat!("select ", user_columns!(), " from _ayb_users u order by u.id desc limit $1 offset $2");

const SEARCH: &str = concat!(
    "select ",
    user_columns!(),
    " from _ayb_users u where u.email like $3 escape '!' or lower(u.name) like $3 escape '!'
      order by u.id desc limit $1 offset $2"
);

const COUNT: &str = "select count(*) from _ayb_users";

const COUNT_FOUND: &str =
    "select count(*) from _ayb_users where email like $1 escape '!' or lower(name) like $1 escape '!'";

const UPDATE: &str =
    "update _ayb_users set name = $2, picture = $3, email_verified = $4, updated_at = $5 where id = $1";

const UPDATE_PROFILE: &str = "update _ayb_users set name = $2, picture = $3, updated_at = $4 where id = $1";

pub(crate) const SET_PASSWORD: &str = "update _ayb_users
    set password_hash = $2, password_changed_at = $3, updated_at = $3 where id = $1";

/// The person while their password is the one that was verified, kept so until the end of the transaction.
pub(crate) const LOCK_VERIFIED: &str = "select id from _ayb_users
    where id = $1 and password_hash = $2 and disabled_at is null for no key update";

/// Whether the verified hash is still the person's, and the account is in use: verifying takes a while, and a new
/// password may have come meanwhile. It stays so until the end of the transaction.
pub(crate) async fn is_verified(tx: &mut Tx, user: UserId, verified: &str) -> Result<bool, StoreError> {
    Ok(tx.lock_opt(LOCK_VERIFIED, &[user.into(), verified.into()]).await?.is_some())
}

/// The new password, and the end of what lived by the old one or would replace the new one.
pub(crate) async fn set_password(
    tx: &mut Tx,
    user: UserId,
    new: &NewPassword,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let row = [user.into(), (&new.hash).into(), now.into()];
    if tx.execute(SET_PASSWORD, &row).await? == 0 {
        return Ok(false);
    }
    let mut writes = vec![links::use_resets(user, now), sessions::end_of_user(user, new.keep, now)];
    if new.revoke_grants {
        writes.extend(grants::of_user(user).revoke(tx.engine(), RevocationReason::PasswordChanged, now));
        writes.push(api_keys::revoke_of_user(user, now));
    }
    tx.apply(writes).await?;
    Ok(true)
}

/// Ends whatever lets somebody in or lets a client act for the person, but the password. False when there is no such person.
async fn revoke_access(tx: &mut Tx, (user, now): (UserId, Timestamp)) -> Result<bool, StoreError> {
    if tx.lock_opt(LOCK, &[user.into()]).await?.is_none() {
        return Ok(false);
    }
    let mut writes = vec![
        (consents::DELETE_OF_USER, vec![user.into()]),
        links::use_resets(user, now),
        sessions::end_of_user(user, None, now),
    ];
    writes.extend(grants::of_user(user).revoke(tx.engine(), RevocationReason::ByAdministrator, now));
    writes.push(api_keys::revoke_of_user(user, now));
    tx.apply(writes).await?;
    Ok(true)
}

const RENEW_HASH: &str =
    "update _ayb_users set password_hash = $3, updated_at = $4 where id = $1 and password_hash = $2";

const SET_DISABLED: &str = "update _ayb_users set disabled_at = $2, updated_at = $3 where id = $1";

pub(crate) const VERIFY_EMAIL: &str =
    "update _ayb_users set email_verified = $4, updated_at = $3 where id = $1 and email = $2";

/// The parameters of [`VERIFY_EMAIL`].
pub(crate) fn verify_email(user: UserId, email: &str, now: Timestamp) -> Vec<Value> {
    vec![user.into(), email.into(), now.into(), true.into()]
}

pub(crate) const LOCK: &str = "select id from _ayb_users where id = $1 for no key update";

/// What belongs to a person, in the order of locks; the foreign keys alone would take them in another. SQLite has no locks to
/// order and no index over used codes: they are left to the foreign key, which looks through all of them anyway.
pub(crate) fn deletions(engine: Engine) -> [&'static str; 5] {
    [
        consents::DELETE_OF_USER,
        "delete from _ayb_user_tokens where user_id = $1",
        "delete from _ayb_sessions where user_id = $1",
        match engine {
            Engine::Sqlite => grants::DELETE_CODES_OF_USER,
            Engine::Postgres => "delete from _ayb_oauth_authorization_codes where user_id = $1",
        },
        "delete from _ayb_oauth_grants where user_id = $1",
    ]
}

const DELETE: &str = "delete from _ayb_users where id = $1";

async fn delete(tx: &mut Tx, (user, engine): (UserId, Engine)) -> Result<bool, StoreError> {
    if tx.lock_opt(LOCK, &[user.into()]).await?.is_none() {
        return Ok(false);
    }
    // Alone with the person's grants before anything of theirs is locked that a rotation needs.
    let mut writes = grants::held(engine, grants::HOLD_OF_USER, user.into());
    let statements = deletions(engine).into_iter().chain([DELETE]);
    writes.extend(statements.map(|sql| (sql, vec![user.into()])));
    tx.apply(writes).await?;
    Ok(true)
}

impl Store {
    /// Stores a new account.
    pub async fn insert_user(&self, user: &UserRecord) -> Result<UserInsertion, StoreError> {
        let row = vec![
            user.id.into(),
            (&user.email).into(),
            user.password_hash.as_ref().into(),
            user.email_verified.into(),
            user.name.as_ref().into(),
            user.picture.as_ref().into(),
            user.disabled_at.into(),
            user.created_at.into(),
            user.updated_at.into(),
        ];
        match self.db.execute(INSERT, row).await {
            Ok(_) => Ok(UserInsertion::Inserted),
            Err(StoreError::Duplicate { constraint }) if constraint == EMAIL_KEY => {
                Ok(UserInsertion::EmailTaken)
            }
            Err(error) => Err(error),
        }
    }

    /// A person.
    pub async fn user(&self, id: UserId) -> Result<Option<UserRecord>, StoreError> {
        let row = self.db.one(FIND, &[id.into()]).await?;
        row.map(|row| read_user(&mut Columns::of(&row))).transpose()
    }

    /// The person with an address, which is in lowercase.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<UserRecord>, StoreError> {
        let row = self.db.one(FIND_BY_EMAIL, &[email.into()]).await?;
        row.map(|row| read_user(&mut Columns::of(&row))).transpose()
    }

    /// One page of the people whose address or name holds `search` (everybody when it is empty), newest first, and
    /// how many there are.
    pub async fn list_users(&self, page: Page, search: &str) -> Result<(Vec<UserRecord>, u64), StoreError> {
        let (rows, total) = if search.is_empty() {
            let total = self.count(COUNT, vec![]).await?;
            (self.db.many(LIST, vec![page.limit(), page.offset()]).await?, total)
        } else {
            let pattern = Value::Text(contains(search));
            let total = self.count(COUNT_FOUND, vec![pattern.clone()]).await?;
            (self.db.many(SEARCH, vec![page.limit(), page.offset(), pattern]).await?, total)
        };
        let users = rows.iter().map(|row| read_user(&mut Columns::of(row)));
        Ok((users.collect::<Result<_, _>>()?, total))
    }

    /// Stores name, picture and whether the address is known to be theirs; false when there is no such person.
    pub async fn update_user(&self, user: &UserRecord) -> Result<bool, StoreError> {
        let row = vec![
            user.id.into(),
            user.name.as_ref().into(),
            user.picture.as_ref().into(),
            user.email_verified.into(),
            user.updated_at.into(),
        ];
        Ok(self.db.execute(UPDATE, row).await? > 0)
    }

    /// Sets name and picture; false when there is no such person.
    pub async fn update_profile(
        &self,
        user: UserId,
        name: Option<&str>,
        picture: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row = vec![user.into(), name.into(), picture.into(), now.into()];
        Ok(self.db.execute(UPDATE_PROFILE, row).await? > 0)
    }

    /// Sets a new password and ends, in the same transaction, what lived by the old one: all sessions but one, and all
    /// grants when that is asked. Links for new passwords are used up. False when there is no such person.
    pub async fn set_password_hash(
        &self,
        user: UserId,
        new: NewPassword,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.db
            .transaction("set password", (user, new, now), |tx, (user, new, now)| {
                Box::pin(set_password(tx, *user, new, *now))
            })
            .await
    }

    /// The same for somebody who showed the password until now, whose hash is `verified`. False, and nothing happens,
    /// when the password is another by now or the account is disabled.
    pub async fn replace_password_hash(
        &self,
        user: UserId,
        verified: &str,
        new: NewPassword,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let ask = (user, verified.to_owned(), new, now);
        self.db
            .transaction("replace password", ask, |tx, (user, verified, new, now)| {
                Box::pin(async move {
                    Ok(is_verified(tx, *user, verified).await? && set_password(tx, *user, new, *now).await?)
                })
            })
            .await
    }

    /// Ends, in one transaction, all sessions of a person, what they granted to clients, their API keys and links for a new
    /// password, and forgets what they consented to. The password stays. False when there is no such person.
    pub async fn revoke_access(&self, user: UserId, now: Timestamp) -> Result<bool, StoreError> {
        self.db.transaction("revoke access", (user, now), |tx, ask| Box::pin(revoke_access(tx, *ask))).await
    }

    /// Replaces the hash of a password that stays the same, because hashing costs more today. Nothing else changes;
    /// false when the password is another by now.
    pub async fn renew_password_hash(
        &self,
        user: UserId,
        old: &str,
        new: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.db.execute(RENEW_HASH, vec![user.into(), old.into(), new.into(), now.into()]).await? > 0)
    }

    /// Disables an account (`Some`) or enables it again (`None`); false when there is none.
    pub async fn set_user_disabled(
        &self,
        user: UserId,
        disabled_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.db.execute(SET_DISABLED, vec![user.into(), disabled_at.into(), now.into()]).await? > 0)
    }

    /// Records that `email` is a person's own; false when they have another address by now.
    pub async fn mark_email_verified(
        &self,
        user: UserId,
        email: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.db.execute(VERIFY_EMAIL, verify_email(user, email, now)).await? > 0)
    }

    /// Deletes a person with everything that is theirs; false when there is none. Apps that they looked after stay.
    pub async fn delete_user(&self, user: UserId) -> Result<bool, StoreError> {
        let ask = (user, self.db.engine());
        self.db.transaction("delete user", ask, |tx, ask| Box::pin(delete(tx, *ask))).await
    }
}

/// The pattern for texts that hold `search` itself, whatever `like` makes of its characters.
fn contains(search: &str) -> String {
    let mut pattern = String::from("%");
    for c in search.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn characters_of_patterns_stand_for_themselves() {
        assert_eq!(contains("Ada_50%!"), "%ada!_50!%!!%");
    }
}
