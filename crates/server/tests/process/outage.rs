//! PostgreSQL is away: nothing is claimed, nothing is lost, and nobody has to do anything when it is back.

use std::time::Duration;

use ayb_testkit::cluster::Cluster;
use http::Method;
use serde_json::{Value, json};

use super::binary::{Setup, eventually};
use super::caller::{Caller, Pair, Reply, World};

/// What somebody holds when the database goes away.
struct Held {
    machine: String,
    pair: Pair,
    code: String,
}

async fn hold(caller: &Caller, world: &World) -> Held {
    let code = async || caller.code(world).await.unwrap().unwrap();
    Held {
        machine: caller.machine(world).await.unwrap().member("access_token"),
        pair: Pair::of(&caller.redeem(world, &code().await).await.unwrap()),
        code: code().await,
    }
}

fn new_client() -> Value {
    json!({
        "appId": "0190b0a0-0000-7000-8000-000000000000",
        "name": "Late",
        "redirectUris": ["https://late.example/callback"],
        "scopes": ["*"],
        "clientType": "confidential",
    })
}

#[track_caller]
fn assert_unavailable(what: &str, reply: &Reply) {
    let retry: u32 = reply.header("retry-after").parse().unwrap_or(0);
    assert!(reply.status == 503 && retry > 0, "{what}: {reply:?}");
    assert!(!reply.text.contains("postgres") && !reply.text.contains("_ayb"), "{what}: {reply:?}");
}

/// Every door while the database is away. Revoking is not claimed to have happened (X-17).
async fn assert_all_unavailable(caller: &Caller, world: &World, held: &Held, admin_token: &str) {
    let oauth = [
        ("a machine token", caller.machine(world).await),
        ("a redemption", caller.redeem(world, &held.code).await),
        ("a rotation", caller.refresh(world, &held.pair.refresh).await),
        ("a revocation", caller.revoke(world, &held.pair.access).await),
        ("a revocation of a refresh token", caller.revoke(world, &held.pair.refresh).await),
        ("an authorization", caller.authorize(world).await),
    ];
    for (what, sent) in oauth {
        let reply = sent.unwrap();
        assert_unavailable(what, &reply);
        assert_eq!(reply.member("error"), "temporarily_unavailable", "{what}: {reply:?}");
    }
    let client = format!("oauth/clients/{}", world.client_id);
    let change = json!({"name": "Late", "redirectUris": ["https://late.example"], "scopes": ["*"]});
    let others = [
        ("UserInfo", caller.userinfo(&held.pair.access).await),
        ("a list of clients", caller.admin(admin_token, "oauth/clients", None).await),
        ("a client", caller.admin(admin_token, &client, None).await),
        ("a new client", caller.admin(admin_token, "oauth/clients", Some(new_client())).await),
        ("a changed client", caller.admin_with(Method::PUT, admin_token, &client, change).await),
        (
            "a new secret",
            caller.admin(admin_token, &format!("{client}/rotate-secret"), Some(json!({}))).await,
        ),
        ("a client's end", caller.admin_with(Method::DELETE, admin_token, &client, json!({})).await),
        ("a new app", caller.admin(admin_token, "apps", Some(json!({"name": "Late"}))).await),
        ("readiness", caller.get("/health/ready").await),
    ];
    for (what, sent) in others {
        assert_unavailable(what, &sent.unwrap());
    }
    let health = caller.get("/health").await.unwrap();
    assert_eq!(
        (health.status, health.text.as_str()),
        (503, r#"{"status":"degraded","database":"unreachable"}"#)
    );
    for path in ["/health/live", "/jwks.json", "/.well-known/openid-configuration"] {
        assert_eq!(caller.status(path).await, 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_database_the_server_says_so_stays_alive_and_recovers_by_itself() {
    let Some(cluster) = Cluster::start("") else {
        // Says why, or fails where nothing may be missing.
        assert!(ayb_testkit::postgres().await.is_none());
        return;
    };
    let setup = Setup::new().on(&cluster.url("postgres"));
    let mut ayb = setup.start().await;
    let (caller, admin_token) = (ayb.caller.clone(), ayb.admin_token());
    let world = caller.world(&admin_token).await;
    for _ in 0..2 {
        let held = hold(&caller, &world).await;
        cluster.stop();
        assert_all_unavailable(&caller, &world, &held, &admin_token).await;
        assert!(ayb.lives());
        cluster.restart();
        let waited = eventually("recovery", async || caller.status("/health/ready").await == 200).await;
        assert!(waited < Duration::from_secs(10), "recovered after {waited:?}");

        // Nothing that was refused has happened.
        assert_eq!(caller.userinfo(&held.machine).await.unwrap().status, 403);
        assert_eq!(caller.userinfo(&held.pair.access).await.unwrap().status, 200);
        let next = Pair::of(&caller.refresh(&world, &held.pair.refresh).await.unwrap());
        Pair::of(&caller.redeem(&world, &held.code).await.unwrap());
        assert_eq!(caller.revoke(&world, &next.access).await.unwrap().status, 200);
        assert_eq!(caller.userinfo(&next.access).await.unwrap().status, 401);
        assert_eq!(caller.admin(&admin_token, "oauth/clients", None).await.unwrap().status, 200);
    }
    assert!(ayb.stop().await.success());
}
