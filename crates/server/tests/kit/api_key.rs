//! API keys, without a visit to the door that makes them.

use ayb_protocol::ids::ApiKeyId;
use ayb_protocol::scope::ResourceScope;
use ayb_protocol::tables::AllowedTables;
use ayb_provider::api_key::{ApiKeyRecord, prefix};
use ayb_store::KeyInsertion;

use super::app::TestApp;
use super::client::Person;

/// An API key and its text.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) id: ApiKeyId,
    pub(crate) text: String,
}

impl TestApp {
    /// A key of `person` for everything, without an end, changed by `change`.
    pub(crate) async fn api_key(&self, person: &Person, change: impl FnOnce(&mut ApiKeyRecord)) -> Key {
        let now = self.app.clock.now();
        let secret = self.app.mint.api_key().unwrap();
        let mut record = ApiKeyRecord {
            id: ApiKeyId(self.app.mint.uuid(now).unwrap()),
            hash: secret.hash(),
            prefix: prefix(&secret),
            user_id: person.id,
            name: "Nightly import".to_owned(),
            scope: ResourceScope::Full,
            tables: AllowedTables::All,
            app_id: None,
            created_at: now,
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
        };
        change(&mut record);
        let stored = self.app.store.insert_api_key(&record, 100).await.unwrap();
        assert_eq!(stored, KeyInsertion::Inserted);
        Key { id: record.id, text: secret.expose().to_owned() }
    }
}
