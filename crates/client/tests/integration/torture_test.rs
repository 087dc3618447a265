//! Many processes over one file store and one rotating refresh token, killed at any moment, with answers lost on their way: no
//! token is lost, and no grant is revoked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ayb_client::mock::TestAuthServer;
use ayb_client::{
    ClientCredentials, Endpoint, KeySource, OAuth2, OAuth2Client as _, OAuth2Config, ProviderConfig,
    Recovery, TokenSet, TokenStorageConfig,
};

use crate::kit::listen::listen;
use crate::kit::{now, params, sign_in};

const PROCESSES: usize = 50;

/// A client as each of the processes has it, on the clock of the machine.
fn client(port: u16, folder: &Path) -> OAuth2 {
    let token = format!("http://127.0.0.1:{port}/token").parse().unwrap();
    let provider = ProviderConfig::default().with(Endpoint::Token, token).with_issuer("https://id.test");
    let mut config = OAuth2Config::new(provider, ClientCredentials::public("app"));
    config.storage = TokenStorageConfig::File { path: folder.to_owned(), key: KeySource::raw([9; 32]) };
    config.rate_limits.token_endpoint_rpm = None;
    config.circuit_breaker.failure_threshold = u32::MAX;
    OAuth2::builder(config).build().unwrap()
}

/// What each process runs: it needs a token all the time, and says when there is none to be had any more.
#[tokio::test]
#[ignore = "the torture test starts it as a process of its own"]
async fn worker() {
    let mut order = String::new();
    BufReader::new(std::io::stdin()).read_line(&mut order).unwrap();
    let (port, folder) = order.trim().split_once(' ').unwrap();
    let client = client(port.parse().unwrap(), Path::new(folder));
    loop {
        match client.tokens().get_access_token().await {
            Err(error) if error.recovery() == Recovery::Reauthenticate => {
                println!("LOST {error:?}");
                return;
            }
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

fn start(port: u16, folder: &Path) -> Child {
    let words = ["integration::torture_test::worker", "--exact", "--ignored", "--nocapture"];
    let mut command = Command::new(std::env::current_exe().unwrap());
    let command = command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let order = format!("{port} {}\n", folder.display());
    child.stdin.as_mut().unwrap().write_all(order.as_bytes()).unwrap();
    child
}

/// Ends a process in the middle of whatever it does, and returns what it said.
fn kill(mut child: Child) -> String {
    let _ended_already = child.kill();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    child.wait().unwrap();
    said
}

async fn torture(time: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let idp = TestAuthServer::start().repeating_lost_answers().access_lifetime(1);
    let signed_in = sign_in(&idp, &idp.client("app").build().unwrap(), params(&["orders"])).await.unwrap();
    let port = listen(idp.clone(), 7).await;
    let mut first = TokenSet::from_response(&signed_in, now(&idp));
    // The clock of the machine is past the one of the test server.
    first.issued_at = None;
    client(port, folder.path()).tokens().store_tokens(first).await.unwrap();
    let mut children: Vec<Child> = (0..PROCESSES).map(|_| start(port, folder.path())).collect();
    let (begin, mut killed, mut said) = (tokio::time::Instant::now(), 0, String::new());
    while begin.elapsed() < time {
        tokio::time::sleep(Duration::from_millis(25)).await;
        let victim = children.remove((killed * 7) % PROCESSES);
        said.push_str(&kill(victim));
        children.push(start(port, folder.path()));
        killed += 1;
    }
    for child in children {
        said.push_str(&kill(child));
    }
    assert!(!said.contains("LOST"), "{said}");
    assert_eq!(idp.revoked_grants(), 0, "after {} refreshes and {killed} kills", idp.refreshes());
    assert!(
        idp.refreshes() >= 4 && killed >= 20,
        "{} refreshes, {killed} kills: it was no torture",
        idp.refreshes()
    );
    client(port, folder.path()).tokens().refresh().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_processes_that_are_killed_at_random_lose_nothing() {
    torture(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute; `cargo test -p ayb-client --test suite for_a_minute -- --ignored`"]
async fn fifty_processes_lose_nothing_for_a_minute() {
    torture(Duration::from_secs(60)).await;
}
