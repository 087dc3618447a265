//! What an installation remembers about itself: words under a name.

use ayb_protocol::time::Timestamp;

use crate::Store;
use crate::db::Write;
use crate::error::StoreError;

pub(crate) const FIND: &str = "select value from _ayb_settings where key = $1";

const INSERT: &str =
    "insert into _ayb_settings (key, value, updated_at) values ($1, $2, $3) on conflict (key) do nothing";

const PUT: &str = "insert into _ayb_settings (key, value, updated_at) values ($1, $2, $3)
    on conflict (key) do update set value = excluded.value, updated_at = excluded.updated_at";

/// Sets a value that is known; changes nothing when it is another by now.
pub(crate) const REPLACE: &str =
    "update _ayb_settings set value = $3, updated_at = $4 where key = $1 and value = $2";

/// The setting while it has a value that is known, kept so until the end of the transaction.
pub(crate) const LOCK_KNOWN: &str =
    "select key from _ayb_settings where key = $1 and value = $2 for no key update";

/// The write that sets the value of `key`.
pub(crate) fn put(key: &str, value: &str, now: Timestamp) -> Write {
    (PUT, vec![key.into(), value.into(), now.into()])
}

impl Store {
    /// The value of `key`.
    pub async fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        let row = self.db.one(FIND, &[key.into()]).await?;
        row.map(|row| row.text(0).map(str::to_owned)).transpose()
    }

    /// The value of `key`, which is `value` from now on if there was none. Whoever asks, also at the same moment and
    /// in another process, gets the same answer.
    pub async fn setting_or_insert(
        &self,
        key: &str,
        value: &str,
        now: Timestamp,
    ) -> Result<String, StoreError> {
        if let Some(known) = self.setting(key).await? {
            return Ok(known);
        }
        self.db.execute(INSERT, vec![key.into(), value.into(), now.into()]).await?;
        self.setting(key).await?.ok_or_else(|| StoreError::corrupt("a setting that was just written is gone"))
    }

    /// Sets the value of `key`.
    pub async fn put_setting(&self, key: &str, value: &str, now: Timestamp) -> Result<(), StoreError> {
        let (sql, params) = put(key, value, now);
        self.db.execute(sql, params).await?;
        Ok(())
    }
}
