//! Which write of a name a file is, so that an older one is noticed where a later one was seen.
//!
//! A name that had no file begins a line of its own, and each write counts on. Both are bound to what is encrypted. What was seen
//! is kept in memory only: a copy that was put back before this process read the later one is not told apart from it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ayb_primitives::types::RandomProvider;
use ayb_protocol::{hex, jose};
use serde::{Deserialize, Serialize};

use crate::error::StorageError;

/// How many names are remembered. Beyond them all are forgotten, which costs the comparison and nothing else.
const MOST: usize = 16 * 1024;

/// One write of a name.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(super) struct Generation {
    /// Random; another one after the file was removed, by any process.
    pub(super) line: String,
    /// From 1 on.
    pub(super) generation: u64,
}

impl Generation {
    /// The one after what is there, and after what this process saw of the same line.
    pub(super) fn after(there: Option<Self>, latest: Option<Self>, random: &dyn RandomProvider) -> Self {
        let Some(there) = there else {
            let mut line = [0; 8];
            random.fill(&mut line);
            return Self { line: hex::encode(line), generation: 1 };
        };
        let before = latest.filter(|latest| there.is_older_than(latest)).unwrap_or(there);
        Self { generation: before.generation.saturating_add(1), ..before }
    }

    fn is_older_than(&self, other: &Self) -> bool {
        self.line == other.line && self.generation < other.generation
    }
}

/// The latest that this process read or wrote, by the hash of the name.
#[derive(Default)]
pub(super) struct Seen(Mutex<HashMap<[u8; 32], Generation>>);

impl Seen {
    fn locked(&self) -> MutexGuard<'_, HashMap<[u8; 32], Generation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be asked before the file is read: what another thread sees meanwhile says nothing about it.
    pub(super) fn latest(&self, name: &str) -> Option<Generation> {
        self.locked().get(&jose::sha256(name)).cloned()
    }

    /// Whether a file that was opened may follow `latest`; it is remembered then.
    pub(super) fn accept(
        &self,
        name: &str,
        latest: Option<&Generation>,
        found: Generation,
    ) -> Result<(), StorageError> {
        if latest.is_some_and(|latest| found.is_older_than(latest)) {
            return Err(StorageError::ReadFailed(
                "an older file was put in the place of a later one".to_owned(),
            ));
        }
        self.remember(name, found);
        Ok(())
    }

    pub(super) fn remember(&self, name: &str, found: Generation) {
        let mut seen = self.locked();
        let key = jose::sha256(name);
        if seen.get(&key).is_some_and(|latest| found.is_older_than(latest)) {
            return;
        }
        if seen.len() >= MOST {
            seen.clear();
        }
        seen.insert(key, found);
    }
}
