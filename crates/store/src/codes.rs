//! Authorization codes: redeemed once, and a second use revokes what the first one led to.

use ayb_protocol::ids::{GrantId, SessionId, UserId};
use ayb_protocol::pkce::{CodeChallenge, METHOD_S256};
use ayb_protocol::redirect_uri::RedirectUri;
use ayb_protocol::time::Timestamp;
use ayb_provider::client::ClientRecord;
use ayb_provider::grant::code::{FoundCode, Redemption};
use ayb_provider::grant::{Answer, CodeRecord};
use uuid::Uuid;

use crate::Store;
use crate::clients::{self, Seen, State};
use crate::columns::Columns;
use crate::db::{Engine, Reading, Row, Tx, Value, Write};
use crate::error::StoreError;
use crate::grants::{self, RevocationReason};
use crate::tokens::{self, Place, add_access, add_pair};

/// The columns of [`FoundCode`].
macro_rules! found_code {
    ($key:literal) => {
        concat!(
        "select c.id, c.code_hash, c.client_id, c.user_id, c.redirect_uri, c.scope, c.allowed_tables,
             c.code_challenge, c.state, c.nonce, c.claims, c.auth_time, c.amr, c.session_id, c.grant_id, c.expires_at,
             c.used_at, c.created_at, u.disabled_at, k.version, k.revoked_at
         from _ayb_oauth_authorization_codes c join _ayb_users u on u.id = c.user_id
         join _ayb_oauth_clients k on k.client_id = c.client_id
         where c.id = ", $key)
    };
}

/// What is known about a code, and the state of its client.
fn found_code(row: &Row) -> Result<(FoundCode, State), StoreError> {
    let mut columns = Columns::of(row);
    let code = CodeRecord {
        id: columns.uuid()?,
        hash: columns.hash()?,
        client_id: columns.client_id()?,
        user_id: UserId(columns.uuid()?),
        redirect_uri: RedirectUri::from_stored(columns.string()?),
        scope: columns.granted_scope()?,
        tables: columns.tables()?,
        challenge: columns.word(CodeChallenge::from_stored)?,
        state: columns.string()?,
        nonce: columns.opt_string()?,
        claims: columns.claims()?,
        auth_time: columns.time()?,
        amr: columns.list()?,
        session_id: columns.opt_uuid()?.map(SessionId),
        grant_id: GrantId(columns.uuid()?),
        expires_at: columns.time()?,
        used_at: columns.opt_time()?,
        created_at: columns.time()?,
    };
    let user_active = columns.opt_time()?.is_none();
    Ok((FoundCode { code, user_active }, State::read(&mut columns)?))
}

pub(crate) const INSERT: &str = "insert into _ayb_oauth_authorization_codes (id, code_hash, client_id, user_id,
    redirect_uri, scope, allowed_tables, code_challenge, code_challenge_method, state, nonce, claims, auth_time, amr,
    session_id, grant_id, expires_at, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";

/// The start of a statement that stores a code under a consent `k` given earlier, for a client `c` that is what it was
/// when the code was decided on, in the session `s` if there is one.
macro_rules! insert_under_consent {
    ($session:literal) => {
        concat!(
            "insert into _ayb_oauth_authorization_codes (id, code_hash, client_id, user_id, redirect_uri, scope,
             allowed_tables, code_challenge, code_challenge_method, state, nonce, claims, auth_time, amr, session_id,
             grant_id, expires_at, created_at)
             select $1, $2, k.client_id, k.user_id, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, ",
            $session,
            ", $16, $17, $18 from _ayb_oauth_consents k
             join _ayb_oauth_clients c on c.client_id = k.client_id and c.version = $19 and c.revoked_at is null"
        )
    };
}

/// The locks keep consent and session as they are until the code is there.
pub(crate) const INSERT_IN_SESSION: &str = concat!(
    insert_under_consent!("s.id"),
    " join _ayb_sessions s on s.user_id = k.user_id
      where k.user_id = $4 and k.client_id = $3 and s.id = $15 and s.revoked_at is null for share of k, s"
);

pub(crate) const INSERT_OUTSIDE: &str =
    concat!(insert_under_consent!("$15"), " where k.user_id = $4 and k.client_id = $3 for share of k");

/// The write that stores a code.
pub(crate) fn insert(code: &CodeRecord) -> Write {
    (INSERT, row(code))
}

fn row(code: &CodeRecord) -> Vec<Value> {
    vec![
        code.id.into(),
        code.hash.into(),
        (&code.client_id).into(),
        code.user_id.into(),
        code.redirect_uri.as_str().into(),
        (&code.scope).into(),
        (&code.tables).into(),
        code.challenge.to_string().into(),
        METHOD_S256.into(),
        (&code.state).into(),
        code.nonce.as_ref().into(),
        (&code.claims).into(),
        code.auth_time.into(),
        (&code.amr).into(),
        code.session_id.into(),
        code.grant_id.into(),
        code.expires_at.into(),
        code.created_at.into(),
    ]
}

pub(crate) const LOCK_SESSION: &str = "select id from _ayb_sessions
    where id = $1 and user_id = $2 and revoked_at is null for share";

/// Whether the session in which a code is issued has not been ended, and keeps it so until the commit.
pub(crate) async fn session_is_live(tx: &mut Tx, code: &CodeRecord) -> Result<bool, StoreError> {
    let Some(session) = code.session_id else { return Ok(true) };
    let found = tx.lock_opt(LOCK_SESSION, &[session.into(), code.user_id.into()]).await?;
    Ok(found.is_some())
}

pub(crate) const PEEK: &str = found_code!("$1");

pub(crate) const PEEK_MANY: &str = found_code!("any($1)");

pub(crate) const LOCK: &str = concat!(found_code!("$1"), " for no key update of c");

pub(crate) const USE: &str =
    "update _ayb_oauth_authorization_codes set used_at = $2 where id = $1 and used_at is null";

/// Marks a code used, if that is what it was when it was read, in the sense of [`redeem_unchanged`].
pub(crate) const USE_UNCHANGED: &str = "update _ayb_oauth_authorization_codes set used_at = $2
    where id = $1 and used_at is null
    and exists (select 1 from _ayb_users u where u.id = user_id and u.disabled_at is null)
    and exists (select 1 from _ayb_oauth_clients k where k.client_id = _ayb_oauth_authorization_codes.client_id
        and k.version = $3 and k.revoked_at is null)";

/// The start of a statement that redeems a code, if that is what it was when it was read: unused, of a person who may use
/// their account and of a client that has not changed since. It opens the grant; what follows stores the tokens.
macro_rules! redeem_unchanged {
    () => {
        "with used as (update _ayb_oauth_authorization_codes c set used_at = $2
             from _ayb_users u, _ayb_oauth_clients k
             where c.id = $1 and c.used_at is null and u.id = c.user_id and u.disabled_at is null
             and k.client_id = c.client_id and k.version = $3 and k.revoked_at is null returning c.id),
         granted as (insert into _ayb_oauth_grants (id, client_id, user_id, session_id, scope, allowed_tables, claims,
             auth_time, amr, created_at) select $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 from used)"
    };
}

pub(crate) const REDEEM_FOR_ACCESS: &str = concat!(
    redeem_unchanged!(),
    add_access!("$14, $15, 'access', $16, $17, $18, $19, $20, $21, $22, true from used")
);

pub(crate) const REDEEM_FOR_PAIR: &str = concat!(
    redeem_unchanged!(),
    add_pair!(
        "used",
        "$14::uuid, $15::varchar, 'access', $16::varchar, $17::uuid, $18::varchar, $19::text[], $20::uuid,
         $21::timestamptz, $22::timestamptz",
        "$23, $24, 'refresh', $25, $26, $27, $28, $29, $30, $31, $14, true"
    )
);

async fn redeem<R>(tx: &mut Tx, ask: &(Uuid, Seen, Timestamp, R)) -> Result<Option<Redemption>, StoreError>
where
    R: Fn(Option<&FoundCode>) -> Redemption,
{
    let (id, seen, now, rule) = ask;
    let row = tx.lock_opt(LOCK, &[(*id).into()]).await?;
    let found = row.map(|row| found_code(&row)).transpose()?;
    if found.as_ref().is_some_and(|(found, client)| seen.changed(&found.code.client_id, *client)) {
        return Ok(None);
    }
    let decision = rule(found.as_ref().map(|(found, _)| found));
    match &decision {
        Redemption::Issue(answer) => {
            let used = (USE, vec![(*id).into(), (*now).into()]);
            let mut writes = vec![used, grants::insert(&answer.grant)];
            writes.extend(tokens::insert(&answer.issuance, Place::First));
            tx.apply(writes).await?;
        }
        Redemption::Replay { revoke } => {
            tx.apply(grants::revoke(tx.engine(), *revoke, RevocationReason::CodeReplay, *now)).await?;
        }
        Redemption::Refuse(_) => {}
    }
    Ok(Some(decision))
}

impl Store {
    /// Stores a code under a consent that was given earlier.
    ///
    /// False when that consent was withdrawn, the session ended or `client` changed since they were read: nothing is
    /// stored, and the server decides again.
    pub async fn insert_code(&self, code: &CodeRecord, client: &ClientRecord) -> Result<bool, StoreError> {
        let sql = if code.session_id.is_some() { INSERT_IN_SESSION } else { INSERT_OUTSIDE };
        let mut params = row(code);
        params.push(clients::version(client)?);
        let stored = self.db.execute_locking(sql, params).await? > 0;
        if !stored {
            self.forget_client(&client.client_id);
        }
        Ok(stored)
    }

    /// A code and whether its person may use their account, to look at before anything is prepared.
    pub async fn peek_code(&self, id: Uuid) -> Result<Option<FoundCode>, StoreError> {
        let row = self.db.one_of_many(PEEK, PEEK_MANY, id, Reading::Once).await?;
        Ok(row.map(|row| found_code(&row)).transpose()?.map(|(found, _)| found))
    }

    /// Redeems a code by `rule`, which sees what is stored while nobody else can change it. `seen` is what
    /// [`Store::peek_code`] has just found, where the caller needed that: then nothing is read a second time.
    ///
    /// `Issue` marks the code used, opens its grant and stores the tokens; the grant has the identifier that the code
    /// carries, so even a rule that issues twice cannot open it twice. `Replay` revokes the grant.
    ///
    /// `None`: nothing happened, because `client` is no longer what the rule takes it for.
    pub async fn redeem_code<R>(
        &self,
        id: Uuid,
        client: &ClientRecord,
        now: Timestamp,
        seen: Option<FoundCode>,
        rule: R,
    ) -> Result<Option<Redemption>, StoreError>
    where
        R: Fn(Option<&FoundCode>) -> Redemption + Send + Sync + 'static,
    {
        if let Some(answer) = self.redeem_at_once(id, client, now, seen, &rule).await? {
            return Ok(Some(Redemption::Issue(answer)));
        }
        let ask = (id, Seen::of(client), now, rule);
        let decision = self.db.transaction("redeem code", ask, |tx, ask| Box::pin(redeem(tx, ask))).await?;
        if decision.is_none() {
            self.forget_client(&client.client_id);
        }
        Ok(decision)
    }

    /// Redeems a code with writes that do nothing unless all is as it was read a moment before. `None`: nothing happened,
    /// and the code must be looked at under a lock. On PostgreSQL it is one statement, which shares its commit with others.
    async fn redeem_at_once(
        &self,
        id: Uuid,
        client: &ClientRecord,
        now: Timestamp,
        seen: Option<FoundCode>,
        rule: &(impl Fn(Option<&FoundCode>) -> Redemption + Sync),
    ) -> Result<Option<Box<Answer>>, StoreError> {
        let engine = self.db.engine();
        let found = match seen {
            // A look before the transaction costs more there than one inside.
            None if engine == Engine::Sqlite => return Ok(None),
            None => self.peek_code(id).await?,
            seen => seen,
        };
        let Some(found) = found else { return Ok(None) };
        let Redemption::Issue(answer) = rule(Some(&found)) else { return Ok(None) };
        let (insert, grant) = grants::insert(&answer.grant);
        let mut params = vec![id.into(), now.into(), clients::version(client)?];
        let done = match engine {
            Engine::Sqlite => {
                let mut writes = vec![(insert, grant)];
                writes.extend(tokens::insert(&answer.issuance, Place::First));
                self.apply_after("redeem code as seen", (USE_UNCHANGED, params), writes).await?
            }
            Engine::Postgres => {
                params.extend(grant.into_iter().chain(tokens::rows(&answer.issuance)));
                let sql = if answer.issuance.refresh.is_some() { REDEEM_FOR_PAIR } else { REDEEM_FOR_ACCESS };
                self.db.execute_locking(sql, params).await? > 0
            }
        };
        Ok(done.then_some(answer))
    }
}
