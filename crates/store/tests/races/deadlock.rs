//! Rotations that share a transaction on PostgreSQL lock the grants of people in the order in which they came. Somebody else may
//! lock the same in another one.

use std::sync::Arc;
use std::time::Duration;

use ayb_provider::grant::Issuance;
use ayb_provider::grant::refresh::{FoundRefresh, Rotation};
use ayb_store::db::{Db, Engine};
use ayb_store::error::StoreError;
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

use super::each_pair;
use crate::sample::{World, after, fresh};

/// What a revocation does first.
const LOCK: &str = "select pg_advisory_xact_lock(uuid_hash_extended($1, 0))";

const WAITING: &str = "select count(*) from pg_locks where not granted and pid in
    (select pid from pg_stat_activity where datname = current_database())";

/// A transaction of somebody else.
struct Foreign {
    first: Uuid,
    then: Option<Uuid>,
    has_first: watch::Sender<bool>,
    goes_on: watch::Sender<bool>,
}

impl Foreign {
    fn new(first: &World, then: Option<&World>) -> Arc<Self> {
        let (has_first, goes_on) = (watch::Sender::new(false), watch::Sender::new(false));
        Arc::new(Self { first: first.user.id.0, then: then.map(|world| world.user.id.0), has_first, goes_on })
    }

    /// Locks the grants of the first, waits, and locks those of the other.
    async fn run(self: Arc<Self>, db: Db) -> Result<(), StoreError> {
        db.transaction("foreign", self, |tx, foreign| {
            Box::pin(async move {
                tx.execute(LOCK, &[foreign.first.into()]).await?;
                foreign.has_first.send_replace(true);
                foreign.goes_on.subscribe().wait_for(|goes_on| *goes_on).await.unwrap();
                if let Some(then) = foreign.then {
                    tx.execute(LOCK, &[then.into()]).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

/// Until that many wait for a lock.
async fn waiting(db: &Db, count: i64) {
    let all = async { while db.one(WAITING, &[]).await.unwrap().unwrap().int(0).unwrap() < count {} };
    timeout(Duration::from_secs(10), all).await.unwrap();
}

/// Rotates, and says when the rule has decided: the write is queued right after.
async fn rotate(world: World, issuance: Issuance, decided: watch::Sender<bool>) -> Option<Rotation> {
    let refresh = issuance.refresh.as_ref().unwrap();
    let rule = world.rotation(refresh.hash, fresh(), after(1));
    let rule = move |found: Option<&FoundRefresh>| {
        decided.send_replace(true);
        rule(found)
    };
    world.store.rotate_refresh(refresh.id, &world.client, after(1), None, rule).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rotations_that_meet_somebody_who_locks_the_other_way_round_run_again() {
    each_pair(async |[here, there]| {
        let db = there.store.db();
        if db.engine() == Engine::Sqlite {
            return;
        }
        let mut people = Vec::new();
        for _ in 0..3 {
            let person = World::new(here.store.db().clone()).await;
            let issuance = person.granted().await.issuance;
            people.push((person, issuance));
        }
        // The first keeps the queue busy until the other two stand in it together.
        let foreign = [Foreign::new(&people[0].0, None), Foreign::new(&people[2].0, Some(&people[1].0))];
        let mut theirs = Vec::new();
        for transaction in &foreign {
            theirs.push(tokio::spawn(Arc::clone(transaction).run(db.clone())));
            transaction.has_first.subscribe().wait_for(|has| *has).await.unwrap();
        }
        let mut ours = Vec::new();
        for (count, (person, issuance)) in people.into_iter().enumerate() {
            let (decided, mut told) = watch::channel(false);
            ours.push(tokio::spawn(rotate(person, issuance, decided)));
            told.wait_for(|told| *told).await.unwrap();
            if count == 0 {
                waiting(db, 1).await;
            }
        }
        foreign[0].goes_on.send_replace(true);
        theirs.remove(0).await.unwrap().unwrap();
        waiting(db, 1).await;
        foreign[1].goes_on.send_replace(true);
        theirs.remove(0).await.unwrap().unwrap();
        for rotation in ours {
            assert!(matches!(rotation.await.unwrap(), Some(Rotation::Issue(_))));
        }
    })
    .await;
}
