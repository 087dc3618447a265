//! Access and refresh tokens.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Once};

use ayb_protocol::ids::GrantId;
use ayb_protocol::scope::GrantedScope;
use ayb_protocol::tables::AllowedTables;
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::client::ClientSettings;
use ayb_provider::grant::code::{FoundCode, Redemption};
use ayb_provider::grant::refresh::{FoundRefresh, Rotation};
use ayb_provider::grant::{CodeRecord, FreshPair, FreshToken, Issuance, TokenRecord};
use ayb_provider::revoke::Revocation;
use ayb_store::RevocationReason;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::kit::each_migrated;
use crate::sample::{NOW, World, after, fresh, hash, id, issued, settings, tables};

fn machine_token<K>(world: &World, tables: AllowedTables) -> TokenRecord<K> {
    TokenRecord {
        id: id(),
        hash: hash(),
        client_id: world.client.client_id.clone(),
        user_id: None,
        scope: GrantedScope::from_stored("readonly").unwrap(),
        tables,
        grant_id: GrantId(id()),
        expires_at: after(3600),
        revoked_at: None,
        created_at: NOW,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_token_is_read_back_with_what_decides_about_it() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        for token in [machine_token(&world, AllowedTables::All), machine_token(&world, tables(&["a", "b"]))] {
            assert!(world.store.issue_access(&token, &world.client).await.unwrap());
            let found = world.store.access(token.id).await.unwrap().unwrap();
            assert_eq!(found.token, token);
            assert!(
                !found.client_revoked && !found.grant_revoked && found.user_active && !found.record_first_use
            );
            assert_eq!((found.app_id, found.rate_limit), (world.app.id, world.app.rate_limit));
            assert_eq!(found.allowed_origins, world.client.settings.allowed_origins);
            assert_eq!(found.app_allowed_origins, world.app.allowed_origins);
        }
        assert!(world.store.access(id()).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_kills_a_token_is_seen_at_once() {
    each_migrated(async |db| {
        let world = World::new(db.clone()).await;
        let (store, issuance) = (&world.store, world.granted().await.issuance);
        let found = async || store.access(issuance.access.id).await.unwrap().unwrap();
        store.set_user_disabled(world.user.id, Some(NOW), NOW).await.unwrap();
        assert!(!found().await.user_active);
        store.set_user_disabled(world.user.id, None, NOW).await.unwrap();
        assert!(world.is_live(&issuance.access, NOW).await);
        store.revoke_client(&world.client.client_id, NOW).await.unwrap();
        assert!(found().await.client_revoked);
        db.execute("delete from _ayb_oauth_grants where id = $1", vec![issuance.access.grant_id.0.into()])
            .await
            .unwrap();
        assert!(found().await.grant_revoked, "a token whose grant is gone");
        assert!(
            store.access(issuance.refresh.unwrap().id).await.unwrap().is_none(),
            "a refresh token opens nothing"
        );
        assert!(
            store.peek_refresh(issuance.access.id).await.unwrap().is_none(),
            "an access token refreshes nothing"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_retires_the_token_and_names_its_successor() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let first = world.granted().await.issuance;
        let second = issued(world.refresh(&first, fresh(), after(5)).await);
        let old = world.store.peek_refresh(first.refresh.as_ref().unwrap().id).await.unwrap().unwrap();
        assert_eq!(old.token.revoked_at, Some(after(5)));
        let successor = old.successor.unwrap();
        assert_eq!(successor.refresh, second.refresh.as_ref().unwrap().id);
        assert_eq!(successor.access, second.access);
        assert!(successor.unused);
        assert!(world.is_live(&second.access, after(5)).await);
        let third = issued(world.refresh(&second, fresh(), after(6)).await);
        assert!(world.is_live(&third.access, after(6)).await);
        let old = world.store.peek_refresh(first.refresh.unwrap().id).await.unwrap().unwrap();
        assert!(!old.successor.unwrap().unused, "the successor was rotated itself");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_use_of_a_refresh_token_revokes_the_grant() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let first = world.granted().await;
        let second = issued(world.refresh(&first.issuance, fresh(), after(5)).await);
        let replay = world.refresh(&first.issuance, fresh(), after(36)).await;
        assert_eq!(replay, Rotation::Replay { revoke: first.grant.id });
        for token in [&first.issuance.access, &second.access] {
            assert!(!world.is_live(token, after(36)).await);
        }
        assert!(matches!(world.refresh(&second, fresh(), after(37)).await, Rotation::Refuse(_)));
    })
    .await;
}

/// The same rows once more, with another string for the access token.
fn again(issuance: &Issuance) -> FreshPair {
    let refresh = issuance.refresh.as_ref().unwrap();
    FreshPair {
        access: FreshToken { id: issuance.access.id, hash: hash() },
        refresh: FreshToken { id: refresh.id, hash: refresh.hash },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_repeated_while_nothing_of_it_was_used() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let first = world.granted().await.issuance;
        let second = issued(world.refresh(&first, fresh(), after(5)).await);
        assert_eq!(world.refresh(&first, fresh(), after(6)).await, Rotation::Again);
        let Rotation::Repeat(repeat) = world.refresh(&first, again(&second), after(7)).await else {
            panic!("not repeated")
        };
        assert!(world.is_live(&repeat.access, after(7)).await);
        assert!(!world.is_live(&second.access, after(7)).await, "the lost string is worth nothing any more");
        let record =
            async |hash| world.store.record_first_use(second.access.id, hash, after(8)).await.unwrap();
        assert!(!record(&second.access.hash).await);
        assert!(world.store.access(second.access.id).await.unwrap().unwrap().record_first_use);
        assert!(record(&repeat.access.hash).await && record(&repeat.access.hash).await);
        assert!(!world.store.access(second.access.id).await.unwrap().unwrap().record_first_use);
        let third = world.refresh(&first, again(&second), after(9)).await;
        assert!(matches!(third, Rotation::Replay { .. }), "{third:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_access_token_or_a_changed_client_proves_nothing() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let unused = async |issuance: &Issuance| {
            let id = issuance.refresh.as_ref().unwrap().id;
            world.store.peek_refresh(id).await.unwrap().unwrap().successor.unwrap().unused
        };
        let first = world.granted().await.issuance;
        let second = issued(world.refresh(&first, fresh(), after(5)).await);
        assert!(unused(&first).await);
        world.revoke(second.access.id, after(6)).await;
        assert!(!unused(&first).await, "its access token was revoked");

        let first = world.granted().await.issuance;
        issued(world.refresh(&first, fresh(), after(5)).await);
        assert!(unused(&first).await);
        let changed = ClientSettings { refresh_grace: Seconds(60), ..settings() };
        world.store.update_client(&world.client.client_id, &changed, after(6)).await.unwrap();
        assert!(!unused(&first).await, "uses may not have been recorded before the change");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn first_uses_are_recorded_only_where_somebody_asks_for_them() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let strict = ClientSettings { refresh_grace: Seconds(0), ..settings() };
        world.store.update_client(&world.client.client_id, &strict, NOW).await.unwrap();
        let access = world.granted().await.issuance.access;
        assert!(!world.store.access(access.id).await.unwrap().unwrap().record_first_use);
    })
    .await;
}

async fn revoked_at(world: &World, id: uuid::Uuid) -> Option<Timestamp> {
    world.store.access(id).await.unwrap().unwrap().token.revoked_at
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_is_revoked_alone_and_a_refresh_token_with_its_grant() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let machine = machine_token(&world, AllowedTables::All);
        assert!(world.store.issue_access(&machine, &world.client).await.unwrap());
        assert_eq!(world.revoke(machine.id, after(1)).await, Revocation::Token(machine.id));
        world.revoke(machine.id, after(2)).await;
        assert_eq!(revoked_at(&world, machine.id).await, Some(after(1)), "the first time counts");

        let first = world.granted().await;
        world.revoke(first.issuance.access.id, after(1)).await;
        assert!(!world.is_live(&first.issuance.access, after(1)).await);
        let second = issued(world.refresh(&first.issuance, fresh(), after(2)).await);
        let refresh = second.refresh.as_ref().unwrap();
        assert_eq!(world.revoke(refresh.id, after(3)).await, Revocation::Grant(first.grant.id));
        assert!(!world.is_live(&second.access, after(3)).await);
        assert_eq!(revoked_at(&world, second.access.id).await, Some(after(3)));
        assert!(matches!(world.refresh(&second, fresh(), after(4)).await, Rotation::Refuse(_)));
        assert_eq!(world.revoke(id(), NOW).await, Revocation::Nothing);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_changed_since_it_was_read_gets_nothing_and_spends_nothing() {
    each_migrated(async |db| {
        let world = World::new(db.clone()).await;
        let (store, id) = (&world.store, &world.client.client_id);
        let seen = store.load_client(id).await.unwrap().unwrap();
        let (code, held) = (world.code().await, world.granted().await);
        let refresh = held.issuance.refresh.as_ref().unwrap();
        let behind_our_back = "update _ayb_oauth_clients set revoked_at = $1, version = 1";
        for by_our_own_means in [true, false] {
            if by_our_own_means {
                store.update_client(id, &settings(), NOW).await.unwrap();
            } else {
                db.execute(behind_our_back, vec![NOW.into()]).await.unwrap();
            }
            let machine = machine_token(&world, AllowedTables::All);
            assert!(!store.issue_access(&machine, &seen).await.unwrap());
            for session_id in [Some(world.session.id), None] {
                let second = CodeRecord { session_id, ..world.new_code() };
                assert!(!store.insert_code(&second, &seen).await.unwrap());
            }
            assert!(store.access(machine.id).await.unwrap().is_none());
            let found_code = store.peek_code(code.id).await.unwrap();
            for found in [None, found_code] {
                let rule = world.redemption(&code, NOW);
                assert_eq!(store.redeem_code(code.id, &seen, NOW, found, rule).await.unwrap(), None);
            }
            let found_refresh = store.peek_refresh(refresh.id).await.unwrap();
            for found in [None, found_refresh] {
                let rule = world.rotation(refresh.hash, fresh(), NOW);
                assert_eq!(store.rotate_refresh(refresh.id, &seen, NOW, found, rule).await.unwrap(), None);
            }
            assert_eq!(store.recall_client(id), None, "what is out of date is not remembered");
        }
        assert_eq!(store.peek_code(code.id).await.unwrap().unwrap().code.used_at, None);
        assert_eq!(store.peek_refresh(refresh.id).await.unwrap().unwrap().token.revoked_at, None);
    })
    .await;
}

/// Who decides on what was read without a lock must notice, when writing, what changed since. On PostgreSQL that is always
/// so, on SQLite when the caller has looked before.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_disabled_between_the_look_and_the_write_gets_nothing() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let (store, user) = (&world.store, world.user.id);
        let (code, held) = (world.code().await, world.granted().await);
        let refresh = held.issuance.refresh.as_ref().unwrap();
        let disable = || {
            let (store, handle, once) = (store.clone(), Handle::current(), Once::new());
            move || {
                once.call_once(|| {
                    block_in_place(|| handle.block_on(store.set_user_disabled(user, Some(NOW), NOW)))
                        .unwrap();
                });
            }
        };
        let (disabled, rule) = (disable(), world.redemption(&code, NOW));
        let rule = move |found: Option<&FoundCode>| {
            let decision = rule(found);
            disabled();
            decision
        };
        let seen = store.peek_code(code.id).await.unwrap();
        let redeemed = store.redeem_code(code.id, &world.client, NOW, seen, rule).await.unwrap();
        assert!(matches!(redeemed, Some(Redemption::Refuse(_))), "{redeemed:?}");
        store.set_user_disabled(user, None, NOW).await.unwrap();
        let (disabled, rule) = (disable(), world.rotation(refresh.hash, fresh(), NOW));
        let rule = move |found: Option<&FoundRefresh>| {
            let decision = rule(found);
            disabled();
            decision
        };
        let seen = store.peek_refresh(refresh.id).await.unwrap();
        let rotated = store.rotate_refresh(refresh.id, &world.client, NOW, seen, rule).await.unwrap();
        assert!(matches!(rotated, Some(Rotation::Refuse(_))), "{rotated:?}");
        assert_eq!(store.peek_code(code.id).await.unwrap().unwrap().code.used_at, None);
        assert_eq!(store.peek_refresh(refresh.id).await.unwrap().unwrap().token.revoked_at, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_seen_before_somebody_else_used_it_is_used_once() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let (store, client) = (&world.store, &world.client);
        let code = world.code().await;
        let seen = store.peek_code(code.id).await.unwrap();
        let redeem = async || {
            let rule = world.redemption(&code, NOW);
            store.redeem_code(code.id, client, NOW, seen.clone(), rule).await.unwrap().unwrap()
        };
        let Redemption::Issue(first) = redeem().await else { panic!("refused") };
        assert!(matches!(redeem().await, Redemption::Replay { revoke } if revoke == first.grant.id));

        let held = world.granted().await;
        let refresh = held.issuance.refresh.as_ref().unwrap();
        let seen = store.peek_refresh(refresh.id).await.unwrap();
        let rotate = async |now| {
            let rule = world.rotation(refresh.hash, fresh(), now);
            store.rotate_refresh(refresh.id, client, now, seen.clone(), rule).await.unwrap().unwrap()
        };
        let second = issued(rotate(NOW).await);
        assert!(world.is_live(&second.access, NOW).await);
        let late = after(120);
        assert!(matches!(rotate(late).await, Rotation::Replay { revoke } if revoke == held.grant.id));
        assert!(!world.is_live(&second.access, late).await);

        let held = world.granted().await;
        let refresh = held.issuance.refresh.as_ref().unwrap();
        let seen = store.peek_refresh(refresh.id).await.unwrap();
        store.revoke_grant(held.grant.id, RevocationReason::ByAdministrator, NOW).await.unwrap();
        let rule = world.rotation(refresh.hash, fresh(), NOW);
        let late = store.rotate_refresh(refresh.id, client, NOW, seen, rule).await.unwrap();
        assert!(matches!(late, Some(Rotation::Refuse(_))), "{late:?}");

        let held = world.granted().await;
        let refresh = held.issuance.refresh.as_ref().unwrap();
        let seen = store.peek_refresh(refresh.id).await.unwrap();
        let mark = "update _ayb_oauth_grants set revoked_at = $1 where id = $2";
        store.db().execute(mark, vec![NOW.into(), held.grant.id.into()]).await.unwrap();
        let rule = world.rotation(refresh.hash, fresh(), NOW);
        let late = store.rotate_refresh(refresh.id, client, NOW, seen, rule).await.unwrap();
        assert!(matches!(late, Some(Rotation::Refuse(_))), "the mark of the grant alone is enough: {late:?}");
    })
    .await;
}

/// Where the caller has looked, the rule decides once, on what was seen, and the write only confirms.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_seen_is_not_decided_on_again_when_nothing_changed() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let (store, client) = (&world.store, &world.client);
        let code = world.code().await;
        let decided = Arc::new(AtomicU32::new(0));
        let (rule, count) = (world.redemption(&code, NOW), decided.clone());
        let rule = move |found: Option<&FoundCode>| {
            count.fetch_add(1, Ordering::Relaxed);
            rule(found)
        };
        let seen = store.peek_code(code.id).await.unwrap();
        let redeemed = store.redeem_code(code.id, client, NOW, seen, rule).await.unwrap().unwrap();
        let Redemption::Issue(answer) = redeemed else { panic!("{redeemed:?}") };
        assert_eq!(decided.load(Ordering::Relaxed), 1);
        let refresh = answer.issuance.refresh.as_ref().unwrap();
        let (rule, count) = (world.rotation(refresh.hash, fresh(), NOW), decided.clone());
        let rule = move |found: Option<&FoundRefresh>| {
            count.fetch_add(1, Ordering::Relaxed);
            rule(found)
        };
        let seen = store.peek_refresh(refresh.id).await.unwrap();
        let rotated = store.rotate_refresh(refresh.id, client, NOW, seen, rule).await.unwrap().unwrap();
        assert!(world.is_live(&issued(rotated).access, NOW).await);
        assert_eq!(decided.load(Ordering::Relaxed), 2);
    })
    .await;
}
