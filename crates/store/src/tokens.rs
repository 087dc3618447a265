//! Access and refresh tokens.

use ayb_protocol::ids::{AppId, GrantId, UserId};
use ayb_protocol::secret::{Access, Refresh, SecretHash};
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::app::RateLimit;
use ayb_provider::bearer::FoundAccess;
use ayb_provider::client::ClientRecord;
use ayb_provider::grant::refresh::{FoundRefresh, Rotation, Successor};
use ayb_provider::grant::{Answer, Issuance, TokenRecord};
use ayb_provider::revoke::{FoundToken, Revocation};
use uuid::Uuid;

use crate::Store;
use crate::clients::{self, Seen, State};
use crate::columns::Columns;
use crate::db::{Engine, Reading, Row, Tx, Value, Write};
use crate::error::StoreError;
use crate::grants::{self, RevocationReason, grant_columns, read_grant};

/// The columns that [`read_token`] takes, of a table with the alias `t`.
macro_rules! token_columns {
    () => {
        "t.id, t.token_hash, t.client_id, t.user_id, t.scope, t.allowed_tables, t.grant_id, t.expires_at, t.revoked_at,
         t.created_at"
    };
}

/// The token in the next columns; the statement makes sure that it is of kind `K`.
fn read_token<K>(columns: &mut Columns<'_>) -> Result<TokenRecord<K>, StoreError> {
    Ok(TokenRecord {
        id: columns.uuid()?,
        hash: columns.hash()?,
        client_id: columns.client_id()?,
        user_id: columns.opt_uuid()?.map(UserId),
        scope: columns.granted_scope()?,
        tables: columns.tables()?,
        grant_id: GrantId(columns.uuid()?),
        expires_at: columns.time()?,
        revoked_at: columns.opt_time()?,
        created_at: columns.time()?,
    })
}

pub(crate) const INSERT_ACCESS: &str =
    "insert into _ayb_oauth_tokens (id, token_hash, token_type, client_id, user_id,
    scope, allowed_tables, grant_id, expires_at, created_at, is_head)
    values ($1, $2, 'access', $3, $4, $5, $6, $7, $8, $9, $10)";

pub(crate) const ISSUE_ACCESS: &str =
    "insert into _ayb_oauth_tokens (id, token_hash, token_type, client_id, user_id,
    scope, allowed_tables, grant_id, expires_at, created_at)
    select $1, $2, 'access', client_id, $4, $5, $6, $7, $8, $9 from _ayb_oauth_clients
    where client_id = $3 and version = $10 and revoked_at is null";

/// A statement that adds an access token with what is selected.
macro_rules! add_access {
    ($selected:literal) => {
        concat!(
            " insert into _ayb_oauth_tokens (id, token_hash, token_type, client_id, user_id, scope, allowed_tables,
              grant_id, expires_at, created_at, is_head) select ",
            $selected
        )
    };
}
pub(crate) use add_access;

/// A statement that adds a refresh token, and the access token beside it, with what is selected.
macro_rules! add_refresh {
    ($selected:literal) => {
        concat!(
            " insert into _ayb_oauth_tokens (id, token_hash, token_type, client_id, user_id, scope, allowed_tables,
              grant_id, expires_at, created_at, access_id, is_head) select ",
            $selected
        )
    };
}
pub(crate) use add_refresh;

pub(crate) const INSERT_REFRESH: &str =
    "insert into _ayb_oauth_tokens (id, token_hash, token_type, client_id, user_id,
    scope, allowed_tables, grant_id, expires_at, created_at, access_id, is_head)
    values ($1, $2, 'refresh', $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/// Where the tokens of an answer stand in the chain of their grant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// They begin it.
    First,
    /// A refresh token leads to the one among them.
    Next,
}

/// The writes that store the tokens of one answer. The refresh token remembers the access token beside it, which has to
/// be found by itself where there is none. They are two statements, because SQLite keeps a journal of its own for a
/// statement that adds several rows.
pub(crate) fn insert(issuance: &Issuance, place: Place) -> Vec<Write> {
    let mut access = row(&issuance.access);
    access.push(issuance.refresh.is_none().into());
    let access = (INSERT_ACCESS, access);
    let Some(refresh) = &issuance.refresh else { return vec![access] };
    let mut params = row(refresh);
    params.extend([issuance.access.id.into(), (place == Place::First).into()]);
    vec![access, (INSERT_REFRESH, params)]
}

/// The parameters of a statement that stores the tokens of one answer itself.
pub(crate) fn rows(issuance: &Issuance) -> Vec<Value> {
    let mut params = row(&issuance.access);
    params.extend(issuance.refresh.iter().flat_map(row));
    params
}

fn row<K>(token: &TokenRecord<K>) -> Vec<Value> {
    vec![
        token.id.into(),
        token.hash.into(),
        (&token.client_id).into(),
        token.user_id.into(),
        (&token.scope).into(),
        (&token.tables).into(),
        token.grant_id.into(),
        token.expires_at.into(),
        token.created_at.into(),
    ]
}

/// The columns of [`FoundAccess`], of the rows whose key is as said.
macro_rules! found_access {
    ($key:literal) => {
        concat!(
            "select ",
            token_columns!(),
            ", c.revoked_at, g.id, g.revoked_at, g.claims, u.email, u.disabled_at, a.id, a.rate_limit_rps,
               a.rate_limit_window_seconds, c.allowed_origins, a.allowed_origins, c.refresh_grace_seconds, t.used_at
              from _ayb_oauth_tokens t
              join _ayb_oauth_clients c on c.client_id = t.client_id
              join _ayb_apps a on a.id = c.app_id
              left join _ayb_oauth_grants g on g.id = t.grant_id and t.user_id is not null
              left join _ayb_users u on u.id = t.user_id
              where t.id = ",
            $key,
            " and t.token_type = 'access'"
        )
    };
}

pub(crate) const ACCESS: &str = found_access!("$1");

pub(crate) const ACCESSES: &str = found_access!("any($1)");

fn found_access(row: &Row) -> Result<FoundAccess, StoreError> {
    let mut columns = Columns::of(row);
    let token = read_token(&mut columns)?;
    let client_revoked = columns.opt_time()?.is_some();
    let grant = columns.opt_uuid()?;
    let grant_revoked = columns.opt_time()?.is_some();
    let claims = columns.claims()?;
    let user_email = columns.opt_string()?;
    let user_active = columns.opt_time()?.is_none();
    let app_id = AppId(columns.uuid()?);
    let rate_limit = rate_limit(&mut columns)?;
    let allowed_origins = columns.list()?;
    let app_allowed_origins = columns.list()?;
    let grace = columns.count()?;
    let used = columns.opt_time()?.is_some();
    let of_person = token.user_id.is_some();
    Ok(FoundAccess {
        client_revoked,
        // A person's token without its grant has lost what would keep it alive.
        grant_revoked: grant_revoked || (of_person && grant.is_none()),
        claims,
        user_email,
        user_active,
        app_id,
        rate_limit,
        allowed_origins,
        app_allowed_origins,
        record_first_use: of_person && grace > 0 && !used,
        token,
    })
}

/// The limit of an app in the next columns.
pub(crate) fn rate_limit(columns: &mut Columns<'_>) -> Result<RateLimit, StoreError> {
    let requests = columns.count()?;
    let requests = u32::try_from(requests).map_err(|_| columns.corrupt("a number out of range"))?;
    Ok(RateLimit { requests, window: Seconds(columns.count()?) })
}

pub(crate) const FIRST_USE: &str = "update _ayb_oauth_tokens set used_at = coalesce(used_at, $3)
    where id = $1 and token_hash = $2 and revoked_at is null";

/// The columns of [`FoundRefresh`], but for its successor.
macro_rules! found_refresh {
    ($key:literal) => {
        concat!(
            "select ",
            token_columns!(),
            ", t.successor_id, u.disabled_at, c.version, c.revoked_at, ",
            grant_columns!(),
            " from _ayb_oauth_tokens t
              join _ayb_oauth_clients c on c.client_id = t.client_id
              join _ayb_oauth_grants g on g.id = t.grant_id
              join _ayb_users u on u.id = g.user_id
              where t.id = ",
            $key,
            " and t.token_type = 'refresh'"
        )
    };
}

/// What is known about a refresh token, where its successor is, and the state of its client.
fn found_refresh(row: &Row) -> Result<(FoundRefresh, Option<Uuid>, State), StoreError> {
    let mut columns = Columns::of(row);
    let token: TokenRecord<Refresh> = read_token(&mut columns)?;
    let successor = columns.opt_uuid()?;
    let user_active = columns.opt_time()?.is_none();
    let client = State::read(&mut columns)?;
    let grant = read_grant(&mut columns)?;
    Ok((FoundRefresh { token, grant, user_active, successor: None }, successor, client))
}

/// The columns of [`Successor`]: the refresh token `r` and the access token `t` that was issued beside it.
macro_rules! successor {
    () => {
        concat!(
            "select r.id, r.revoked_at, t.used_at, c.updated_at, ",
            token_columns!(),
            " from _ayb_oauth_tokens r
              join _ayb_oauth_tokens t on t.id = r.access_id
              join _ayb_oauth_clients c on c.client_id = r.client_id
              where r.id = $1"
        )
    };
}

/// First uses are recorded only while the client has a grace for lost answers. If the client was changed since the
/// pair was issued, that may not have been so all the time, and nothing is proven.
fn read_successor(row: &Row) -> Result<Successor, StoreError> {
    let mut columns = Columns::of(row);
    let refresh = columns.uuid()?;
    let rotated = columns.opt_time()?.is_some();
    let used = columns.opt_time()?.is_some();
    let client_changed_at = columns.time()?;
    let access: TokenRecord<Access> = read_token(&mut columns)?;
    let recorded = client_changed_at <= access.created_at;
    let unused = recorded && !rotated && !used && access.revoked_at.is_none();
    Ok(Successor { refresh, access, unused })
}

pub(crate) const PEEK_REFRESH: &str = found_refresh!("$1");

pub(crate) const PEEK_REFRESHES: &str = found_refresh!("any($1)");

pub(crate) const PEEK_SUCCESSOR: &str = successor!();

// The grant is named, and locked, before the token.
pub(crate) const LOCK_REFRESH: &str = concat!(found_refresh!("$1"), " for no key update of g, t");

pub(crate) const LOCK_SUCCESSOR: &str = concat!(successor!(), " for no key update of r, t");

pub(crate) const RETIRE: &str = "update _ayb_oauth_tokens set revoked_at = $2, successor_id = $3
    where id = $1 and revoked_at is null";

/// Retires a token, if all is as it was when it was read, in the sense of [`ROTATE`].
pub(crate) const RETIRE_UNCHANGED: &str = "update _ayb_oauth_tokens set revoked_at = $2, successor_id = $3
    where id = $1 and revoked_at is null
    and exists (select 1 from _ayb_oauth_grants g where g.id = grant_id and g.revoked_at is null)
    and exists (select 1 from _ayb_users u where u.id = user_id and u.disabled_at is null)
    and exists (select 1 from _ayb_oauth_clients c where c.client_id = _ayb_oauth_tokens.client_id
        and c.version = $4 and c.revoked_at is null)";

pub(crate) const REPEAT: &str = "update _ayb_oauth_tokens set token_hash = $2
    where id = $1 and used_at is null and revoked_at is null";

/// Rotates a token, if all is as it was when it was read: token and grant are not revoked, the person may use their
/// account, the client has not changed. The grant is locked before the token.
pub(crate) const ROTATE: &str = concat!(
    "with held as (select g.id from _ayb_oauth_grants g where g.id = $4 and g.revoked_at is null for no key update),
     retired as (update _ayb_oauth_tokens t set revoked_at = $2, successor_id = $14
         from held, _ayb_users u, _ayb_oauth_clients c
         where t.id = $1 and t.grant_id = held.id and t.revoked_at is null and u.id = t.user_id
         and u.disabled_at is null and c.client_id = t.client_id and c.version = $3 and c.revoked_at is null
         returning t.id),
     accessed as (",
    add_access!("$5, $6, 'access', $7, $8, $9, $10, $11, $12, $13, false from retired"),
    ")",
    add_refresh!("$14, $15, 'refresh', $16, $17, $18, $19, $20, $21, $22, $5, false from retired")
);

/// The refresh token, locked, and the state of its client.
async fn lock_refresh(tx: &mut Tx, id: Uuid) -> Result<Option<(FoundRefresh, State)>, StoreError> {
    let Some(row) = tx.lock_opt(LOCK_REFRESH, &[id.into()]).await? else { return Ok(None) };
    let (mut found, successor, client) = found_refresh(&row)?;
    if let Some(successor) = successor {
        let row = tx.lock_opt(LOCK_SUCCESSOR, &[successor.into()]).await?;
        found.successor = row.map(|row| read_successor(&row)).transpose()?;
    }
    Ok(Some((found, client)))
}

async fn rotate<R>(tx: &mut Tx, ask: &(Uuid, Seen, Timestamp, R)) -> Result<Option<Rotation>, StoreError>
where
    R: Fn(Option<&FoundRefresh>) -> Rotation,
{
    let (id, seen, now, rule) = ask;
    let found = lock_refresh(tx, *id).await?;
    if found.as_ref().is_some_and(|(found, client)| seen.changed(&found.token.client_id, *client)) {
        return Ok(None);
    }
    let decision = rule(found.as_ref().map(|(found, _)| found));
    match &decision {
        Rotation::Issue(answer) => tx.apply(replace(*id, answer, *now)).await?,
        Rotation::Repeat(repeat) => {
            tx.apply(vec![(REPEAT, vec![repeat.access.id.into(), repeat.access.hash.into()])]).await?;
        }
        Rotation::Replay { revoke } => {
            tx.apply(grants::revoke(tx.engine(), *revoke, RevocationReason::RefreshReplay, *now)).await?;
        }
        Rotation::Again | Rotation::Refuse(_) => {}
    }
    Ok(Some(decision))
}

/// The writes that put the tokens of `answer` in the place of the refresh token `old`.
fn replace(old: Uuid, answer: &Answer, now: Timestamp) -> Vec<Write> {
    let successor = answer.issuance.refresh.as_ref().map(|refresh| refresh.id);
    let mut writes = vec![(RETIRE, vec![old.into(), now.into(), successor.into()])];
    writes.extend(insert(&answer.issuance, Place::Next));
    writes
}

pub(crate) const TOKEN: &str =
    "select id, token_hash, client_id, grant_id, token_type from _ayb_oauth_tokens where id = $1";

fn found_token(row: &Row) -> Result<FoundToken, StoreError> {
    let mut columns = Columns::of(row);
    Ok(FoundToken {
        id: columns.uuid()?,
        hash: columns.hash()?,
        client_id: columns.client_id()?,
        grant_id: GrantId(columns.uuid()?),
        is_refresh: columns.word(|word| match word {
            "access" => Some(false),
            "refresh" => Some(true),
            _ => None,
        })?,
    })
}

pub(crate) const REVOKE: &str =
    "update _ayb_oauth_tokens set revoked_at = $2 where id = $1 and revoked_at is null";

impl Store {
    /// Stores an access token that belongs to no person.
    ///
    /// False: nothing is stored, because `client` is no longer what it was when the token was decided on.
    pub async fn issue_access(
        &self,
        token: &TokenRecord<Access>,
        client: &ClientRecord,
    ) -> Result<bool, StoreError> {
        let mut row = row(token);
        row.push(clients::version(client)?);
        let stored = self.db.append(ISSUE_ACCESS, row).await? > 0;
        if !stored {
            self.forget_client(&client.client_id);
        }
        Ok(stored)
    }

    /// Everything that decides whether an access token is alive, in one read.
    pub async fn access(&self, id: Uuid) -> Result<Option<FoundAccess>, StoreError> {
        let row = self.db.one_of_many(ACCESS, ACCESSES, id, Reading::Often).await?;
        row.map(|row| found_access(&row)).transpose()
    }

    /// Records that the token with this hash was used. From here on the answer that brought it is not repeated.
    ///
    /// False when the token died since it was checked: it was revoked, or replaced by a repeated answer. It must not
    /// be served then.
    pub async fn record_first_use(
        &self,
        id: Uuid,
        hash: &SecretHash<Access>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.db.execute(FIRST_USE, vec![id.into(), (*hash).into(), now.into()]).await? > 0)
    }

    /// A refresh token and all that decides about it, to look at before anything is prepared.
    pub async fn peek_refresh(&self, id: Uuid) -> Result<Option<FoundRefresh>, StoreError> {
        let Some(row) = self.db.one_of_many(PEEK_REFRESH, PEEK_REFRESHES, id, Reading::Once).await? else {
            return Ok(None);
        };
        let (mut found, successor, _) = found_refresh(&row)?;
        if let Some(successor) = successor {
            let row = self.db.one(PEEK_SUCCESSOR, &[successor.into()]).await?;
            found.successor = row.map(|row| read_successor(&row)).transpose()?;
        }
        Ok(Some(found))
    }

    /// Rotates a refresh token by `rule`, which sees what is stored while nobody else can change it. `seen` is what
    /// [`Store::peek_refresh`] has just found, where the caller needed that: then nothing is read a second time.
    ///
    /// `Issue` retires the token and stores its successor, `Repeat` replaces the hash of the access token, `Replay`
    /// revokes the grant. The grant is locked first, so a revocation is either seen by the rule or sees the new tokens.
    ///
    /// `None`: nothing happened, because `client` is no longer what the rule takes it for.
    pub async fn rotate_refresh<R>(
        &self,
        id: Uuid,
        client: &ClientRecord,
        now: Timestamp,
        seen: Option<FoundRefresh>,
        rule: R,
    ) -> Result<Option<Rotation>, StoreError>
    where
        R: Fn(Option<&FoundRefresh>) -> Rotation + Send + Sync + 'static,
    {
        if let Some(answer) = self.rotate_at_once(id, client, now, seen, &rule).await? {
            return Ok(Some(Rotation::Issue(answer)));
        }
        let ask = (id, Seen::of(client), now, rule);
        let decision =
            self.db.transaction("rotate refresh", ask, |tx, ask| Box::pin(rotate(tx, ask))).await?;
        if decision.is_none() {
            self.forget_client(&client.client_id);
        }
        Ok(decision)
    }

    /// Rotates a refresh token with writes that do nothing unless all is as it was read a moment before. `None`: nothing
    /// happened, and the token must be looked at under a lock. On PostgreSQL it is one statement, which shares its commit
    /// with others.
    async fn rotate_at_once(
        &self,
        id: Uuid,
        client: &ClientRecord,
        now: Timestamp,
        seen: Option<FoundRefresh>,
        rule: &(impl Fn(Option<&FoundRefresh>) -> Rotation + Sync),
    ) -> Result<Option<Box<Answer>>, StoreError> {
        let engine = self.db.engine();
        let found = match seen {
            // A look before the transaction costs more there than one inside.
            None if engine == Engine::Sqlite => return Ok(None),
            None => self.peek_refresh(id).await?,
            seen => seen,
        };
        let Some(found) = found else { return Ok(None) };
        let Rotation::Issue(answer) = rule(Some(&found)) else { return Ok(None) };
        let Some(successor) = &answer.issuance.refresh else { return Ok(None) };
        let version = clients::version(client)?;
        let done = match engine {
            Engine::Sqlite => {
                let first = (RETIRE_UNCHANGED, vec![id.into(), now.into(), successor.id.into(), version]);
                self.apply_after("rotate refresh as seen", first, insert(&answer.issuance, Place::Next))
                    .await?
            }
            Engine::Postgres => {
                let mut params = vec![id.into(), now.into(), version, answer.grant.id.into()];
                params.extend(rows(&answer.issuance));
                self.db.execute_locking(ROTATE, params).await? > 0
            }
        };
        Ok(done.then_some(answer))
    }

    /// Revokes by `rule` what a presented token stands for: one access token, or its whole grant.
    ///
    /// Nothing is locked: what the rule looks at never changes, but for the hash of an access token whose answer is
    /// repeated, and then the presented string is dead already.
    pub async fn revoke_token<R>(&self, id: Uuid, now: Timestamp, rule: R) -> Result<Revocation, StoreError>
    where
        R: Fn(Option<&FoundToken>) -> Revocation + Send + Sync + 'static,
    {
        let row = self.db.one(TOKEN, &[id.into()]).await?;
        let found = row.map(|row| found_token(&row)).transpose()?;
        let decision = rule(found.as_ref());
        match decision {
            Revocation::Token(id) => {
                self.db.execute(REVOKE, vec![id.into(), now.into()]).await?;
            }
            Revocation::Grant(grant) => self.revoke_grant(grant, RevocationReason::ByClient, now).await?,
            Revocation::Nothing => {}
        }
        Ok(decision)
    }
}
