//! Whether the database takes writes.

use ayb_protocol::time::Timestamp;

use crate::Store;
use crate::error::StoreError;

const KEY: &str = "health.last_write";

impl Store {
    /// Writes durably, the only proof that writing is possible: a full disk and a read-only standby answer reads.
    pub async fn probe_write(&self, now: Timestamp) -> Result<(), StoreError> {
        self.put_setting(KEY, &now.as_millis().to_string(), now).await
    }
}
