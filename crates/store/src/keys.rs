//! Signing keys. A private key is sealed before it comes here.

use ayb_provider::client::SigningAlg;
use ayb_provider::keys::{KeyRecord, KeyState};

use crate::Store;
use crate::columns::Columns;
use crate::db::{Row, Tx, Value};
use crate::error::StoreError;

fn read_key(row: &Row) -> Result<KeyRecord, StoreError> {
    let mut columns = Columns::of(row);
    Ok(KeyRecord {
        kid: columns.string()?,
        algorithm: columns.word(SigningAlg::parse)?,
        state: columns.word(KeyState::parse)?,
        sealed: columns.bytes()?,
        public_jwk: columns.string()?,
        created_at: columns.time()?,
        published_at: columns.time()?,
        activated_at: columns.opt_time()?,
        retired_at: columns.opt_time()?,
        expires_at: columns.opt_time()?,
    })
}

fn row(key: &KeyRecord) -> Vec<Value> {
    vec![
        (&key.kid).into(),
        key.algorithm.as_str().into(),
        key.state.as_str().into(),
        key.sealed.as_slice().into(),
        (&key.public_jwk).into(),
        key.created_at.into(),
        key.published_at.into(),
        key.activated_at.into(),
        key.retired_at.into(),
        key.expires_at.into(),
    ]
}

const LIST: &str = "select kid, algorithm, state, private_key_sealed, public_jwk, created_at, published_at,
    activated_at, retired_at, expires_at from _ayb_signing_keys order by created_at, kid limit 1000";

/// A row that stands for the whole set of keys, also for an empty one.
const MAKE_LOCK: &str =
    "insert into _ayb_settings (key, value) values ('lock.signing_keys', '') on conflict (key) do nothing";

const LOCK: &str = "select key from _ayb_settings where key = 'lock.signing_keys' for update";

const DELETE: &str = "delete from _ayb_signing_keys where kid = $1";

const PUT: &str =
    "insert into _ayb_signing_keys (kid, algorithm, state, private_key_sealed, public_jwk, created_at,
    published_at, activated_at, retired_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    on conflict (kid) do update set state = excluded.state, published_at = excluded.published_at,
    activated_at = excluded.activated_at, retired_at = excluded.retired_at, expires_at = excluded.expires_at";

async fn change<R>(tx: &mut Tx, rule: &R) -> Result<Vec<KeyRecord>, StoreError>
where
    R: Fn(&[KeyRecord]) -> Vec<KeyRecord>,
{
    tx.apply(vec![(MAKE_LOCK, vec![])]).await?;
    tx.lock_opt(LOCK, &[]).await?;
    let rows = tx.many(LIST, &[]).await?;
    let before: Vec<KeyRecord> = rows.iter().map(read_key).collect::<Result<_, _>>()?;
    let after = rule(&before);
    let gone = before.iter().filter(|key| after.iter().all(|kept| kept.kid != key.kid));
    let mut writes: Vec<_> = gone.map(|key| (DELETE, vec![(&key.kid).into()])).collect();
    // An active key makes room before its successor becomes active.
    let mut changed: Vec<&KeyRecord> = after.iter().filter(|key| !before.contains(key)).collect();
    changed.sort_by_key(|key| key.state == KeyState::Active);
    writes.extend(changed.into_iter().map(|key| (PUT, row(key))));
    tx.apply(writes).await?;
    Ok(after)
}

impl Store {
    /// All signing keys, oldest first.
    pub async fn list_keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        self.db.many(LIST, vec![]).await?.iter().map(read_key).collect()
    }

    /// Changes the signing keys by `rule`, which sees all of them while no other process can change them, and answers
    /// what they shall be: new ones are stored, absent ones deleted, states and times of the others updated. Its
    /// answer is returned when it is stored.
    pub async fn change_keys<R>(&self, rule: R) -> Result<Vec<KeyRecord>, StoreError>
    where
        R: Fn(&[KeyRecord]) -> Vec<KeyRecord> + Send + Sync + 'static,
    {
        self.db.transaction("change keys", rule, |tx, rule| Box::pin(change(tx, rule))).await
    }
}
