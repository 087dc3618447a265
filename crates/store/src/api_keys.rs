//! API keys.

use std::sync::LazyLock;

use ayb_protocol::ids::{ApiKeyId, AppId, UserId};
use ayb_protocol::scope::ResourceScope;
use ayb_protocol::secret::{ApiKey, SecretHash};
use ayb_protocol::time::Timestamp;
use ayb_provider::api_key::{ApiKeyRecord, FoundKey};

use crate::Store;
use crate::columns::Columns;
use crate::db::{Row, Value, Write};
use crate::error::StoreError;
use crate::page::Page;
use crate::tokens::rate_limit;

/// What became of a new key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyInsertion {
    /// It is stored.
    Inserted,
    /// Its owner has as many as one person may have.
    TooMany,
}

/// The columns that [`read_key`] takes, of a table with the alias `k`.
macro_rules! key_columns {
    () => {
        "k.id, k.key_hash, k.key_prefix, k.user_id, k.name, k.scope, k.allowed_tables, k.app_id, k.created_at,
         k.expires_at, k.last_used_at, k.revoked_at"
    };
}

/// The key in the next columns.
fn read_key(columns: &mut Columns<'_>) -> Result<ApiKeyRecord, StoreError> {
    Ok(ApiKeyRecord {
        id: ApiKeyId(columns.uuid()?),
        hash: columns.hash()?,
        prefix: columns.string()?,
        user_id: UserId(columns.uuid()?),
        name: columns.string()?,
        scope: columns.word(ResourceScope::parse)?,
        tables: columns.tables()?,
        app_id: columns.opt_uuid()?.map(AppId),
        created_at: columns.time()?,
        expires_at: columns.opt_time()?,
        last_used_at: columns.opt_time()?,
        revoked_at: columns.opt_time()?,
    })
}

fn read_row(row: &Row) -> Result<ApiKeyRecord, StoreError> {
    read_key(&mut Columns::of(row))
}

pub(crate) const INSERT: &str =
    "insert into _ayb_api_keys (id, key_hash, key_prefix, user_id, name, scope, allowed_tables,
    app_id, created_at, expires_at) select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
    where (select count(*) from _ayb_api_keys where user_id = $4) < $11";

pub(crate) const FIND: &str = concat!(
    "select ",
    key_columns!(),
    ", u.email, u.disabled_at, a.rate_limit_rps, a.rate_limit_window_seconds, a.allowed_origins
      from _ayb_api_keys k
      join _ayb_users u on u.id = k.user_id
      left join _ayb_apps a on a.id = k.app_id
      where k.key_hash = $1"
);

fn found(row: &Row) -> Result<FoundKey, StoreError> {
    let mut columns = Columns::of(row);
    let key = read_key(&mut columns)?;
    let user_email = columns.string()?;
    let user_active = columns.opt_time()?.is_none();
    let (rate_limit, app_allowed_origins) = match key.app_id {
        Some(_) => (rate_limit(&mut columns)?, columns.list()?),
        None => Default::default(),
    };
    Ok(FoundKey { key, user_email, user_active, rate_limit, app_allowed_origins })
}

pub(crate) const LIST: &str =
    concat!("select ", key_columns!(), " from _ayb_api_keys k order by k.id desc limit $1 offset $2");

pub(crate) const LIST_OF_USER: &str = concat!(
    "select ",
    key_columns!(),
    " from _ayb_api_keys k where k.user_id = $3 order by k.id desc limit $1 offset $2"
);

const COUNT: &str = "select count(*) from _ayb_api_keys";

pub(crate) const COUNT_OF_USER: &str = "select count(*) from _ayb_api_keys where user_id = $1";

pub(crate) const COUNT_OF_APP: &str = "select count(*) from _ayb_api_keys where app_id = $1";

pub(crate) const REVOKE: &str =
    "update _ayb_api_keys set revoked_at = $2 where id = $1 and revoked_at is null";

pub(crate) const REVOKE_OWN: &str =
    "update _ayb_api_keys set revoked_at = $2 where id = $1 and revoked_at is null and user_id = $3";

pub(crate) const REVOKE_OF_USER: &str =
    "update _ayb_api_keys set revoked_at = $2 where user_id = $1 and revoked_at is null";

/// The write that revokes every key of a person.
pub(crate) fn revoke_of_user(user: UserId, now: Timestamp) -> Write {
    (REVOKE_OF_USER, vec![user.into(), now.into()])
}

/// Keys that one statement marks as used.
const MARKED: usize = 64;

pub(crate) static MARK_USED: LazyLock<String> = LazyLock::new(|| {
    let ids: Vec<String> = (2..MARKED + 2).map(|number| format!("${number}")).collect();
    let ids = ids.join(", ");
    format!(
        "update _ayb_api_keys set last_used_at = $1
         where id in ({ids}) and (last_used_at is null or last_used_at < $1)"
    )
});

/// The parameters of [`MARK_USED`] for at most [`MARKED`] keys; the last one fills the places that are left.
pub(crate) fn marked(keys: &[ApiKeyId], at: Timestamp) -> Vec<Value> {
    let rest = keys.last().into_iter().cycle();
    let ids = keys.iter().chain(rest).take(MARKED).map(|key| Value::from(*key));
    std::iter::once(at.into()).chain(ids).collect()
}

impl Store {
    /// Stores a new key of somebody who has fewer than `most`, dead ones that have not left yet included. Two that are
    /// made at the same moment may both be the last. [`StoreError::ForeignKey`]: there is no such person or app.
    pub async fn insert_api_key(&self, key: &ApiKeyRecord, most: u32) -> Result<KeyInsertion, StoreError> {
        let row = vec![
            key.id.into(),
            key.hash.into(),
            (&key.prefix).into(),
            key.user_id.into(),
            (&key.name).into(),
            key.scope.as_str().into(),
            (&key.tables).into(),
            key.app_id.into(),
            key.created_at.into(),
            key.expires_at.into(),
            most.into(),
        ];
        let stored = self.db.execute(INSERT, row).await? > 0;
        Ok(if stored { KeyInsertion::Inserted } else { KeyInsertion::TooMany })
    }

    /// The key with this hash, with its owner and what its app says, in one read.
    pub async fn api_key(&self, hash: SecretHash<ApiKey>) -> Result<Option<FoundKey>, StoreError> {
        self.db.one(FIND, &[hash.into()]).await?.map(|row| found(&row)).transpose()
    }

    /// One page of all keys, newest first, and how many there are.
    pub async fn list_api_keys(&self, page: Page) -> Result<(Vec<ApiKeyRecord>, u64), StoreError> {
        let total = self.count(COUNT, vec![]).await?;
        let rows = self.db.many(LIST, vec![page.limit(), page.offset()]).await?;
        Ok((rows.iter().map(read_row).collect::<Result<_, _>>()?, total))
    }

    /// The same of one person.
    pub async fn list_api_keys_of(
        &self,
        user: UserId,
        page: Page,
    ) -> Result<(Vec<ApiKeyRecord>, u64), StoreError> {
        let total = self.count(COUNT_OF_USER, vec![user.into()]).await?;
        let rows = self.db.many(LIST_OF_USER, vec![page.limit(), page.offset(), user.into()]).await?;
        Ok((rows.iter().map(read_row).collect::<Result<_, _>>()?, total))
    }

    /// Revokes a key; with `owner`, only if it is theirs. False when there is none that was not revoked before.
    pub async fn revoke_api_key(
        &self,
        id: ApiKeyId,
        owner: Option<UserId>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut row = vec![id.into(), now.into()];
        let sql = match owner {
            Some(owner) => {
                row.push(owner.into());
                REVOKE_OWN
            }
            None => REVOKE,
        };
        Ok(self.db.execute(sql, row).await? > 0)
    }

    /// Notes that these keys were used; a time that is already later stays.
    pub async fn mark_api_keys_used(&self, keys: &[ApiKeyId], at: Timestamp) -> Result<(), StoreError> {
        for keys in keys.chunks(MARKED) {
            self.db.execute(&MARK_USED, marked(keys, at)).await?;
        }
        Ok(())
    }
}
