//! Clients and their statistics.

use ayb_protocol::ids::AppId;
use ayb_protocol::scope::RegisteredScopes;
use ayb_protocol::time::Seconds;
use ayb_provider::app::AppRecord;
use ayb_provider::client::{
    ClientKind, ClientRecord, ClientSettings, PreviousSecret, SigningAlg, TokenFormat,
};
use ayb_store::{ClientStats, ClientUpdate, Page, SecretReplacement, Store};

use crate::kit::each_migrated;
use crate::sample::{NOW, World, after, app, client, client_id, fresh, hash, id, issued, settings};

const FIRST: Page = Page { number: 1, per_page: 20 };

fn confidential(app: AppId) -> ClientRecord {
    let bare = ClientSettings {
        allowed_origins: vec![],
        post_logout_redirect_uris: vec![],
        token_format: TokenFormat::Opaque,
        signing_alg: SigningAlg::ES256,
        audience: None,
        refresh_tokens: false,
        refresh_grace: Seconds(0),
        ..settings()
    };
    ClientRecord { kind: ClientKind::confidential(hash()), settings: bare, ..client(app) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_read_back_as_written() {
    each_migrated(async |db| {
        let (store, app) = (Store::new(db), app());
        store.insert_app(&app).await.unwrap();
        let revoked = ClientRecord { revoked_at: Some(after(3)), ..client(app.id) };
        for record in [client(app.id), confidential(app.id), revoked] {
            store.insert_client(&record).await.unwrap();
            assert_eq!(store.client(&record.client_id).await.unwrap(), Some(record));
        }
        assert_eq!(store.client(&client_id()).await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_origins_of_an_app_and_nothing_else_of_it_outdate_its_clients() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let (store, elsewhere) = (&world.store, client(world.app.id));
        let stranger = app();
        store.insert_app(&stranger).await.unwrap();
        let elsewhere = ClientRecord { app_id: stranger.id, ..elsewhere };
        store.insert_client(&elsewhere).await.unwrap();
        let renamed = AppRecord { name: "Diary".to_owned(), ..world.app.clone() };
        assert!(store.update_app(&renamed).await.unwrap());
        assert_eq!(world.current_client().await, world.client);
        let allowed_origins = vec!["https://diary.example".to_owned()];
        let moved = AppRecord { allowed_origins: allowed_origins.clone(), ..renamed };
        assert!(store.update_app(&moved).await.unwrap());
        let expected = ClientRecord {
            version: world.client.version + 1,
            app_allowed_origins: allowed_origins,
            ..world.client.clone()
        };
        assert_eq!(world.current_client().await, expected);
        assert_eq!(store.client(&elsewhere.client_id).await.unwrap(), Some(elsewhere));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_change_until_a_client_is_revoked() {
    each_migrated(async |db| {
        let (store, app) = (Store::new(db), app());
        store.insert_app(&app).await.unwrap();
        let (record, id) = (confidential(app.id), client_id());
        store.insert_client(&record).await.unwrap();
        let changed = ClientSettings {
            name: "Renamed".to_owned(),
            scopes: RegisteredScopes::parse(&["readonly"]).unwrap(),
            ..settings()
        };
        assert_eq!(store.update_client(&id, &changed, after(1)).await.unwrap(), ClientUpdate::NotFound);
        assert_eq!(
            store.update_client(&record.client_id, &changed, after(1)).await.unwrap(),
            ClientUpdate::Updated
        );
        let expected =
            ClientRecord { settings: changed.clone(), updated_at: after(1), version: 2, ..record.clone() };
        assert_eq!(store.client(&record.client_id).await.unwrap(), Some(expected));
        assert!(store.revoke_client(&record.client_id, after(2)).await.unwrap());
        assert!(!store.revoke_client(&record.client_id, after(3)).await.unwrap());
        assert!(!store.revoke_client(&id, after(3)).await.unwrap());
        assert_eq!(store.client(&record.client_id).await.unwrap().unwrap().revoked_at, Some(after(2)));
        assert_eq!(
            store.update_client(&record.client_id, &changed, after(4)).await.unwrap(),
            ClientUpdate::Revoked
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_living_confidential_client_gets_another_secret() {
    each_migrated(async |db| {
        let (store, app) = (Store::new(db), app());
        store.insert_app(&app).await.unwrap();
        let (secretive, public) = (confidential(app.id), client(app.id));
        store.insert_client(&secretive).await.unwrap();
        store.insert_client(&public).await.unwrap();
        let (secret, unknown) = (hash(), client_id());
        let replace = async |id| store.replace_client_secret(id, secret, None, after(1)).await.unwrap();
        assert_eq!(replace(&secretive.client_id).await, SecretReplacement::Replaced);
        let stored = store.client(&secretive.client_id).await.unwrap().unwrap();
        assert_eq!((stored.kind, stored.updated_at), (ClientKind::confidential(secret), after(1)));
        let overlap =
            |secret| store.replace_client_secret(&secretive.client_id, secret, Some(after(60)), after(1));
        let (second, third) = (hash(), hash());
        for (new, before) in [(second, secret), (third, second)] {
            assert_eq!(overlap(new).await.unwrap(), SecretReplacement::Replaced);
            let stored = store.client(&secretive.client_id).await.unwrap().unwrap();
            let previous = Some(PreviousSecret { hash: before, expires_at: after(60) });
            assert_eq!(stored.kind, ClientKind::Confidential { secret: new, previous });
        }
        assert_eq!(replace(&secretive.client_id).await, SecretReplacement::Replaced);
        let stored = store.client(&secretive.client_id).await.unwrap().unwrap();
        assert_eq!(stored.kind, ClientKind::confidential(secret), "no other secret is left");
        assert_eq!(replace(&public.client_id).await, SecretReplacement::Public);
        assert_eq!(replace(&unknown).await, SecretReplacement::NotFound);
        store.revoke_client(&secretive.client_id, after(2)).await.unwrap();
        assert_eq!(replace(&secretive.client_id).await, SecretReplacement::Revoked);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_count_what_is_alive() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let (store, id) = (&world.store, &world.client.client_id);
        let none = store.client_with_stats(id, NOW).await.unwrap().unwrap().1;
        assert_eq!(none, ClientStats::default());
        let first = world.granted().await;
        world.granted().await;
        let second = issued(world.refresh(&first.issuance, fresh(), after(5)).await);
        world.revoke(second.access.id, after(6)).await;
        let stats = ClientStats {
            active_access_tokens: 2,
            active_refresh_tokens: 2,
            total_grants: 2,
            last_token_issued_at: Some(after(5)),
        };
        let (record, found) = store.client_with_stats(id, after(6)).await.unwrap().unwrap();
        assert_eq!((record, found), (world.client.clone(), stats));
        let later = store.client_with_stats(id, after(3600)).await.unwrap().unwrap().1;
        assert_eq!((later.active_access_tokens, later.active_refresh_tokens), (0, 2));
        store.revoke_client(id, after(7)).await.unwrap();
        let dead = ClientStats { active_access_tokens: 0, active_refresh_tokens: 0, ..stats };
        assert_eq!(store.client_with_stats(id, after(7)).await.unwrap().unwrap().1, dead);
        assert_eq!(store.client_with_stats(&client_id(), NOW).await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_listed_by_app() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let (store, other) = (&world.store, app());
        store.insert_app(&other).await.unwrap();
        let theirs = client(other.id);
        store.insert_client(&theirs).await.unwrap();
        let names = async |page, app| {
            let (clients, total) = store.list_clients(page, app, NOW).await.unwrap();
            (clients.into_iter().map(|(client, _)| client.client_id).collect::<Vec<_>>(), total)
        };
        let (ours, theirs) = (world.client.client_id.clone(), theirs.client_id);
        assert_eq!(names(FIRST, None).await, (vec![theirs.clone(), ours.clone()], 2));
        assert_eq!(names(FIRST, Some(other.id)).await, (vec![theirs], 1));
        assert_eq!(names(Page { number: 2, per_page: 1 }, None).await, (vec![ours], 2));
        assert_eq!(names(FIRST, Some(AppId(id()))).await, (vec![], 0));
    })
    .await;
}
