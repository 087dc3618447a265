//! `kill -9` and a power cut of the database in the middle of token traffic.

use ayb_testkit::cluster::Cluster;
use ayb_testkit::{Database, databases};
use rustix::process::{Signal, kill_process};

use super::binary::{ADMIN_PASSWORD, Ayb, JWT_SECRET, MASTER_KEY, Setup, eventually};
use super::caller::World;
use super::traffic::{Book, Traffic, assert_nothing_half_issued};

/// Kills of one server, each at another point of the traffic.
const ROUNDS: usize = 3;
/// Acknowledgements before a kill.
const GOAL: usize = 150;

async fn prepared(setup: &Setup) -> (Ayb, World) {
    let ayb = setup.start().await;
    let world = ayb.caller.world(&ayb.admin_token()).await;
    (ayb, world)
}

fn assert_nothing_secret_was_said(ayb: &Ayb, world: &World, book: &Book) {
    let said = ayb.said();
    assert!(said.contains("/oauth/token"), "requests are logged: {said}");
    let configured = [JWT_SECRET, MASTER_KEY, ADMIN_PASSWORD];
    for secret in world.secrets().into_iter().chain(configured).chain(book.secrets()) {
        assert!(secret.len() > 8 && !said.contains(secret), "{secret} was printed");
    }
}

async fn kill_in_traffic(database: &Database) {
    let setup = Setup::new().on(&database.url);
    let (mut ayb, world) = prepared(&setup).await;
    for round in 0..ROUNDS {
        let pid = ayb.pid();
        let callers = [ayb.caller.clone()];
        let traffic = Traffic::start(&callers, &world, GOAL + 7 * round, move || {
            kill_process(pid, Signal::KILL).unwrap();
        });
        traffic.goal().await;
        let book = traffic.book().await;
        ayb.kill();
        assert!(book.is_rich(), "{book:?}");
        assert_nothing_half_issued(database).await;
        ayb = setup.start().await;
        book.check(&ayb.caller, &world).await;
        assert_nothing_half_issued(database).await;
        assert_nothing_secret_was_said(&ayb, &world, &book);
    }
    assert!(ayb.stop().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_nine_in_the_middle_of_traffic_loses_and_revives_nothing() {
    for database in databases().await {
        eprintln!("on {}", database.kind);
        kill_in_traffic(&database).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_of_postgresql_in_the_middle_of_traffic_loses_and_revives_nothing() {
    let Some(cluster) = Cluster::start("") else {
        // Says why, or fails where nothing may be missing.
        assert!(ayb_testkit::postgres().await.is_none());
        return;
    };
    let database = cluster.database("postgres");
    let setup = Setup::new().on(&database.url);
    let (mut ayb, world) = prepared(&setup).await;
    for round in 0..2 {
        let traffic = Traffic::start(&[ayb.caller.clone()], &world, GOAL + 7 * round, || {});
        traffic.goal().await;
        cluster.crash();
        let book = traffic.book().await;
        assert!(book.is_rich(), "{book:?}");
        cluster.restart();
        let caller = &ayb.caller;
        eventually("recovery", async || caller.status("/health/ready").await == 200).await;
        assert_nothing_half_issued(&database).await;
        book.check(&ayb.caller, &world).await;
        assert_nothing_secret_was_said(&ayb, &world, &book);
    }
    assert!(ayb.lives());
    assert!(ayb.stop().await.success());
}
