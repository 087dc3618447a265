//! The tokens of a grant are found from the head of their chain, however long the chain has become and whatever of it has
//! left.

use ayb_protocol::ids::GrantId;
use ayb_provider::client::ClientSettings;
use ayb_provider::grant::Issuance;
use ayb_store::db::{Db, Engine};
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
        let listed =
            async |day| world.store.list_grants(world.user.id, after(day * DAY)).await.unwrap().len();
        assert_eq!(listed(35).await, 1, "the refresh token has expired");
        purge(&world, 40).await;
        assert_eq!((count(&db, TOKENS, grant).await, count(&db, HEADS, grant).await), (1, 1));
        assert!(world.is_live(&answer.issuance.access, after(40 * DAY)).await);
        assert_eq!(listed(40).await, 1);
        world.store.revoke_grant(grant, RevocationReason::ByClient, after(40 * DAY)).await.unwrap();
        assert_eq!(count(&db, UNMARKED, grant).await, 0);
    })
    .await;
}

/// Access tokens may be made to live longer than refresh tokens; then they outlive those that were rotated, too.
#[tokio::test(flavor = "multi_thread")]
async fn no_access_token_is_lost_when_the_rotated_token_beside_it_leaves() {
    each_migrated(async |db: Db| {
        for last in [32, 33, 34, 50] {
            let world = World::new(db.clone()).await;
            let answer = world.granted().await;
            let grant = answer.grant.id;
            refreshed_until(&world, answer.issuance.clone(), 1).await;
            let longer =
                "update _ayb_oauth_tokens set expires_at = $2 where grant_id = $1 and token_type = 'access'";
            db.execute(longer, vec![grant.0.into(), after(60 * DAY).into()]).await.unwrap();
            for day in 2..=last {
                purge(&world, day).await;
            }
            assert!(world.is_live(&answer.issuance.access, after(last * DAY)).await, "day {last}");
            let listed = world.store.list_grants(world.user.id, after(last * DAY)).await.unwrap();
            assert_eq!(listed.len(), 1, "day {last}");
            world.store.revoke_grant(grant, RevocationReason::ByClient, after(last * DAY)).await.unwrap();
            assert_eq!(count(&db, UNMARKED, grant).await, 0, "day {last}");
            purge(&world, last + 32).await;
            assert_eq!(count(&db, TOKENS, grant).await, 0, "day {last}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_of_revoking_marks_the_tokens_of_all_its_grants_and_of_no_other() {
    each_migrated(async |db: Db| {
        for way in 0..4 {
            let world = World::new(db.clone()).await;
            let bystander = World::new(db.clone()).await.granted().await;
            let grants = [world.granted().await, world.granted().await];
            for answer in &grants {
                refreshed_until(&world, answer.issuance.clone(), 2).await;
            }
            let (store, user, client) = (&world.store, world.user.id, &world.client.client_id);
            let (reason, now) = (RevocationReason::ByAdministrator, after(2 * DAY));
            match way {
                0 => {
                    for answer in &grants {
                        store.revoke_grant(answer.grant.id, reason, now).await.unwrap();
                    }
                }
                1 => store.revoke_grants_of_user(user, reason, now).await.unwrap(),
                2 => store.revoke_grants(user, client, reason, now).await.unwrap(),
                _ => {
                    store
                        .revoke_grants_of_session(user, client, world.session.id, reason, now)
                        .await
                        .unwrap();
                }
            }
            for answer in &grants {
                assert_eq!(count(&db, UNMARKED, answer.grant.id).await, 0, "way {way}");
            }
            assert_ne!(count(&db, UNMARKED, bystander.grant.id).await, 0, "way {way}");
        }
    })
    .await;
}

/// Whoever stole a refresh token can make a long chain. Links beyond what is followed have no mark, and are dead.
#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_any_length_is_revoked_at_once() {
    each_migrated(async |db: Db| {
        let world = World::new(db.clone()).await;
        let answer = world.granted().await;
        let grant = answer.grant.id;
        let newest = refreshed_until(&world, answer.issuance, 1).await;
        lengthen(&db, grant).await;
        let later = after(DAY + 60);
        assert_eq!(world.store.list_grants(world.user.id, later).await.unwrap().len(), 1);
        world.store.revoke_grant(grant, RevocationReason::ByClient, later).await.unwrap();
        assert_ne!(count(&db, UNMARKED, grant).await, 0, "the chain is longer than what is followed");
        assert!(!world.is_live(&newest.access, later).await);
        assert!(world.store.list_grants(world.user.id, later).await.unwrap().is_empty());
    })
    .await;
}

/// Puts 30,000 rotated links between the first refresh token of a grant and the second.
async fn lengthen(db: &Db, grant: GrantId) {
    const LINKS: i64 = 30_000;
    let (id, next) = match db.engine() {
        Engine::Sqlite => ("unhex(printf('%032x', n.i))", "unhex(printf('%032x', n.i + 1))"),
        Engine::Postgres => ("lpad(to_hex(n.i), 32, '0')::uuid", "lpad(to_hex(n.i + 1), 32, '0')::uuid"),
    };
    let insert = format!(
        "insert into _ayb_oauth_tokens (id, token_hash, token_type, client_id, user_id, scope, grant_id, expires_at,
         revoked_at, created_at, successor_id)
         select {id}, t.token_hash, 'refresh', t.client_id, t.user_id, t.scope, t.grant_id, t.expires_at, t.revoked_at,
         t.created_at, case when n.i = {LINKS} then t.successor_id else {next} end
         from _ayb_oauth_tokens t cross join
         (with recursive n (i) as (select 1 union all select i + 1 from n where i < {LINKS}) select i from n) n
         where t.grant_id = $1 and t.is_head"
    );
    db.execute(insert.leak(), vec![grant.0.into()]).await.unwrap();
    let first = format!(
        "update _ayb_oauth_tokens set successor_id = (select {id} from (select 1 as i) n) where grant_id = $1 and is_head"
    );
    db.execute(first.leak(), vec![grant.0.into()]).await.unwrap();
}
