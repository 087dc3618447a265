//! Stopping: whatever was begun ends, whatever was acknowledged stays, and whoever asks twice is heard.

use std::net::TcpStream as Probe;
use std::time::Duration;

use ayb_server::clock::Stopwatch;
use ayb_testkit::databases;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::binary::{Ayb, PATIENCE, Setup, eventually};
use super::caller::World;
use super::traffic::Traffic;

const BODY: &str = "grant_type=client_credentials&scope=readonly";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_the_middle_of_traffic_is_a_success_and_loses_nothing() {
    for database in databases().await {
        let setup = Setup::new().on(&database.url);
        let ayb = setup.start().await;
        let world = ayb.caller.world(&ayb.admin_token()).await;
        let traffic = Traffic::start(std::slice::from_ref(&ayb.caller), &world, 100, || {});
        traffic.goal().await;
        let status = ayb.stop().await;
        assert_eq!(status.code(), Some(0), "{status}");
        let book = traffic.book().await;
        assert!(book.is_rich(), "{book:?}");
        let ayb = setup.start().await;
        book.check(&ayb.caller, &world).await;
    }
}

/// A token request whose body is on its way: the server has the head and has asked for the rest.
async fn in_flight(ayb: &Ayb, world: &World) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", ayb.port)).await.unwrap();
    let credentials = STANDARD.encode(format!("{}:{}", world.client_id, world.secret));
    let head = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {credentials}\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\n",
        BODY.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

async fn until_nothing_listens(ayb: &Ayb) {
    let port = ayb.port;
    eventually("the end of listening", async || Probe::connect(("127.0.0.1", port)).is_err()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_in_flight_is_answered_before_the_end_whatever_asks_for_it() {
    for signal in [Signal::TERM, Signal::INT] {
        let setup = Setup::new();
        let ayb = setup.start().await;
        let world = ayb.caller.world(&ayb.admin_token()).await;
        let mut stream = in_flight(&ayb, &world).await;
        ayb.signal(signal);
        until_nothing_listens(&ayb).await;
        stream.write_all(BODY.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert_eq!(ayb.ended().await.code(), Some(0));
        let token =
            answer.split("\"access_token\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let ayb = setup.start().await;
        assert_eq!(ayb.caller.userinfo(token).await.unwrap().status, 403, "the answer was true");
        assert!(!ayb.said().contains(token));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_twice_need_not_wait_for_the_slowest() {
    for (first, second) in [(Signal::TERM, Signal::TERM), (Signal::INT, Signal::INT)] {
        let setup = Setup::new().with("AYB_SERVER_SHUTDOWN_TIMEOUT", "300");
        let ayb = setup.start().await;
        let world = ayb.caller.world(&ayb.admin_token()).await;
        let mut stream = in_flight(&ayb, &world).await;
        ayb.signal(first);
        until_nothing_listens(&ayb).await;
        let waiting = Stopwatch::start();
        ayb.signal(second);
        assert_eq!(ayb.ended().await.code(), Some(0));
        assert!(waiting.elapsed() < Duration::from_secs(20) && PATIENCE < Duration::from_secs(300));
        let mut rest = Vec::new();
        // Cut off, cleanly or not.
        let _end = stream.read_to_end(&mut rest).await;
        assert!(rest.is_empty(), "{rest:?}");
        assert!(setup.start().await.stop().await.success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_use_of_a_key_is_written_before_the_end() {
    for database in databases().await {
        let setup = Setup::new().on(&database.url);
        let ayb = setup.start().await;
        let admin = ayb.admin_token();
        let user = json!({"email": "ada@example.com", "password": "correct horse"});
        let user = ayb.caller.admin(&admin, "users", Some(user)).await.unwrap().member("id");
        let body = json!({"userId": user, "name": "Import"});
        let key = ayb.caller.admin(&admin, "api-keys", Some(body)).await.unwrap().member("key");
        assert_eq!(ayb.caller.userinfo(&key).await.unwrap().status, 403, "alive, and no OAuth token");
        assert!(!ayb.said().contains(&key[4..]));
        assert!(ayb.stop().await.success());
        let rows =
            database.rows("select last_used_at from _ayb_api_keys where last_used_at is not null").await;
        assert_eq!(rows.len(), 1, "{}", database.kind);
    }
}
