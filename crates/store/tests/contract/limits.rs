//! What several servers write about one limit, on PostgreSQL.

use std::num::NonZeroU32;

use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::limit::{Limit, Meter, Step, Stretch, Verdict};
use ayb_store::db::{Db, migrate};
use ayb_store::{LimitKey, Store};
use futures_util::future::join_all;

use crate::kit::{each_migrated, open};
use crate::sample::{NOW, after};

const KEY: LimitKey = LimitKey([7; 16]);

fn limit(requests: u32, seconds: u64) -> Limit {
    Limit { requests: NonZeroU32::new(requests).unwrap(), window: Seconds(seconds) }
}

/// A server with all tables on a PostgreSQL; nothing where there is none, which has been said then.
async fn shared() -> Option<(ayb_testkit::Database, Db)> {
    let database = ayb_testkit::postgres().await?;
    let db = open(&database.url).await;
    migrate::up(&db).await.unwrap();
    Some((database, db))
}

async fn count(store: &Store, key: LimitKey, meter: &mut Meter, limit: Limit, now: Timestamp) -> Verdict {
    match meter.shared(limit, now) {
        Step::Decided(verdict) => verdict,
        Step::Ask(ask) => {
            let stretch = store.take_stretch(key, &ask).await.unwrap();
            meter.settle(limit, stretch, now)
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_several_servers_can_share_is_shared() {
    each_migrated(async |db: Db| {
        let postgres = db.engine() == ayb_store::db::Engine::Postgres;
        assert_eq!(Store::new(db).shares_limits(), postgres);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_on_a_shared_line_counts_as_exactly_as_one_in_memory() {
    let Some((_database, db)) = shared().await else { return };
    let store = Store::new(db);
    for (number, limit) in (0..).zip([limit(1, 60), limit(7, 60), limit(999, 10), limit(5_000, 1)]) {
        let (mut alone, mut meter) = (Meter::default(), Meter::default());
        for step in 0..1_500_i64 {
            let pause = if step % 500 == 499 { 7_000 } else { step % 3 };
            let now = Timestamp::from_millis(NOW.as_millis() + step / 500 * 7_000 + step * 2 + pause);
            let said = count(&store, LimitKey([number; 16]), &mut meter, limit, now).await;
            assert_eq!(said, alone.alone(limit, now), "{limit:?}, request {step}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_ask_at_the_same_moment_never_get_the_same_part_of_the_line() {
    let Some((_database, db)) = shared().await else { return };
    let store = Store::new(db);
    let limit = limit(320, 60);
    let asks = (0..40).map(|_| async {
        let mut meter = Meter::default();
        let Step::Ask(ask) = meter.shared(limit, NOW) else { panic!("nothing is known yet") };
        store.take_stretch(KEY, &ask).await.unwrap()
    });
    let mut taken: Vec<(i64, i64)> = join_all(asks)
        .await
        .into_iter()
        .filter_map(|stretch| match stretch {
            Stretch::Taken { from, until } => Some((from, until)),
            Stretch::Full { until } => {
                assert_eq!(until, (NOW.as_millis() + 60_000) * 1_000);
                None
            }
        })
        .collect();
    taken.sort_unstable();
    assert_eq!(taken.len(), 16, "sixteen stretches are a window");
    assert!(taken.windows(2).all(|pair| pair[0].1 == pair[1].0), "{taken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_leave_when_they_count_nothing_any_more() {
    let Some((database, db)) = shared().await else { return };
    let store = Store::new(db);
    for (number, limit) in [(1, limit(1, 60)), (2, limit(1, 600)), (3, limit(60, 60))] {
        let mut meter = Meter::default();
        assert!(count(&store, LimitKey([number; 16]), &mut meter, limit, NOW).await.is_allowed());
    }
    assert_eq!(store.forget_limits(after(60), 100).await.unwrap(), 0, "a clock may be a minute behind");
    assert_eq!(store.forget_limits(after(121), 1).await.unwrap(), 1, "in batches");
    assert_eq!(store.forget_limits(after(121), 100).await.unwrap(), 1);
    let left = database.rows("select key, count from _ayb_throttle").await;
    assert_eq!(left, [[Some("02".repeat(16)), Some("1".to_owned())]]);
}
