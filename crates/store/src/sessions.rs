//! Signed-in sessions: of browsers, of the account API, and of the administrator.

use ayb_protocol::ids::{ClientId, SessionId, UserId};
use ayb_protocol::secret::{Admin, BrowserSession, SecretHash, SessionRefresh};
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::consent::ConsentRecord;
use ayb_provider::session::{SessionRecord, SessionRotation};
use ayb_provider::user::UserRecord;

use crate::Store;
use crate::columns::Columns;
use crate::consents::{consent_columns, read_consent};
use crate::db::{Row, Tx, Value, Write};
use crate::error::StoreError;
use crate::settings;
use crate::users::{is_verified, read_user, user_columns};

/// How exactly the last use of a session is known.
const TOUCH: Seconds = Seconds(60);

/// What kind of session a person has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SessionKind {
    /// Of a browser.
    Browser,
    /// Of the account API.
    Api,
}

impl SessionKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Api => "api",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Browser, Self::Api].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A session for its person to recognise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LiveSession {
    /// Its identifier.
    pub id: SessionId,
    /// Its kind.
    pub kind: SessionKind,
    /// The browser or program.
    pub user_agent: Option<String>,
    /// The address.
    pub ip: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A session of the administrator as stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AdminSessionRecord {
    /// Its identifier.
    pub id: SessionId,
    /// SHA-256 of its token.
    pub hash: SecretHash<Admin>,
    /// The program.
    pub user_agent: Option<String>,
    /// The address.
    pub ip: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was ended early.
    pub revoked_at: Option<Timestamp>,
}

/// The columns that [`read_session`] takes, of tables with the aliases `s` and `u`.
macro_rules! session_columns {
    () => {
        concat!(
            "s.id, s.token_hash, s.user_id, s.auth_time, s.amr, s.user_agent, s.ip, s.created_at, s.last_used_at,
             s.expires_at, s.revoked_at, ",
            user_columns!()
        )
    };
}

macro_rules! found_session {
    () => {
        concat!(
            "select ",
            session_columns!(),
            " from _ayb_sessions s join _ayb_users u on u.id = s.user_id where s.id = $1 and s.kind = $2"
        )
    };
}

fn found_session<K>(row: &Row) -> Result<(SessionRecord<K>, UserRecord), StoreError> {
    read_session(&mut Columns::of(row))
}

/// A session of the kind that the statement asked for, and its person.
fn read_session<K>(columns: &mut Columns<'_>) -> Result<(SessionRecord<K>, UserRecord), StoreError> {
    let session = SessionRecord {
        id: SessionId(columns.uuid()?),
        hash: columns.hash()?,
        user_id: UserId(columns.uuid()?),
        auth_time: columns.time()?,
        amr: columns.list()?,
        user_agent: columns.opt_string()?,
        ip: columns.opt_string()?,
        created_at: columns.time()?,
        last_used_at: columns.time()?,
        expires_at: columns.time()?,
        revoked_at: columns.opt_time()?,
    };
    Ok((session, read_user(columns)?))
}

const INSERT: &str =
    "insert into _ayb_sessions (id, kind, token_hash, user_id, auth_time, amr, user_agent, ip,
    created_at, last_used_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

fn row<K>(kind: SessionKind, session: &SessionRecord<K>) -> Vec<Value> {
    vec![
        session.id.into(),
        kind.as_str().into(),
        session.hash.into(),
        session.user_id.into(),
        session.auth_time.into(),
        (&session.amr).into(),
        session.user_agent.as_ref().into(),
        session.ip.as_ref().into(),
        session.created_at.into(),
        session.last_used_at.into(),
        session.expires_at.into(),
    ]
}

/// Stores a session if its person is still as verified. A new password, or the end of the account's use, waits for that
/// and then ends the session, or comes first and is seen.
async fn begin(tx: &mut Tx, (user, verified, row): &Begin) -> Result<bool, StoreError> {
    let begins = is_verified(tx, *user, verified).await?;
    if begins {
        tx.apply(vec![(INSERT, row.clone())]).await?;
    }
    Ok(begins)
}

/// A person, the hash that was verified, and the row of the session.
type Begin = (UserId, String, Vec<Value>);

pub(crate) const FIND: &str = found_session!();

pub(crate) const FIND_WITH_CONSENT: &str = concat!(
    "select ",
    session_columns!(),
    ", k.id, ",
    consent_columns!(),
    " from _ayb_sessions s join _ayb_users u on u.id = s.user_id
      left join _ayb_oauth_consents k on k.user_id = s.user_id and k.client_id = $3
      where s.id = $1 and s.kind = $2"
);

pub(crate) const LOCK: &str = concat!(found_session!(), " for no key update of s");

pub(crate) const TOUCHED: &str =
    "update _ayb_sessions set last_used_at = $2 where id = $1 and last_used_at < $2";

/// The kind is named, so that no secret of one kind ends a session of another.
pub(crate) const END: &str =
    "update _ayb_sessions set revoked_at = $2 where id = $1 and kind = $3 and revoked_at is null";

/// The kind of the administrator's sessions, which are no person's.
const ADMIN: &str = "admin";

fn end(id: SessionId, kind: &str, now: Timestamp) -> Write {
    (END, vec![id.into(), now.into(), kind.into()])
}

pub(crate) const END_OF_USER: &str = "update _ayb_sessions set revoked_at = $2
    where user_id = $1 and revoked_at is null and (id <> $3 or $3 is null)";

/// The write that ends all sessions of a person but one.
pub(crate) fn end_of_user(user: UserId, except: Option<SessionId>, now: Timestamp) -> Write {
    (END_OF_USER, vec![user.into(), now.into(), except.into()])
}

pub(crate) const LIST: &str = "select id, kind, user_agent, ip, created_at, last_used_at, expires_at
    from _ayb_sessions where user_id = $1 and revoked_at is null and expires_at > $2 and kind <> 'admin'
    order by last_used_at desc, id limit 200";

fn live_session(row: &Row) -> Result<LiveSession, StoreError> {
    let mut columns = Columns::of(row);
    Ok(LiveSession {
        id: SessionId(columns.uuid()?),
        kind: columns.word(SessionKind::parse)?,
        user_agent: columns.opt_string()?,
        ip: columns.opt_string()?,
        created_at: columns.time()?,
        last_used_at: columns.time()?,
        expires_at: columns.time()?,
    })
}

pub(crate) const ROTATE: &str = "update _ayb_sessions set token_hash = $2, last_used_at = $3, expires_at = $4
    where id = $1 and revoked_at is null";

async fn rotate<R>(tx: &mut Tx, ask: &(SessionId, Timestamp, R)) -> Result<SessionRotation, StoreError>
where
    R: Fn(Option<(SessionRecord<SessionRefresh>, UserRecord)>) -> SessionRotation,
{
    let (id, now, rule) = ask;
    let row = tx.lock_opt(LOCK, &[(*id).into(), SessionKind::Api.as_str().into()]).await?;
    let decision = rule(row.map(|row| found_session(&row)).transpose()?);
    match &decision {
        SessionRotation::Issue { session } => {
            let row = vec![
                session.id.into(),
                session.hash.into(),
                session.last_used_at.into(),
                session.expires_at.into(),
            ];
            tx.apply(vec![(ROTATE, row)]).await?;
        }
        SessionRotation::Replay { revoke } => {
            tx.apply(vec![end(*revoke, SessionKind::Api.as_str(), *now)]).await?;
        }
        SessionRotation::Refuse => {}
    }
    Ok(decision)
}

/// Stores a session of the administrator if the password is still as verified, which stays so until it is stored.
async fn begin_admin(tx: &mut Tx, (verified, row): &(String, Vec<Value>)) -> Result<bool, StoreError> {
    let begins =
        tx.lock_opt(settings::LOCK_KNOWN, &[ADMIN_PASSWORD.into(), verified.into()]).await?.is_some();
    if begins {
        tx.apply(vec![(INSERT_ADMIN, row.clone())]).await?;
    }
    Ok(begins)
}

const INSERT_ADMIN: &str = "insert into _ayb_sessions (id, kind, token_hash, auth_time, amr, user_agent, ip,
    created_at, last_used_at, expires_at) values ($1, 'admin', $2, $3, $4, $5, $6, $3, $3, $7)";

pub(crate) const FIND_ADMIN: &str =
    "select id, token_hash, user_agent, ip, created_at, expires_at, revoked_at
    from _ayb_sessions where id = $1 and kind = 'admin'";

pub(crate) const END_ADMIN: &str =
    "update _ayb_sessions set revoked_at = $1 where kind = 'admin' and revoked_at is null";

/// Where the hash of the administrator's password is.
const ADMIN_PASSWORD: &str = "admin_password_hash";

fn admin_row(session: &AdminSessionRecord) -> Vec<Value> {
    vec![
        session.id.into(),
        session.hash.into(),
        session.created_at.into(),
        vec!["pwd".to_owned()].into(),
        session.user_agent.as_ref().into(),
        session.ip.as_ref().into(),
        session.expires_at.into(),
    ]
}

fn admin_session(row: &Row) -> Result<AdminSessionRecord, StoreError> {
    let mut columns = Columns::of(row);
    Ok(AdminSessionRecord {
        id: SessionId(columns.uuid()?),
        hash: columns.hash()?,
        user_agent: columns.opt_string()?,
        ip: columns.opt_string()?,
        created_at: columns.time()?,
        expires_at: columns.time()?,
        revoked_at: columns.opt_time()?,
    })
}

impl Store {
    /// Stores a new session of a browser. `verified` is the hash of the password that was shown; false, and nothing is
    /// stored, when the person has another by now or the account is disabled.
    pub async fn insert_browser_session(
        &self,
        session: &SessionRecord<BrowserSession>,
        verified: &str,
    ) -> Result<bool, StoreError> {
        self.begin_session(SessionKind::Browser, session, verified).await
    }

    /// The same for a new session of the account API.
    pub async fn insert_api_session(
        &self,
        session: &SessionRecord<SessionRefresh>,
        verified: &str,
    ) -> Result<bool, StoreError> {
        self.begin_session(SessionKind::Api, session, verified).await
    }

    async fn begin_session<K>(
        &self,
        kind: SessionKind,
        session: &SessionRecord<K>,
        verified: &str,
    ) -> Result<bool, StoreError> {
        let ask = (session.user_id, verified.to_owned(), row(kind, session));
        self.db.transaction("begin session", ask, |tx, ask| Box::pin(begin(tx, ask))).await
    }

    /// A session of a browser and its person, in one read; ended and expired ones too.
    pub async fn browser_session(
        &self,
        id: SessionId,
    ) -> Result<Option<(SessionRecord<BrowserSession>, UserRecord)>, StoreError> {
        let row = self.db.one(FIND, &[id.into(), SessionKind::Browser.as_str().into()]).await?;
        row.map(|row| found_session(&row)).transpose()
    }

    /// A session of a browser, its person, and what that person allowed a client, in one read.
    pub async fn browser_session_and_consent(
        &self,
        id: SessionId,
        client: &ClientId,
    ) -> Result<Option<(SessionRecord<BrowserSession>, UserRecord, Option<ConsentRecord>)>, StoreError> {
        let params = [id.into(), SessionKind::Browser.as_str().into(), client.into()];
        let Some(row) = self.db.one(FIND_WITH_CONSENT, &params).await? else { return Ok(None) };
        let mut columns = Columns::of(&row);
        let (session, user) = read_session(&mut columns)?;
        let consented = columns.opt_uuid()?.is_some();
        let consent = consented.then(|| read_consent(&mut columns)).transpose()?;
        Ok(Some((session, user, consent)))
    }

    /// A session of the account API and its person, in one read; ended and expired ones too.
    pub async fn api_session(
        &self,
        id: SessionId,
    ) -> Result<Option<(SessionRecord<SessionRefresh>, UserRecord)>, StoreError> {
        let row = self.db.one(FIND, &[id.into(), SessionKind::Api.as_str().into()]).await?;
        row.map(|row| found_session(&row)).transpose()
    }

    /// Records that a session is used, unless it is known to have been used within the last minute.
    pub async fn touch_session<K>(
        &self,
        session: &SessionRecord<K>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if now < session.last_used_at.plus(TOUCH) {
            return Ok(());
        }
        self.db.execute(TOUCHED, vec![session.id.into(), now.into()]).await?;
        Ok(())
    }

    /// Ends a session of this kind; true when there was one that was not ended before.
    pub async fn end_session(
        &self,
        id: SessionId,
        kind: SessionKind,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (sql, params) = end(id, kind.as_str(), now);
        Ok(self.db.execute(sql, params).await? > 0)
    }

    /// Ends a session of the administrator.
    pub async fn end_admin_session(&self, id: SessionId, now: Timestamp) -> Result<(), StoreError> {
        let (sql, params) = end(id, ADMIN, now);
        self.db.execute(sql, params).await?;
        Ok(())
    }

    /// Ends all sessions of a person, but one if it is named; the answer is how many.
    pub async fn end_sessions(
        &self,
        user: UserId,
        except: Option<SessionId>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let (sql, params) = end_of_user(user, except, now);
        self.db.execute(sql, params).await
    }

    /// The sessions in which a person is signed in, last used first, at most 200.
    pub async fn list_live_sessions(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<LiveSession>, StoreError> {
        let rows = self.db.many(LIST, vec![user.into(), now.into()]).await?;
        rows.iter().map(live_session).collect()
    }

    /// Rotates the refresh token of a session of the account API by `rule`, which sees what is stored while nobody
    /// else can change it. `Issue` stores the new hash, `Replay` ends the session.
    pub async fn rotate_api_session<R>(
        &self,
        id: SessionId,
        now: Timestamp,
        rule: R,
    ) -> Result<SessionRotation, StoreError>
    where
        R: Fn(Option<(SessionRecord<SessionRefresh>, UserRecord)>) -> SessionRotation + Send + Sync + 'static,
    {
        self.db.transaction("rotate session", (id, now, rule), |tx, ask| Box::pin(rotate(tx, ask))).await
    }

    /// Stores a new session of the administrator, for whoever needs no password.
    pub async fn insert_admin_session(&self, session: &AdminSessionRecord) -> Result<(), StoreError> {
        self.db.execute(INSERT_ADMIN, admin_row(session)).await?;
        Ok(())
    }

    /// Stores a new session of the administrator who showed the password whose hash is `verified`. False, and nothing
    /// is stored, when the password is another by now.
    pub async fn insert_verified_admin_session(
        &self,
        session: &AdminSessionRecord,
        verified: &str,
    ) -> Result<bool, StoreError> {
        let ask = (verified.to_owned(), admin_row(session));
        self.db.transaction("begin admin session", ask, |tx, ask| Box::pin(begin_admin(tx, ask))).await
    }

    /// A session of the administrator; ended and expired ones too.
    pub async fn admin_session(&self, id: SessionId) -> Result<Option<AdminSessionRecord>, StoreError> {
        self.db.one(FIND_ADMIN, &[id.into()]).await?.map(|row| admin_session(&row)).transpose()
    }

    /// The hash of the administrator's password in PHC form.
    pub async fn admin_password(&self) -> Result<Option<String>, StoreError> {
        self.setting(ADMIN_PASSWORD).await
    }

    /// The hash of the administrator's password, which is `hash` from now on if there was none. Whoever asks, also at
    /// the same moment and in another process, gets the same answer.
    pub async fn admin_password_or_insert(&self, hash: &str, now: Timestamp) -> Result<String, StoreError> {
        self.setting_or_insert(ADMIN_PASSWORD, hash, now).await
    }

    /// Sets the administrator's password and ends every session of the administrator, if the password is still the one
    /// whose hash is `known`; otherwise nothing happens. True if it was.
    pub async fn replace_admin_password(
        &self,
        known: &str,
        hash: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let ask = (known.to_owned(), hash.to_owned(), now);
        self.db
            .transaction("replace admin password", ask, |tx, (known, hash, now)| {
                Box::pin(async move {
                    let row = [ADMIN_PASSWORD.into(), known.into(), hash.into(), (*now).into()];
                    let replaced = tx.execute(settings::REPLACE, &row).await? == 1;
                    if replaced {
                        tx.execute(END_ADMIN, &[(*now).into()]).await?;
                    }
                    Ok(replaced)
                })
            })
            .await
    }

    /// Sets the administrator's password and ends, in the same transaction, every session of the administrator.
    pub async fn set_admin_password(&self, hash: &str, now: Timestamp) -> Result<(), StoreError> {
        self.db
            .transaction("set admin password", (hash.to_owned(), now), |tx, (hash, now)| {
                let end = (END_ADMIN, vec![(*now).into()]);
                Box::pin(tx.apply(vec![settings::put(ADMIN_PASSWORD, hash, *now), end]))
            })
            .await
    }
}
