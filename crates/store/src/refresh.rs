//! Refresh tokens: what is known of one, and its rotation.

use ayb_protocol::secret::{Access, Refresh};
use ayb_protocol::time::Timestamp;
use ayb_provider::client::ClientRecord;
use ayb_provider::grant::refresh::{FoundRefresh, Rotation, Successor};
use ayb_provider::grant::{Answer, TokenRecord};
use uuid::Uuid;

use crate::Store;
use crate::clients::{self, Seen, State};
use crate::columns::Columns;
use crate::db::{Engine, Reading, Row, Tx, Write};
use crate::error::StoreError;
use crate::grants::{self, RevocationReason, grant_columns, read_grant};
use crate::tokens::{Place, add_pair, insert, read_token, rows, token_columns};

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
/// account, the client has not changed. The person's grants are shared with other rotations until the commit, and the row of
/// this one is left alone. Whoever revokes has them alone ([`grants::HOLD_OF_USER`]): a rotation that waited for that meets
/// the mark of its token. (Beyond the links that a revocation follows there is no mark. What such a rotation gets is as old as
/// if it had come a moment before, and dead here: its grant is looked at.)
pub(crate) const ROTATE: &str = concat!(
    "with retired as (update _ayb_oauth_tokens t set revoked_at = $2, successor_id = $13
         from _ayb_oauth_grants g, _ayb_users u, _ayb_oauth_clients c
         where t.id = $1 and t.revoked_at is null and g.id = t.grant_id and g.revoked_at is null
         and u.id = t.user_id and u.disabled_at is null
         and c.client_id = t.client_id and c.version = $3 and c.revoked_at is null
         and pg_advisory_xact_lock_shared(uuid_hash_extended(t.user_id, 0)) is not null
         returning t.id)",
    add_pair!(
        "retired",
        "$4::uuid, $5::varchar, 'access', $6::varchar, $7::uuid, $8::varchar, $9::text[], $10::uuid, $11::timestamptz,
         $12::timestamptz",
        "$13, $14, 'refresh', $15, $16, $17, $18, $19, $20, $21, $4, false"
    )
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
    // Before the rows, as everybody does: the rule may revoke the grant.
    tx.apply(grants::held(tx.engine(), grants::HOLD_OF_TOKEN, (*id).into())).await?;
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

impl Store {
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
    /// revokes the grant. The person's grants are locked first, so a revocation is either seen by the rule or sees the new
    /// tokens.
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
                let mut params = vec![id.into(), now.into(), version];
                params.extend(rows(&answer.issuance));
                self.db.execute_locking(ROTATE, params).await? > 0
            }
        };
        Ok(done.then_some(answer))
    }
}
