//! Floods, a database that goes away, clocks that jump.

use std::net::{IpAddr, Ipv4Addr};

use ayb_protocol::time::{Seconds, Timestamp};
use ayb_server::http::client_ip::ClientIp;
use ayb_testkit::cluster::Cluster;

use super::{doors, limited, servers, sign_in};
use crate::kit::TestApp;
use crate::kit::time::{START, hours, minutes, seconds};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_addresses_is_no_flood_of_writes_and_its_rows_leave() {
    let servers = servers(1).await;
    let Some(first) = servers.first() else { return };
    let server = first.twin(|config| config.auth.provider.token_failure_limit = 60).await;
    let limits = &server.app.limits;
    for number in 0..100_000_u32 {
        let address = ClientIp(IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number)));
        let standing = limits.failure(address, server.clock.now()).await.unwrap();
        assert!(standing.verdict.is_allowed(), "nobody pays for the others");
        if number % 25_000 == 24_999 {
            server.travel(seconds(1));
        }
    }
    let rows = server.db_rows("select count(*) from _ayb_throttle").await;
    let written: u32 = rows[0][0].as_ref().unwrap().parse().unwrap();
    assert!((500..=2_600).contains(&written), "{written} rows: about 500 a second");
    let guesser = ClientIp(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    let mut guesses = 0;
    for _ in 0..100 {
        let standing = limits.failure(guesser, server.clock.now()).await.unwrap();
        guesses += u32::from(standing.verdict.is_allowed());
    }
    assert_eq!(guesses, 60, "in the flood each server still counts");
    server.travel(minutes(3));
    let forgotten = server.app.store.forget_limits(server.clock.now(), 20_000).await.unwrap();
    assert!(forgotten >= u64::from(written), "{forgotten}");
    assert!(server.db_rows("select key from _ayb_throttle").await.is_empty());
}

#[tokio::test]
async fn a_caller_who_walks_away_takes_along_what_one_request_is_worth() {
    let servers = servers(1).await;
    let Some(first) = servers.first() else { return };
    let server = first.twin(|config| config.auth.provider.client_rate_limit = 160).await;
    let count = || server.app.limits.client("somebody", server.clock.now());
    for _ in 0..40 {
        tokio::select! {
            biased;
            _ = count() => {}
            () = std::future::ready(()) => {}
        }
        // Time for what was begun.
        server.db_rows("select 1").await;
    }
    let mut left = 0;
    for _ in 0..200 {
        left += u32::from(count().await.unwrap().verdict.is_allowed());
    }
    assert!((120..160).contains(&left), "{left} left of 160 after 40");
}

/// The statuses of so many attempts to sign in.
async fn attempts(server: &TestApp, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(sign_in(server).await.status.as_u16());
    }
    statuses
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_database_each_server_counts_alone_and_together_again_after_that() {
    let Some(cluster) = Cluster::start("") else {
        // Says why, or fails where nothing may be missing.
        assert!(ayb_testkit::postgres().await.is_none());
        return;
    };
    let change = |config: &mut ayb_server::config::Config| config.auth.rate_limit = 3;
    let one = TestApp::on_with(cluster.database("postgres"), change).await;
    let two = one.twin(change).await;
    assert_eq!(attempts(&one, 1).await, [401]);
    cluster.stop();
    assert_eq!(attempts(&one, 3).await, [503, 503, 429], "what was counted before still counts");
    assert_eq!(attempts(&two, 4).await, [503, 503, 503, 429], "this one knows of its own only");
    cluster.restart();
    one.travel(minutes(2));
    assert_eq!(one.until(200, || one.get("/health/ready")).await, 200);
    assert_eq!(two.until(200, || two.get("/health/ready")).await, 200);
    one.travel(minutes(2));
    assert_eq!(attempts(&one, 2).await, [401, 401]);
    assert_eq!(attempts(&two, 2).await, [401, 429], "together");
    assert_eq!(attempts(&one, 1).await, [429]);
}

#[tokio::test]
async fn a_clock_that_jumps_forgives_a_window_at_most_and_locks_nobody_out_for_longer() {
    let servers = servers(2).await;
    let Some(first) = servers.first() else { return };
    let [_, door, _] = doors(first).await;
    assert_eq!(door.let_through(&servers, 60).await, 20);
    for jump in [hours(3), Seconds(30 * 86_400)] {
        first.travel(jump);
        assert_eq!(door.let_through(&servers, 60).await, 20, "forward");
    }
    first.clock.set(Timestamp::from_millis(START.as_millis() - 3_600_000));
    assert!(door.let_through(&servers, 60).await <= 20, "back: each knows that its window is spent");
    first.travel(seconds(61));
    assert!((1..=20).contains(&door.let_through(&servers, 60).await), "a window later");
    first.travel(minutes(2));
    assert_eq!(door.let_through(&servers, 60).await, 20, "and as if nothing had been");
    let newcomer = first.twin(limited).await;
    assert_eq!(door.let_through(&[newcomer], 5).await, 0);
}
