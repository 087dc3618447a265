//! Signing keys and settings.

use ayb_provider::client::SigningAlg;
use ayb_provider::keys::{KeyRecord, KeyState};
use ayb_store::Store;

use crate::kit::each_migrated;
use crate::sample::{NOW, after, key};

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_published_promoted_and_forgotten() {
    each_migrated(async |db| {
        let store = Store::new(db);
        let active = key(SigningAlg::EdDSA, KeyState::Active);
        let next = KeyRecord { created_at: after(1), ..key(SigningAlg::EdDSA, KeyState::Next) };
        let other = KeyRecord { created_at: after(2), ..key(SigningAlg::RS256, KeyState::Active) };
        let start = vec![active.clone(), next.clone(), other.clone()];
        let stored = store
            .change_keys({
                let start = start.clone();
                move |_| start.clone()
            })
            .await
            .unwrap();
        assert_eq!(stored, start);
        assert_eq!(store.list_keys().await.unwrap(), start);

        // The rule names the new active key before the one that makes room for it.
        let promote = |keys: &[KeyRecord]| {
            let next = KeyRecord { state: KeyState::Active, activated_at: Some(after(9)), ..keys[1].clone() };
            let old = KeyRecord {
                state: KeyState::Retired,
                retired_at: Some(after(9)),
                expires_at: Some(after(99)),
                ..keys[0].clone()
            };
            vec![next, old, keys[2].clone()]
        };
        store.change_keys(promote).await.unwrap();
        let keys = store.list_keys().await.unwrap();
        assert_eq!(
            keys.iter().map(|key| key.state).collect::<Vec<_>>(),
            [KeyState::Retired, KeyState::Active, KeyState::Active]
        );
        assert_eq!((keys[0].retired_at, keys[0].expires_at), (Some(after(9)), Some(after(99))));
        assert_eq!(keys[1].activated_at, Some(after(9)));

        store.change_keys(|keys| keys[1..].to_vec()).await.unwrap();
        assert_eq!(store.list_keys().await.unwrap(), keys[1..]);
        let unchanged = store.change_keys(<[KeyRecord]>::to_vec).await.unwrap();
        assert_eq!(unchanged, keys[1..]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_algorithm_has_one_active_key() {
    each_migrated(async |db| {
        let store = Store::new(db);
        let two = vec![key(SigningAlg::ES256, KeyState::Active), key(SigningAlg::ES256, KeyState::Active)];
        assert!(store.change_keys(move |_| two.clone()).await.is_err());
        assert_eq!(store.list_keys().await.unwrap(), vec![]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_is_kept() {
    each_migrated(async |db| {
        let store = Store::new(db);
        assert_eq!(store.setting("installation").await.unwrap(), None);
        assert_eq!(store.setting_or_insert("installation", "one", NOW).await.unwrap(), "one");
        assert_eq!(store.setting_or_insert("installation", "two", NOW).await.unwrap(), "one");
        store.put_setting("installation", "three", after(1)).await.unwrap();
        assert_eq!(store.setting("installation").await.unwrap().as_deref(), Some("three"));
        store.probe_write(NOW).await.unwrap();
        store.probe_write(after(1)).await.unwrap();
    })
    .await;
}
