//! Two server processes on one PostgreSQL are one server.

use std::collections::BTreeSet;
use std::time::Duration;

use ayb_provider::keys::Rotation;
use ayb_server::start;
use futures_util::future::join_all;
use serde_json::Value;

use super::binary::{Ayb, PATIENCE, Setup, eventually};
use super::caller::{Caller, Pair, Sent};
use crate::kit::TestApp;

/// Uses of one credential at the same time.
const CROWD: usize = 50;

async fn kids(caller: &Caller) -> BTreeSet<String> {
    kids_of(&caller.get("/jwks.json").await.unwrap().json())
}

fn kids_of(set: &Value) -> BTreeSet<String> {
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// How many of a crowd, spread over both servers, are answered with 200. Everybody else must be refused properly.
async fn winners(pair: &[Ayb; 2], ask: impl AsyncFn(&Caller) -> Sent) -> usize {
    let replies = join_all((0..CROWD).map(|number| ask(&pair[number % 2].caller))).await;
    let mut winners = 0;
    for reply in replies {
        let reply = reply.unwrap();
        match (reply.status, reply.member("error").as_str()) {
            (200, _) => winners += 1,
            (400, "invalid_grant") => {}
            _ => panic!("{reply:?}"),
        }
    }
    winners
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_postgresql_are_one_server() {
    let Some(database) = ayb_testkit::postgres().await else { return };
    let setups = [Setup::new().on(&database.url), Setup::new().on(&database.url)];
    // Both at once, on a database without any table.
    let (first, second) = tokio::join!(setups[0].start(), setups[1].start());
    let pair = [first, second];
    let [a, b] = [&pair[0].caller, &pair[1].caller];
    assert_eq!(kids(a).await.len(), 3);
    assert_eq!(kids(a).await, kids(b).await);
    let world = a.world(&pair[0].admin_token()).await;

    // A token of one server is a token of the other, which also proves that both work with one mask key.
    let code = a.code(&world).await.unwrap().unwrap();
    let tokens = Pair::of(&b.redeem(&world, &code).await.unwrap());
    for caller in [a, b] {
        assert_eq!(caller.userinfo(&tokens.access).await.unwrap().status, 200);
    }
    assert_eq!(a.revoke(&world, &tokens.access).await.unwrap().status, 200);
    assert_eq!(b.userinfo(&tokens.access).await.unwrap().status, 401, "revoked at one, alive at the other");

    let code = b.code(&world).await.unwrap().unwrap();
    assert_eq!(winners(&pair, async |caller| caller.redeem(&world, &code).await).await, 1);
    let code = a.code(&world).await.unwrap().unwrap();
    let tokens = Pair::of(&a.redeem(&world, &code).await.unwrap());
    assert_eq!(winners(&pair, async |caller| caller.refresh(&world, &tokens.refresh).await).await, 1);
    for caller in [a, b] {
        let reply = caller.userinfo(&tokens.access).await.unwrap();
        assert_eq!(reply.status, 401, "the losers of the race were replays, which end the grant");
    }

    // The administrator of one is the administrator of the other.
    let reply = b.admin(&pair[0].admin_token(), "oauth/clients", None).await.unwrap();
    assert_eq!(reply.json()["items"][0]["clientId"], world.client_id.as_str(), "{reply:?}");
    for ayb in pair {
        assert!(ayb.stop().await.success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_one_process_rotates_are_taken_over_by_the_other() {
    for app in TestApp::everywhere().await {
        let twin = app.twin(|_| {}).await;
        let tending = tokio::spawn(start::tend_keys(twin.app.clone(), Duration::from_millis(10)));
        let set = async |app: &TestApp| kids_of(&app.get("/jwks.json").await.json());
        assert_eq!(set(&app).await, set(&twin).await);
        app.app.keys.tend(Rotation::AtOnce, app.clock.now()).await.unwrap();
        assert_eq!(set(&app).await.len(), 6, "the old keys stay for the tokens that they signed");
        let taken_over = eventually("the other takes over", async || set(&app).await == set(&twin).await);
        assert!(taken_over.await < PATIENCE);
        tending.abort();
    }
}
