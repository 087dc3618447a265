//! What leaves by itself, and what must not.

use ayb_protocol::ids::{GrantId, SessionId};
use ayb_protocol::scope::GrantedScope;
use ayb_protocol::tables::AllowedTables;
use ayb_protocol::time::Timestamp;
use ayb_provider::api_key::ApiKeyRecord;
use ayb_provider::grant::refresh::Rotation;
use ayb_provider::grant::{CodeRecord, TokenRecord};
use ayb_provider::policy::Policy;
use ayb_provider::session::SessionRecord;
use ayb_store::{LinkKind, LinkRecord, Page, Purged, SessionKind, Store, Sweep};

use crate::kit::each_migrated;
use crate::sample::{NOW, PASSWORD, World, after, api_key, fresh, hash, id, id_at, issued, session};

const DAY: u64 = 24 * 3600;

/// Purges until nothing is left to look at.
async fn purge(store: &Store, now: Timestamp, budget: u32) -> (Purged, u32) {
    let (mut sweep, mut total, mut calls) = (Sweep::default(), Purged::default(), 0);
    loop {
        let step = store.purge(now, budget, &mut sweep).await.unwrap();
        calls += 1;
        total.codes += step.codes;
        total.tokens += step.tokens;
        total.grants += step.grants;
        total.sessions += step.sessions;
        total.links += step.links;
        total.api_keys += step.api_keys;
        if !step.backlog {
            return (total, calls);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_before_it_has_been_dead_for_a_day_and_a_code_for_an_hour() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let answer = world.granted().await;
        world.code().await;
        world.store.end_session(world.session.id, SessionKind::Browser, NOW).await.unwrap();
        let codes_end = Policy::default().code.0 + 3600;
        let (purged, _) = purge(&world.store, after(codes_end), 100).await;
        assert_eq!(purged, Purged::default());
        let (purged, _) = purge(&world.store, after(codes_end + 1), 100).await;
        assert_eq!(purged, Purged { codes: 2, ..Purged::default() });
        let (purged, _) = purge(&world.store, after(DAY), 100).await;
        assert_eq!(purged, Purged::default());
        let (purged, _) = purge(&world.store, after(DAY + 1), 100).await;
        assert_eq!(purged, Purged { sessions: 1, ..Purged::default() });
        assert!(world.store.access(answer.issuance.access.id).await.unwrap().is_some());
        let (purged, _) = purge(&world.store, after(DAY + 3601), 100).await;
        assert_eq!(purged, Purged { tokens: 1, ..Purged::default() });
        assert!(world.store.peek_refresh(answer.issuance.refresh.unwrap().id).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_leaves_after_its_last_token() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let (killed, kept) = (world.granted().await, world.granted().await);
        world.revoke(killed.issuance.refresh.unwrap().id, after(1)).await;
        let (purged, _) = purge(&world.store, after(DAY + 2), 100).await;
        assert_eq!((purged.tokens, purged.grants), (2, 1));
        assert!(world.store.peek_refresh(kept.issuance.refresh.unwrap().id).await.unwrap().is_some());
        let (purged, _) = purge(&world.store, after(40 * DAY), 100).await;
        assert_eq!((purged.tokens, purged.grants), (2, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_second_use_of_a_refresh_token_is_still_noticed() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let stolen = world.granted().await;
        let thief = issued(world.refresh(&stolen.issuance, fresh(), after(5)).await);
        purge(&world.store, after(7 * DAY), 100).await;
        let owner = world.refresh(&stolen.issuance, fresh(), after(7 * DAY)).await;
        assert_eq!(owner, Rotation::Replay { revoke: stolen.grant.id });
        assert!(matches!(world.refresh(&thief, fresh(), after(7 * DAY)).await, Rotation::Refuse(_)));
    })
    .await;
}

fn old_token(world: &World) -> TokenRecord<ayb_protocol::secret::Access> {
    TokenRecord {
        id: id(),
        hash: hash(),
        client_id: world.client.client_id.clone(),
        user_id: None,
        scope: GrantedScope::from_stored("readonly").unwrap(),
        tables: AllowedTables::All,
        grant_id: GrantId(id()),
        expires_at: after(60),
        revoked_at: None,
        created_at: NOW,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_bounded_and_go_round() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        for _ in 0..10 {
            world.store.issue_access(&old_token(&world), &world.client).await.unwrap();
        }
        let later = after(2 * DAY);
        let young = TokenRecord { id: id_at(later), expires_at: after(3 * DAY), ..old_token(&world) };
        world.store.issue_access(&young, &world.client).await.unwrap();
        let mut sweep = Sweep::default();
        let first = world.store.purge(later, 4, &mut sweep).await.unwrap();
        assert!(first.tokens == 4 && first.backlog, "{first:?}");
        let second = world.store.purge(later, 4, &mut sweep).await.unwrap();
        assert!(second.tokens == 4 && second.backlog, "{second:?}");
        let third = world.store.purge(later, 4, &mut sweep).await.unwrap();
        assert!(third.tokens == 2 && !third.backlog, "{third:?}");
        assert_eq!(sweep, Sweep::default());
        assert!(world.store.access(young.id).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_leave_while_the_walk_over_tokens_goes_on() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let later = after(2 * DAY);
        for _ in 0..10 {
            let living = TokenRecord { expires_at: after(3 * DAY), ..old_token(&world) };
            world.store.issue_access(&living, &world.client).await.unwrap();
        }
        world.code().await;
        let mut sweep = Sweep::default();
        world.store.purge(later, 2, &mut sweep).await.unwrap();
        for call in 0..4 {
            let code = CodeRecord { session_id: None, ..world.new_code() };
            assert!(world.store.insert_code(&code, &world.client).await.unwrap());
            let step = world.store.purge(later, 2, &mut sweep).await.unwrap();
            assert!(step.codes == 1 && step.tokens == 0 && step.backlog, "call {call}: {step:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_and_links_leave_too() {
    each_migrated(async |db| {
        let world = World::new(db.clone()).await;
        let expired = SessionRecord { id: SessionId(id()), expires_at: after(5), ..session(world.user.id) };
        assert!(world.store.insert_browser_session(&expired, PASSWORD).await.unwrap());
        let link = LinkRecord {
            id: id(),
            kind: LinkKind::Verify,
            hash: hash(),
            user_id: world.user.id,
            email: world.user.email.clone(),
            expires_at: after(5),
            used_at: None,
            created_at: NOW,
        };
        world.store.insert_link(&link).await.unwrap();
        let (purged, _) = purge(&world.store, after(DAY + 10), 100).await;
        assert_eq!(purged, Purged { sessions: 1, links: 1, ..Purged::default() });
        assert!(world.store.browser_session(expired.id).await.unwrap().is_none());
        assert!(world.store.browser_session(world.session.id).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_leaves_a_day_after_it_died() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let store = &world.store;
        let revoked = ApiKeyRecord { app_id: Some(world.app.id), ..api_key(world.user.id) };
        let expired = ApiKeyRecord { expires_at: Some(after(10)), ..api_key(world.user.id) };
        let lives = ApiKeyRecord { expires_at: Some(after(9 * DAY)), ..api_key(world.user.id) };
        for key in [&revoked, &expired, &lives, &api_key(world.user.id)] {
            store.insert_api_key(key, 10).await.unwrap();
        }
        store.revoke_api_key(revoked.id, None, NOW).await.unwrap();
        let (purged, _) = purge(store, after(DAY), 100).await;
        assert_eq!(purged.api_keys, 0);
        let (purged, _) = purge(store, after(DAY + 1), 100).await;
        assert_eq!(purged.api_keys, 1);
        assert!(store.api_key(expired.hash).await.unwrap().is_some());
        let (purged, _) = purge(store, after(DAY + 11), 1).await;
        assert_eq!(purged.api_keys, 1);
        assert!(store.api_key(lives.hash).await.unwrap().is_some());
        assert_eq!(store.list_api_keys(Page { number: 1, per_page: 10 }).await.unwrap().1, 2);
    })
    .await;
}
