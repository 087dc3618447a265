//! Access and refresh tokens: how they are stored, checked and revoked.

use ayb_protocol::ids::{AppId, GrantId, UserId};
use ayb_protocol::secret::{Access, SecretHash};
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::app::RateLimit;
use ayb_provider::bearer::FoundAccess;
use ayb_provider::client::ClientRecord;
use ayb_provider::grant::{Issuance, TokenRecord};
use ayb_provider::revoke::{FoundToken, Revocation};
use uuid::Uuid;

use crate::Store;
use crate::clients;
use crate::columns::Columns;
use crate::db::{Reading, Row, Value, Write};
use crate::error::StoreError;
use crate::grants::RevocationReason;

/// The columns that [`read_token`] takes, of a table with the alias `t`.
macro_rules! token_columns {
    () => {
        "t.id, t.token_hash, t.client_id, t.user_id, t.scope, t.allowed_tables, t.grant_id, t.expires_at, t.revoked_at,
         t.created_at"
    };
}
pub(crate) use token_columns;

/// The token in the next columns; the statement makes sure that it is of kind `K`.
pub(crate) fn read_token<K>(columns: &mut Columns<'_>) -> Result<TokenRecord<K>, StoreError> {
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

/// A statement that adds an access token and the refresh token beside it, once for each row of `$from`. What is needed to
/// add anything (indexes opened, checks read) is needed once for the two.
macro_rules! add_pair {
    ($from:literal, $access:literal, $refresh:literal) => {
        concat!(
            " insert into _ayb_oauth_tokens (id, token_hash, token_type, client_id, user_id, scope, allowed_tables,
              grant_id, expires_at, created_at, access_id, is_head) select pair.* from ",
            $from,
            " cross join (values (",
            $access,
            ", null::uuid, false), (",
            $refresh,
            ")) pair"
        )
    };
}
pub(crate) use add_pair;

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
