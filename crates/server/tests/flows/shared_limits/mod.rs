//! Several servers on one PostgreSQL keep one limit: together they let through what one would.

mod trouble;

use ayb_protocol::time::Seconds;
use ayb_provider::app::RateLimit;
use ayb_server::config::Config;
use futures_util::future::join_all;
use serde_json::json;

use crate::kit::time::{minutes, seconds};
use crate::kit::{Call, Reply, TestApp};

/// Of an app, of a client, and of an address that signs in.
const LIMITS: [u32; 3] = [48, 20, 10];

fn limited(config: &mut Config) {
    config.auth.provider.client_rate_limit = LIMITS[1];
    config.auth.rate_limit = LIMITS[2];
}

/// So many servers on one PostgreSQL; none where there is no PostgreSQL, which has been said then.
async fn servers(count: usize) -> Vec<TestApp> {
    let Some(database) = ayb_testkit::postgres().await else { return Vec::new() };
    let mut servers = vec![TestApp::on_with(database, limited).await];
    while servers.len() < count {
        servers.push(servers[0].twin(limited).await);
    }
    servers
}

fn sign_in(server: &TestApp) -> Call {
    server.post("/api/auth/login").json(&json!({"email": "nobody@example.com", "password": "wrong"}))
}

/// A call at a server, the so many-th.
type Calls = Box<dyn Fn(&TestApp, usize) -> Call>;

/// What a limit guards: the calls that count.
struct Door {
    limit: usize,
    call: Calls,
}

async fn doors(server: &TestApp) -> [Door; 3] {
    let ada = server.user("ada").await;
    let rate = RateLimit { requests: LIMITS[0], window: Seconds(60) };
    let client = server.confidential_client().limited(rate).await;
    let of_app = server.app.store.client(&client.id).await.unwrap().unwrap().app_id;
    // Tokens would count for their client as well.
    let key = server.api_key(&ada, |key| key.app_id = Some(of_app)).await.text;
    let other = server.api_key(&ada, |key| key.app_id = Some(of_app)).await.text;
    let machine = server.confidential_client().await;
    // Ada has signed in, which counts.
    server.travel(minutes(2));
    let calls: [Calls; 3] = [
        Box::new(move |server, number| match number % 2 {
            0 => server.get("/api/auth/me").bearer(&other),
            _ => server.get("/api/auth/me").bearer(&key),
        }),
        Box::new(move |server, _| {
            server.token_request(&machine, &[("grant_type", "client_credentials"), ("scope", "readonly")])
        }),
        Box::new(|server, _| sign_in(server)),
    ];
    let mut limits = LIMITS.into_iter();
    calls.map(|call| Door { limit: limits.next().unwrap() as usize, call })
}

impl Door {
    /// How many of so many calls at the same time, spread over the servers, are let through.
    async fn let_through(&self, servers: &[TestApp], calls: usize) -> usize {
        let storm =
            (0..calls).map(|number| (self.call)(&servers[number % servers.len()], number / servers.len()));
        let replies = join_all(storm.map(Call::send)).await;
        replies.iter().filter(|reply| reply.status != 429).count()
    }
}

#[tokio::test]
async fn a_burst_over_two_and_three_servers_is_exactly_the_limit_of_app_client_and_address() {
    for count in [2, 3] {
        let servers = servers(count).await;
        let Some(first) = servers.first() else { return };
        let doors = doors(first).await;
        for (door, name) in doors.iter().zip(["app", "client", "address"]) {
            let let_through = door.let_through(&servers, 3 * door.limit).await;
            assert_eq!(let_through, door.limit, "{name}, {count} servers");
            assert_eq!(door.let_through(&servers, count).await, 0, "{name}: and nothing after it");
        }
        first.travel(minutes(1));
        for door in &doors {
            assert_eq!(door.let_through(&servers, 3 * door.limit).await, door.limit, "all is back");
        }
    }
}

#[tokio::test]
async fn no_window_over_two_and_three_servers_has_less_than_the_limit_or_more_than_twice() {
    for count in [2, 3] {
        let servers = servers(count).await;
        let Some(first) = servers.first() else { return };
        for (door, name) in doors(first).await.iter().zip(["app", "client", "address"]) {
            let mut steps = Vec::new();
            for _ in 0..20 {
                steps.push(door.let_through(&servers, door.limit).await);
                first.travel(seconds(6));
            }
            for window in steps.windows(10) {
                let sum: usize = window.iter().sum();
                assert!(
                    (door.limit..=2 * door.limit).contains(&sum),
                    "{name}, {count} servers: {sum} in a window of {steps:?}"
                );
            }
            let all: usize = steps.iter().sum();
            let allowed = door.limit + door.limit * 19 * 6 / 60;
            assert_eq!(all, allowed, "{name}, {count} servers: {steps:?}");
        }
    }
}

/// Limit, remaining and reset of an app's limit.
fn standing(reply: &Reply) -> [i64; 3] {
    ["limit", "remaining", "reset"]
        .map(|name| reply.header(&format!("x-app-ratelimit-{name}")).parse().unwrap())
}

#[tokio::test]
async fn each_server_says_less_and_less_is_left_and_all_say_the_same_when_nothing_is() {
    let servers = servers(2).await;
    let Some(first) = servers.first() else { return };
    let [door, ..] = doors(first).await;
    let now = first.clock.now().as_seconds();
    let mut last = [[i64::MAX, 0]; 2];
    for number in 0..door.limit {
        let server = number % 2;
        let reply = (door.call)(&servers[server], number).await;
        let [limit, remaining, reset] = standing(&reply);
        assert_eq!((reply.status.as_u16(), limit), (200, 48));
        let [before, until] = last[server];
        assert!(remaining < before && reset > until && reset <= now + 60, "{number}: {reply}");
        last[server] = [remaining, reset];
    }
    assert_eq!(last.map(|[remaining, _]| remaining).into_iter().min(), Some(0));
    for server in &servers {
        let reply = (door.call)(server, 0).await;
        assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (429, "2"), "{reply}");
        assert_eq!(standing(&reply), [48, 0, now + 60]);
    }
    first.travel(seconds(2));
    assert_eq!((door.call)(&servers[1], 0).await.status, 200, "come back when told, and you are let in");
}

#[tokio::test]
async fn a_server_that_starts_again_has_not_forgotten() {
    let servers = servers(1).await;
    let Some(first) = servers.first() else { return };
    let [door, ..] = doors(first).await;
    assert_eq!(door.let_through(&servers, 60).await, 48);
    let restarted = [first.twin(limited).await];
    assert_eq!(door.let_through(&restarted, 1).await, 0);
}

#[tokio::test]
async fn the_table_shows_neither_addresses_nor_names() {
    let servers = servers(2).await;
    let Some(first) = servers.first() else { return };
    let client = first.confidential_client().await;
    for server in &servers {
        sign_in(server).await;
        let machine = [("grant_type", "client_credentials"), ("scope", "readonly")];
        assert_eq!(server.token_request(&client, &machine).await.status, 200);
    }
    let rows = first.db_rows("select key from _ayb_throttle").await;
    assert_eq!(rows.len(), 2, "all servers mean the same row: {rows:?}");
    for key in rows.into_iter().flatten().flatten() {
        assert!(key.len() == 32 && key.bytes().all(|digit| digit.is_ascii_hexdigit()), "{key}");
    }
    let other = first.twin(|config| config.auth.rate_limit = 2).await;
    sign_in(&other).await;
    assert_eq!(first.db_rows("select key from _ayb_throttle").await.len(), 2);
}

#[tokio::test]
async fn what_has_no_limit_writes_nothing() {
    let servers = servers(2).await;
    let Some(first) = servers.first() else { return };
    let free = first.twin(|config| config.auth.provider.client_rate_limit = 0).await;
    let (ada, client) = (free.user("ada").await, free.confidential_client().await);
    let token = free.tokens(&client, &ada, "openid").await.access;
    assert_eq!(free.userinfo(&token).await, 200);
    let found = free.db_rows("select key from _ayb_throttle").await;
    assert_eq!(found.len(), 1, "signing in has a limit, and nothing else: {found:?}");
}
