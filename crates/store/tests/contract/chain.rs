//! The tokens of a grant are found from the head of their chain, however long the chain has become and whatever of it has
//! left.

use ayb_protocol::ids::GrantId;
use ayb_provider::client::ClientSettings;
use ayb_provider::grant::Issuance;
use ayb_store::db::Db;
use ayb_store::{RevocationReason, Sweep};

use crate::kit::each_migrated;
use crate::sample::{NOW, World, after, fresh, issued, settings};

const DAY: u64 = 24 * 3600;

const TOKENS: &str = "select count(*) from _ayb_oauth_tokens where grant_id = $1";
const HEADS: &str = "select count(*) from _ayb_oauth_tokens where grant_id = $1 and is_head";
const UNMARKED: &str = "select count(*) from _ayb_oauth_tokens where grant_id = $1 and revoked_at is null";

async fn count(db: &Db, sql: &'static str, grant: GrantId) -> i64 {
    db.one(sql, &[grant.0.into()]).await.unwrap().unwrap().int(0).unwrap()
}

/// Deletes whatever may leave on that day, in stretches of three rows. Grants may be walked before their last tokens are,
/// and leave in the second round.
async fn purge(world: &World, day: u64) {
    let mut sweep = Sweep::default();
    for _ in 0..2 {
        while world.store.purge(after(day * DAY), 3, &mut sweep).await.unwrap().backlog {}
    }
}

/// Rotates once a day, and purges, up to that day.
async fn refreshed_until(world: &World, first: Issuance, day: u64) -> Issuance {
    let mut newest = first;
    for today in 1..=day {
        newest = issued(world.refresh(&newest, fresh(), after(today * DAY)).await);
        purge(world, today).await;
    }
    newest
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_reaches_every_token_of_a_chain_whose_beginning_has_left() {
    each_migrated(async |db: Db| {
        for days in [0, 1, 5, 45] {
            let world = World::new(db.clone()).await;
            let answer = world.granted().await;
            let grant = answer.grant.id;
            let bystander = world.granted().await;
            let newest = refreshed_until(&world, answer.issuance, days).await;
            assert_eq!(count(&db, HEADS, grant).await, 1, "after {days} days");
            assert!(count(&db, UNMARKED, grant).await >= 2, "after {days} days");
            assert!(days < 45 || count(&db, TOKENS, grant).await < 40, "the beginning has left");
            let listed = world.store.list_grants(world.user.id, after(days * DAY)).await.unwrap();
            assert!(listed.iter().any(|listed| listed.id == grant), "after {days} days");

            let reason = RevocationReason::ByAdministrator;
            world.store.revoke_grant(grant, reason, after(days * DAY)).await.unwrap();
            assert_eq!(count(&db, UNMARKED, grant).await, 0, "after {days} days");
            assert!(!world.is_live(&newest.access, after(days * DAY)).await);
            if days < 30 {
                assert_ne!(count(&db, UNMARKED, bystander.grant.id).await, 0, "another grant");
            }

            purge(&world, days + 33).await;
            assert_eq!(count(&db, TOKENS, grant).await, 0, "after {days} days");
            let grants = "select count(*) from _ayb_oauth_grants where id = $1";
            assert_eq!(count(&db, grants, grant).await, 0, "after {days} days");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_stays_while_the_end_of_its_chain_is_there() {
    each_migrated(async |db: Db| {
        let world = World::new(db.clone()).await;
        let answer = world.granted().await;
        refreshed_until(&world, answer.issuance, 40).await;
        // Thirty days later the last token expires, and leaves a day after that.
        purge(&world, 70).await;
        assert_eq!(count(&db, HEADS, answer.grant.id).await, 1);
        assert_eq!(world.store.list_grants(world.user.id, after(69 * DAY)).await.unwrap().len(), 1);
        assert!(world.store.list_grants(world.user.id, after(71 * DAY)).await.unwrap().is_empty());
        purge(&world, 72).await;
        assert_eq!(count(&db, TOKENS, answer.grant.id).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_without_a_refresh_token_is_the_head() {
    each_migrated(async |db: Db| {
        let world = World::new(db.clone()).await;
        let changed = ClientSettings { refresh_tokens: false, ..settings() };
        world.store.update_client(&world.client.client_id, &changed, NOW).await.unwrap();
        let world = World { client: world.current_client().await, ..world };
        let answer = world.granted().await;
        assert!(answer.issuance.refresh.is_none());
        let listed = world.store.list_grants(world.user.id, NOW).await.unwrap();
        assert!(listed.iter().any(|listed| listed.id == answer.grant.id));
        world.store.revoke_grant(answer.grant.id, RevocationReason::ByClient, NOW).await.unwrap();
        assert_eq!(count(&db, UNMARKED, answer.grant.id).await, 0);
        assert!(world.store.list_grants(world.user.id, NOW).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_that_outlives_its_refresh_token_becomes_the_head() {
    each_migrated(async |db: Db| {
        let world = World::new(db.clone()).await;
        let answer = world.granted().await;
        let (grant, access) = (answer.grant.id, answer.issuance.access.id);
        let longer = "update _ayb_oauth_tokens set expires_at = $2 where id = $1";
        db.execute(longer, vec![access.into(), after(60 * DAY).into()]).await.unwrap();
        purge(&world, 40).await;
        assert_eq!((count(&db, TOKENS, grant).await, count(&db, HEADS, grant).await), (1, 1));
        assert!(world.is_live(&answer.issuance.access, after(40 * DAY)).await);
        world.store.revoke_grant(grant, RevocationReason::ByClient, after(40 * DAY)).await.unwrap();
        assert_eq!(count(&db, UNMARKED, grant).await, 0);
    })
    .await;
}
