//! API keys.

use ayb_protocol::ids::{ApiKeyId, AppId, UserId};
use ayb_protocol::scope::ResourceScope;
use ayb_provider::api_key::ApiKeyRecord;
use ayb_provider::app::RateLimit;
use ayb_store::error::StoreError;
use ayb_store::{DeletedApp, KeyInsertion, NewPassword, Page};

use crate::kit::each_migrated;
use crate::sample::{NOW, World, after, api_key, hash, id, tables, user};

const FIRST: Page = Page { number: 1, per_page: 20 };
const MOST: u32 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_found_by_its_hash_with_its_owner_and_what_its_app_says() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let bare = api_key(world.user.id);
        let of_app = ApiKeyRecord {
            scope: ResourceScope::Readonly,
            tables: tables(&["notes", "tags"]),
            app_id: Some(world.app.id),
            expires_at: Some(after(60)),
            ..api_key(world.user.id)
        };
        let of_nobody = (RateLimit::default(), vec![]);
        let of_the_app = (world.app.rate_limit, world.app.allowed_origins.clone());
        for (key, from_app) in [(bare, of_nobody), (of_app, of_the_app)] {
            assert_eq!(world.store.insert_api_key(&key, MOST).await, Ok(KeyInsertion::Inserted));
            let found = world.store.api_key(key.hash).await.unwrap().unwrap();
            assert_eq!(found.key, key);
            assert_eq!((found.user_email, found.user_active), (world.user.email.clone(), true));
            assert_eq!((found.rate_limit, found.app_allowed_origins), from_app);
        }
        assert!(world.store.api_key(hash()).await.unwrap().is_none());
        world.store.set_user_disabled(world.user.id, Some(NOW), NOW).await.unwrap();
        for key in world.store.list_api_keys(FIRST).await.unwrap().0 {
            assert!(!world.store.api_key(key.hash).await.unwrap().unwrap().user_active);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_pages_and_show_the_newest_first() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let other = user();
        world.store.insert_user(&other).await.unwrap();
        let keys = [api_key(world.user.id), api_key(other.id), api_key(world.user.id)];
        for key in &keys {
            world.store.insert_api_key(key, MOST).await.unwrap();
        }
        let [first, second, third] = keys;
        let second_page = Page { number: 2, per_page: 2 };
        assert_eq!(world.store.list_api_keys(second_page).await.unwrap(), (vec![first.clone()], 3));
        let own = world.store.list_api_keys_of(world.user.id, FIRST).await.unwrap();
        assert_eq!(own, (vec![third, first], 2));
        assert_eq!(world.store.list_api_keys_of(other.id, FIRST).await.unwrap(), (vec![second], 1));
        assert_eq!(world.store.list_api_keys_of(UserId(id()), FIRST).await.unwrap(), (vec![], 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_revoked_once_and_only_by_its_owner_or_without_one() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let (store, stranger) = (&world.store, user());
        store.insert_user(&stranger).await.unwrap();
        let (key, other) = (api_key(world.user.id), api_key(world.user.id));
        for key in [&key, &other] {
            store.insert_api_key(key, MOST).await.unwrap();
        }
        let revoked =
            async |key: &ApiKeyRecord| store.api_key(key.hash).await.unwrap().unwrap().key.revoked_at;
        assert_eq!(store.revoke_api_key(key.id, Some(stranger.id), after(1)).await, Ok(false));
        assert_eq!(store.revoke_api_key(ApiKeyId(id()), None, after(1)).await, Ok(false));
        assert_eq!(revoked(&key).await, None);
        assert_eq!(store.revoke_api_key(key.id, Some(world.user.id), after(2)).await, Ok(true));
        assert_eq!(store.revoke_api_key(key.id, None, after(3)).await, Ok(false));
        assert_eq!((revoked(&key).await, revoked(&other).await), (Some(after(2)), None));
        assert_eq!(store.revoke_api_key(other.id, None, after(4)).await, Ok(true));
        assert_eq!(revoked(&other).await, Some(after(4)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_has_more_keys_than_they_may_and_each_key_has_an_owner() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let (store, other) = (&world.store, user());
        store.insert_user(&other).await.unwrap();
        for outcome in [KeyInsertion::Inserted, KeyInsertion::Inserted, KeyInsertion::TooMany] {
            assert_eq!(store.insert_api_key(&api_key(world.user.id), 2).await, Ok(outcome));
        }
        assert_eq!(store.insert_api_key(&api_key(other.id), 2).await, Ok(KeyInsertion::Inserted));
        let orphans =
            [api_key(UserId(id())), ApiKeyRecord { app_id: Some(AppId(id())), ..api_key(other.id) }];
        for orphan in orphans {
            assert_eq!(store.insert_api_key(&orphan, 2).await, Err(StoreError::ForeignKey));
        }
        let twice =
            ApiKeyRecord { hash: store.list_api_keys(FIRST).await.unwrap().0[0].hash, ..api_key(other.id) };
        assert!(matches!(store.insert_api_key(&twice, 9).await, Err(StoreError::Duplicate { .. })));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_of_many_keys_is_noted_and_never_goes_back() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let mut keys = Vec::new();
        for _ in 0..130 {
            let key = api_key(world.user.id);
            world.store.insert_api_key(&key, u32::MAX >> 1).await.unwrap();
            keys.push(key);
        }
        let (used, unused) = keys.split_at(129);
        let ids: Vec<ApiKeyId> = used.iter().map(|key| key.id).collect();
        world.store.mark_api_keys_used(&ids, after(9)).await.unwrap();
        world.store.mark_api_keys_used(&ids[..1], after(8)).await.unwrap();
        world.store.mark_api_keys_used(&[], after(10)).await.unwrap();
        for (keys, expected) in [(used, Some(after(9))), (unused, None)] {
            for key in keys {
                let found = world.store.api_key(key.hash).await.unwrap().unwrap();
                assert_eq!(found.key.last_used_at, expected);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_with_a_key_stays() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let (store, app) = (&world.store, crate::sample::app());
        store.insert_app(&app).await.unwrap();
        let key = ApiKeyRecord { app_id: Some(app.id), ..api_key(world.user.id) };
        store.insert_api_key(&key, MOST).await.unwrap();
        let in_use = DeletedApp::InUse { clients: 0, api_keys: 1 };
        assert_eq!(store.delete_app(app.id).await, Ok(in_use));
        store.revoke_api_key(key.id, None, NOW).await.unwrap();
        assert_eq!(store.delete_app(app.id).await, Ok(in_use));
        store.delete_user(world.user.id).await.unwrap();
        assert_eq!(store.delete_app(app.id).await, Ok(DeletedApp::Deleted));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_revokes_keys_where_it_revokes_grants() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let (store, other) = (&world.store, user());
        store.insert_user(&other).await.unwrap();
        let (own, foreign) = (api_key(world.user.id), api_key(other.id));
        for key in [&own, &foreign] {
            store.insert_api_key(key, MOST).await.unwrap();
        }
        for (revoke_grants, expected) in [(false, None), (true, Some(after(2)))] {
            let new = NewPassword { hash: "$argon2id$new".to_owned(), keep: None, revoke_grants };
            store.set_password_hash(world.user.id, new, after(2)).await.unwrap();
            assert_eq!(store.api_key(own.hash).await.unwrap().unwrap().key.revoked_at, expected);
        }
        assert_eq!(store.api_key(foreign.hash).await.unwrap().unwrap().key.revoked_at, None);
    })
    .await;
}
