//! When API keys were last used. Requests only leave a note here; a task beside them writes the notes, many at once, so
//! that no answer waits for it and a busy key costs one write a minute.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ayb_protocol::ids::ApiKeyId;
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::api_key::ApiKeyRecord;
use ayb_store::Store;

/// A use this soon after the one that is written down is not written down.
const RESOLUTION: Seconds = Seconds(60);
/// Keys that can wait to be written; the uses of more than these in one round are forgotten.
const MOST: usize = 65_536;

/// Uses that are not written yet.
#[derive(Debug, Default)]
pub struct KeyUse(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    keys: HashSet<ApiKeyId>,
    /// The latest use of any of them, which stands for all: a round is a few seconds.
    latest: Option<Timestamp>,
}

impl KeyUse {
    /// Leaves a note that `key` was used.
    pub fn note(&self, key: &ApiKeyRecord, now: Timestamp) {
        if key.last_used_at.is_some_and(|last| now < last.plus(RESOLUTION)) {
            return;
        }
        self.waiting().add([key.id], now);
    }

    /// Writes down what was noted. What cannot be written is tried again in the next round.
    pub async fn write(&self, store: &Store) {
        let Waiting { keys, latest } = std::mem::take(&mut *self.waiting());
        let Some(latest) = latest else { return };
        // In one order, so that two processes cannot wait for each other.
        let mut keys: Vec<ApiKeyId> = keys.into_iter().collect();
        keys.sort_unstable();
        if let Err(error) = store.mark_api_keys_used(&keys, latest).await {
            tracing::warn!(%error, "the last use of API keys could not be written");
            self.waiting().add(keys, latest);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn add(&mut self, keys: impl IntoIterator<Item = ApiKeyId>, at: Timestamp) {
        for key in keys {
            if self.keys.len() < MOST || self.keys.contains(&key) {
                self.keys.insert(key);
                self.latest = self.latest.max(Some(at));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_flood_of_keys_takes_no_more_memory_than_the_table_has() {
        let uses = KeyUse::default();
        for number in 0..200_000_u128 {
            uses.waiting().add([ApiKeyId(Uuid::from_u128(number))], Timestamp::from_seconds(1));
        }
        assert_eq!(uses.waiting().keys.len(), MOST);
    }

    #[test]
    fn the_time_of_a_round_is_its_latest_use() {
        let mut waiting = Waiting::default();
        for (number, second) in [(1, 5), (2, 9), (1, 7)] {
            waiting.add([ApiKeyId(Uuid::from_u128(number))], Timestamp::from_seconds(second));
        }
        assert_eq!((waiting.keys.len(), waiting.latest), (2, Some(Timestamp::from_seconds(9))));
    }
}
