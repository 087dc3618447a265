//! Consents: what a person has allowed a client. There is one row for each pair.

use ayb_protocol::ids::{ClientId, UserId};
use ayb_protocol::time::Timestamp;
use ayb_provider::consent::ConsentRecord;
use ayb_provider::grant::CodeRecord;

use crate::Store;
use crate::codes;
use crate::columns::Columns;
use crate::db::{Row, Tx};
use crate::error::StoreError;
use crate::grants::{self, RevocationReason};

/// Attempts to find the row or to write it, when others write and delete it at the same moment.
const ATTEMPTS: usize = 8;

/// What became of a person's yes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Approval<E> {
    /// The consent is remembered and the code stored.
    Stored(Box<(ConsentRecord, CodeRecord)>),
    /// The session ended since it was read. Nothing is stored; the server decides again.
    SessionEnded,
    /// The rule refused. Nothing is stored.
    Refused(E),
}

/// A consent with the names that a person knows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListedConsent {
    /// The consent.
    pub consent: ConsentRecord,
    /// The name of the client.
    pub client_name: String,
    /// The name of its app.
    pub app_name: String,
}

/// The columns that [`read_consent`] takes, of a table with the alias `k`.
macro_rules! consent_columns {
    () => {
        "k.user_id, k.client_id, k.scope, k.allowed_tables, k.granted_at"
    };
}
pub(crate) use consent_columns;

pub(crate) fn read_consent(columns: &mut Columns<'_>) -> Result<ConsentRecord, StoreError> {
    Ok(ConsentRecord {
        user_id: UserId(columns.uuid()?),
        client_id: columns.client_id()?,
        scope: columns.scope()?,
        tables: columns.tables()?,
        granted_at: columns.time()?,
    })
}

pub(crate) const FIND: &str = concat!(
    "select ",
    consent_columns!(),
    " from _ayb_oauth_consents k where k.user_id = $1 and k.client_id = $2"
);

pub(crate) const LIST: &str = concat!(
    "select ",
    consent_columns!(),
    ", c.name, a.name from _ayb_oauth_consents k
      join _ayb_oauth_clients c on c.client_id = k.client_id
      join _ayb_apps a on a.id = c.app_id
      where k.user_id = $1 and c.revoked_at is null
      order by k.granted_at desc, k.client_id limit 200"
);

pub(crate) const LOCK: &str = concat!(
    "select ",
    consent_columns!(),
    " from _ayb_oauth_consents k where k.user_id = $1 and k.client_id = $2 for update"
);

/// The first code that comes with a consent lends it its identifier.
pub(crate) const INSERT: &str = "insert into _ayb_oauth_consents
    (id, user_id, client_id, scope, allowed_tables, granted_at, updated_at) values ($1, $2, $3, $4, $5, $6, $6)
    on conflict (user_id, client_id) do nothing";

pub(crate) const UPDATE: &str = "update _ayb_oauth_consents
    set scope = $3, allowed_tables = $4, granted_at = $5, updated_at = $5 where user_id = $1 and client_id = $2";

async fn approve<R, E>(
    tx: &mut Tx,
    (user, client, rule): &(UserId, ClientId, R),
) -> Result<Approval<E>, StoreError>
where
    R: Fn(Option<&ConsentRecord>) -> Result<(ConsentRecord, CodeRecord), E>,
{
    for _ in 0..ATTEMPTS {
        let row = tx.lock_opt(LOCK, &[(*user).into(), client.into()]).await?;
        let earlier = row.map(|row| read_consent(&mut Columns::of(&row))).transpose()?;
        let (consent, code) = match rule(earlier.as_ref()) {
            Ok(approved) => approved,
            Err(refusal) => return Ok(Approval::Refused(refusal)),
        };
        if !codes::session_is_live(tx, &code).await? {
            return Ok(Approval::SessionEnded);
        }
        if !put(tx, earlier.is_some(), &consent, &code).await? {
            continue;
        }
        tx.apply(vec![codes::insert(&code)]).await?;
        return Ok(Approval::Stored(Box::new((consent, code))));
    }
    Err(StoreError::unavailable("a consent appeared and vanished too often"))
}

/// Writes the consent. False when there was no row to lock and somebody else has inserted one since: its words have
/// to be read first.
async fn put(
    tx: &mut Tx,
    known: bool,
    consent: &ConsentRecord,
    code: &CodeRecord,
) -> Result<bool, StoreError> {
    let mut row = vec![
        consent.user_id.into(),
        (&consent.client_id).into(),
        (&consent.scope).into(),
        (&consent.tables).into(),
        consent.granted_at.into(),
    ];
    if known {
        tx.apply(vec![(UPDATE, row)]).await?;
        return Ok(true);
    }
    row.insert(0, code.id.into());
    Ok(tx.execute(INSERT, &row).await? > 0)
}

pub(crate) const DELETE_OF_USER: &str = "delete from _ayb_oauth_consents where user_id = $1";

pub(crate) const DELETE: &str = "delete from _ayb_oauth_consents where user_id = $1 and client_id = $2";

async fn withdraw(
    tx: &mut Tx,
    (user, client, now): &(UserId, ClientId, Timestamp),
) -> Result<bool, StoreError> {
    // A code that is being stored holds the consent's row: it is finished, and seen below, when this returns.
    let deleted = tx.execute(DELETE, &[(*user).into(), client.into()]).await?;
    tx.apply(grants::of_pair(*user, client).revoke(tx.engine(), RevocationReason::ConsentWithdrawn, *now))
        .await?;
    Ok(deleted > 0)
}

impl Store {
    /// What a person has allowed a client.
    pub async fn consent(
        &self,
        user: UserId,
        client: &ClientId,
    ) -> Result<Option<ConsentRecord>, StoreError> {
        let row = self.db.one(FIND, &[user.into(), client.into()]).await?;
        row.map(|row| read_consent(&mut Columns::of(&row))).transpose()
    }

    /// What a person has allowed to clients that are not revoked, latest first, at most 200.
    pub async fn list_consents(&self, user: UserId) -> Result<Vec<ListedConsent>, StoreError> {
        let rows = self.db.many(LIST, vec![user.into()]).await?;
        let listed = |row: &Row| {
            let mut columns = Columns::of(row);
            Ok(ListedConsent {
                consent: read_consent(&mut columns)?,
                client_name: columns.string()?,
                app_name: columns.string()?,
            })
        };
        rows.iter().map(listed).collect()
    }

    /// The person said yes: `rule` sees the earlier consent while nobody else can change it, and makes of it the new
    /// one and a code. Both are stored, or neither.
    pub async fn approve<R, E>(
        &self,
        user: UserId,
        client: &ClientId,
        rule: R,
    ) -> Result<Approval<E>, StoreError>
    where
        R: Fn(Option<&ConsentRecord>) -> Result<(ConsentRecord, CodeRecord), E> + Send + Sync + 'static,
        E: Send + 'static,
    {
        let ask = (user, client.clone(), rule);
        self.db.transaction("approve", ask, |tx, ask| Box::pin(approve(tx, ask))).await
    }

    /// Takes a consent back: everything that stems from it dies, unused codes included. False when there was none;
    /// what stemmed from an earlier one dies all the same.
    pub async fn withdraw_consent(
        &self,
        user: UserId,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let ask = (user, client.clone(), now);
        self.db.transaction("withdraw consent", ask, |tx, ask| Box::pin(withdraw(tx, ask))).await
    }
}
