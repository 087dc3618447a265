//! Grants: one row for each authorization. Revoking the row kills every token of the grant.

use ayb_protocol::ids::{ClientId, GrantId, SessionId, UserId};
use ayb_protocol::time::Timestamp;
use ayb_provider::grant::GrantRecord;

use crate::Store;
use crate::chain::{self, PerEngine, along_chain, most_links};
use crate::columns::Columns;
use crate::db::{Engine, Row, Tx, Value, Write};
use crate::error::StoreError;

/// Why a grant was revoked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RevocationReason {
    /// Its authorization code was used a second time.
    CodeReplay,
    /// One of its refresh tokens was used a second time.
    RefreshReplay,
    /// The client asked for it (RFC 7009).
    ByClient,
    /// The person took the consent back.
    ConsentWithdrawn,
    /// The person has a new password.
    PasswordChanged,
    /// The person logged out of the client.
    LoggedOut,
    /// An administrator asked for it.
    ByAdministrator,
}

impl RevocationReason {
    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CodeReplay => "code_replay",
            Self::RefreshReplay => "refresh_replay",
            Self::ByClient => "by_client",
            Self::ConsentWithdrawn => "consent_withdrawn",
            Self::PasswordChanged => "password_changed",
            Self::LoggedOut => "logged_out",
            Self::ByAdministrator => "by_administrator",
        }
    }
}

/// The columns that [`read_grant`] takes, of a table with the alias `g`.
macro_rules! grant_columns {
    () => {
        "g.id, g.client_id, g.user_id, g.session_id, g.scope, g.allowed_tables, g.claims, g.auth_time, g.amr,
         g.created_at, g.revoked_at"
    };
}
pub(crate) use grant_columns;

/// The grant in the next columns.
pub(crate) fn read_grant(columns: &mut Columns<'_>) -> Result<GrantRecord, StoreError> {
    Ok(GrantRecord {
        id: GrantId(columns.uuid()?),
        client_id: columns.client_id()?,
        user_id: UserId(columns.uuid()?),
        session_id: columns.opt_uuid()?.map(SessionId),
        scope: columns.granted_scope()?,
        tables: columns.tables()?,
        claims: columns.claims()?,
        auth_time: columns.time()?,
        amr: columns.list()?,
        created_at: columns.time()?,
        revoked_at: columns.opt_time()?,
    })
}

pub(crate) const INSERT: &str = "insert into _ayb_oauth_grants (id, client_id, user_id, session_id, scope,
    allowed_tables, claims, auth_time, amr, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

/// The write that opens a grant.
pub(crate) fn insert(grant: &GrantRecord) -> Write {
    let row = vec![
        grant.id.into(),
        (&grant.client_id).into(),
        grant.user_id.into(),
        grant.session_id.into(),
        (&grant.scope).into(),
        (&grant.tables).into(),
        (&grant.claims).into(),
        grant.auth_time.into(),
        (&grant.amr).into(),
        grant.created_at.into(),
    ];
    (INSERT, row)
}

pub(crate) const REVOKE: &str = "update _ayb_oauth_grants set revoked_at = $2, revoked_reason = $3
    where id = $1 and revoked_at is null";

/// Has the grants of a person to itself until the commit: it waits for rotations that are under way, and later ones wait for
/// it. PostgreSQL alone rotates beside others. A lock that is not the row's own changes no page of a table, and one for each
/// person is enough: there is room for some thousands in all, and somebody can have more grants.
pub(crate) const HOLD_OF_USER: &str = "select pg_advisory_xact_lock(uuid_hash_extended($1, 0))";

/// [`HOLD_OF_USER`] for the person of a grant.
pub(crate) const HOLD: &str =
    "select pg_advisory_xact_lock(uuid_hash_extended(user_id, 0)) from _ayb_oauth_grants
    where id = $1";

/// [`HOLD_OF_USER`] for the person of a token.
pub(crate) const HOLD_OF_TOKEN: &str =
    "select pg_advisory_xact_lock(uuid_hash_extended(user_id, 0)) from _ayb_oauth_tokens
    where id = $1";

/// What begins a transaction that needs a person's grants to itself: nothing, where nobody else writes.
pub(crate) fn held(engine: Engine, sql: &'static str, key: Value) -> Vec<Write> {
    match engine {
        Engine::Sqlite => vec![],
        Engine::Postgres => vec![(sql, vec![key])],
    }
}

/// The writes that revoke a grant. The first waits for a rotation that is under way, whose tokens the last one then sees.
pub(crate) fn revoke(engine: Engine, grant: GrantId, reason: RevocationReason, now: Timestamp) -> Vec<Write> {
    let mut writes = held(engine, HOLD, grant.into());
    writes.push((REVOKE, vec![grant.into(), now.into(), reason.as_str().into()]));
    writes.push((chain::REVOKE.on(engine), vec![grant.into(), now.into()]));
    writes
}

/// Which grants die together.
pub(crate) struct Several {
    codes: &'static str,
    grants: &'static str,
    tokens: PerEngine,
    user: UserId,
    /// The parameters after the person, of all three.
    keys: Vec<Value>,
}

pub(crate) const DELETE_CODES_OF_USER: &str =
    "delete from _ayb_oauth_authorization_codes where user_id = $1 and used_at is null";
pub(crate) const REVOKE_OF_USER: &str = "update _ayb_oauth_grants set revoked_at = $2, revoked_reason = $3
    where user_id = $1 and revoked_at is null";

/// Everything that a person has granted.
pub(crate) fn of_user(user: UserId) -> Several {
    Several {
        codes: DELETE_CODES_OF_USER,
        grants: REVOKE_OF_USER,
        tokens: chain::REVOKE_OF_USER,
        user,
        keys: vec![],
    }
}

pub(crate) const DELETE_CODES_OF_PAIR: &str = "delete from _ayb_oauth_authorization_codes
    where user_id = $1 and client_id = $2 and used_at is null";
pub(crate) const REVOKE_OF_PAIR: &str = "update _ayb_oauth_grants set revoked_at = $3, revoked_reason = $4
    where user_id = $1 and client_id = $2 and revoked_at is null";

/// Everything that a person has granted to one client.
pub(crate) fn of_pair(user: UserId, client: &ClientId) -> Several {
    Several {
        codes: DELETE_CODES_OF_PAIR,
        grants: REVOKE_OF_PAIR,
        tokens: chain::REVOKE_OF_PAIR,
        user,
        keys: vec![client.into()],
    }
}

pub(crate) const DELETE_CODES_OF_LOGIN: &str = "delete from _ayb_oauth_authorization_codes
    where user_id = $1 and client_id = $2 and session_id = $3 and used_at is null";
/// Access that was asked for with `offline_access` outlasts the session in which it was given. No other word of a scope
/// contains that one.
pub(crate) const REVOKE_OF_LOGIN: &str = "update _ayb_oauth_grants set revoked_at = $4, revoked_reason = $5
    where user_id = $1 and client_id = $2 and session_id = $3 and revoked_at is null
    and scope not like '%offline_access%'";

/// What a person has granted to one client in one browser session, for as long as it lasts.
fn of_login(user: UserId, client: &ClientId, session: SessionId) -> Several {
    Several {
        codes: DELETE_CODES_OF_LOGIN,
        grants: REVOKE_OF_LOGIN,
        tokens: chain::REVOKE_OF_LOGIN,
        user,
        keys: vec![client.into(), session.into()],
    }
}

impl Several {
    /// Codes first: a redemption that is under way has the code's row, and its grant is seen by the next write.
    /// Then grants, then the tokens of those grants that are revoked by this very change.
    pub(crate) fn revoke(self, engine: Engine, reason: RevocationReason, now: Timestamp) -> Vec<Write> {
        let user: Value = self.user.into();
        let with = |more: &[Value]| [std::slice::from_ref(&user), self.keys.as_slice(), more].concat();
        let mut writes = vec![(self.codes, with(&[]))];
        writes.extend(held(engine, HOLD_OF_USER, user.clone()));
        writes.push((self.grants, with(&[now.into(), reason.as_str().into()])));
        writes.push((self.tokens.on(engine), with(&[now.into()])));
        writes
    }
}

/// A chain that goes on beyond what is followed counts as alive.
pub(crate) const LIST: PerEngine = along_chain!(
    "in (select id from _ayb_oauth_grants where user_id = $1 and revoked_at is null)",
    concat!(
        "select ",
        grant_columns!(),
        " from _ayb_oauth_grants g where g.user_id = $1 and g.revoked_at is null and g.id in
          (select grant_id from chain where (revoked_at is null and expires_at > $2) or depth = ",
        most_links!(),
        " or (select a.expires_at from _ayb_oauth_tokens a where a.id = chain.access_id and a.revoked_at is null) > $2)
          order by g.created_at desc, g.id limit 200"
    )
);

async fn apply_after(tx: &mut Tx, ask: &(Write, Vec<Write>)) -> Result<bool, StoreError> {
    let ((sql, params), writes) = ask;
    if tx.execute(sql, params).await? == 0 {
        return Ok(false);
    }
    for (sql, params) in writes {
        tx.execute(sql, params).await?;
    }
    Ok(true)
}

impl Store {
    /// Revokes a grant and its tokens. Nothing happens to one that is revoked already or unknown.
    pub async fn revoke_grant(
        &self,
        grant: GrantId,
        reason: RevocationReason,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.apply("revoke grant", revoke(self.db.engine(), grant, reason, now)).await
    }

    /// Revokes everything that a person has granted, unused codes included.
    pub async fn revoke_grants_of_user(
        &self,
        user: UserId,
        reason: RevocationReason,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.apply("revoke grants of user", of_user(user).revoke(self.db.engine(), reason, now)).await
    }

    /// Revokes everything that a person has granted to one client, unused codes included. The consent stays.
    pub async fn revoke_grants(
        &self,
        user: UserId,
        client: &ClientId,
        reason: RevocationReason,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.apply("revoke grants of pair", of_pair(user, client).revoke(self.db.engine(), reason, now)).await
    }

    /// Revokes what a person has granted to one client in one browser session, unused codes included, except for
    /// grants with `offline_access`.
    pub async fn revoke_grants_of_session(
        &self,
        user: UserId,
        client: &ClientId,
        session: SessionId,
        reason: RevocationReason,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.apply(
            "revoke grants of session",
            of_login(user, client, session).revoke(self.db.engine(), reason, now),
        )
        .await
    }

    /// The grants of a person that have a living token, newest first, at most 200.
    pub async fn list_grants(&self, user: UserId, now: Timestamp) -> Result<Vec<GrantRecord>, StoreError> {
        let rows = self.db.many(LIST.on(self.db.engine()), vec![user.into(), now.into()]).await?;
        rows.iter().map(|row: &Row| read_grant(&mut Columns::of(row))).collect()
    }

    /// Writes that happen together if the first changes a row, and else not at all.
    pub(crate) async fn apply_after(
        &self,
        name: &'static str,
        first: Write,
        writes: Vec<Write>,
    ) -> Result<bool, StoreError> {
        self.db.transaction(name, (first, writes), |tx, ask| Box::pin(apply_after(tx, ask))).await
    }

    /// A transaction that is nothing but writes: on PostgreSQL one round trip.
    async fn apply(&self, name: &'static str, writes: Vec<Write>) -> Result<(), StoreError> {
        self.db.transaction(name, writes, |tx, writes| Box::pin(tx.apply(writes.clone()))).await
    }
}
