//! Many processes over one file store and one rotating refresh token, killed at any moment and between the answer and the disk,
//! with answers lost on their way: no token is lost, and no grant is revoked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ayb_client::mock::TestAuthServer;
use ayb_client::primitives::types::{RandomProvider as _, SystemRandom};
use ayb_client::{
    ClientCredentials, Endpoint, FileTokenStorage, KeySource, OAuth2, OAuth2Client as _, OAuth2Config,
    ProviderConfig, Recovery, TokenSet, TokenStorage, TokenStorageConfig,
};

use crate::kit::before::Before;
use crate::kit::listen::listen;
use crate::kit::{now, params, sign_in};

const PROCESSES: usize = 50;

/// How many of a hundred renewals end with the process, before anything is stored.
const DEATHS: f64 = 0.2;

/// How many of a hundred looks at the token are a renewal that nobody needs.
const RENEWALS: f64 = 0.05;

fn happens(probability: f64) -> bool {
    SystemRandom.fraction() < probability
}

/// Ends the process with new tokens in its hands, now and then.
async fn die_now_and_then() {
    if happens(DEATHS) {
        let me = std::process::id().to_string();
        Command::new("kill").args(["-9", &me]).status().unwrap();
        std::future::pending::<()>().await;
    }
}

fn storage(folder: &Path) -> FileTokenStorage {
    FileTokenStorage::open(folder, KeySource::raw([9; 32])).unwrap()
}

/// A client as each of the processes has it, on the clock of the machine.
fn client(port: u16, storage: impl TokenStorage) -> OAuth2 {
    let token = format!("http://127.0.0.1:{port}/token").parse().unwrap();
    let provider = ProviderConfig::default().with(Endpoint::Token, token).with_issuer("https://id.test");
    let mut config = OAuth2Config::new(provider, ClientCredentials::public("app"));
    config.storage = TokenStorageConfig::Custom(Arc::new(storage));
    config.rate_limits.token_endpoint_rpm = None;
    config.circuit_breaker.failure_threshold = u32::MAX;
    OAuth2::builder(config).build().unwrap()
}

/// What each process runs: it needs a token all the time, renews now and then, and says when there is none to be had any more.
#[tokio::test]
#[ignore = "the torture test starts it as a process of its own"]
async fn worker() {
    let mut order = String::new();
    BufReader::new(std::io::stdin()).read_line(&mut order).unwrap();
    let (port, folder) = order.trim().split_once(' ').unwrap();
    let mortal = Before { inner: storage(Path::new(folder)), first: || Box::pin(die_now_and_then()) as _ };
    let client = client(port.parse().unwrap(), mortal);
    loop {
        let outcome = if happens(RENEWALS) {
            client.tokens().refresh().await.map(drop)
        } else {
            client.tokens().get_access_token().await.map(drop)
        };
        match outcome {
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

/// What was done to the processes, and what they said at their end.
#[derive(Default)]
struct Losses {
    killed: usize,
    /// By themselves, with tokens that nobody else has.
    died: usize,
    said: String,
}

impl Losses {
    /// Ends a process in the middle of whatever it does.
    fn kill(&mut self, mut child: Child) {
        let _ended_already = child.kill();
        self.killed += 1;
        self.bury(child);
    }

    fn bury(&mut self, mut child: Child) {
        child.stdout.take().unwrap().read_to_string(&mut self.said).unwrap();
        child.wait().unwrap();
    }

    /// Replaces those that died.
    fn replace(&mut self, children: &mut [Child], start: impl Fn() -> Child) {
        for child in children {
            if let Some(status) = child.try_wait().unwrap() {
                self.died += usize::from(status.signal() == Some(9));
                self.bury(std::mem::replace(child, start()));
            }
        }
    }
}

async fn torture(time: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let idp = TestAuthServer::start().repeating_lost_answers().access_lifetime(1);
    let signed_in = sign_in(&idp, &idp.client("app").build().unwrap(), params(&["orders"])).await.unwrap();
    let port = listen(idp.clone(), 7).await;
    let mut first = TokenSet::from_response(&signed_in, now(&idp));
    // The clock of the machine is past the one of the test server.
    first.issued_at = None;
    let survivor = client(port, storage(folder.path()));
    survivor.tokens().store_tokens(first).await.unwrap();
    let start = || start(port, folder.path());
    let mut children: Vec<Child> = (0..PROCESSES).map(|_| start()).collect();
    let (begin, mut losses) = (tokio::time::Instant::now(), Losses::default());
    while begin.elapsed() < time {
        tokio::time::sleep(Duration::from_millis(25)).await;
        let victim = (SystemRandom.fraction() * PROCESSES as f64) as usize;
        losses.kill(std::mem::replace(&mut children[victim], start()));
        losses.replace(&mut children, start);
    }
    children.into_iter().for_each(|child| losses.kill(child));
    let Losses { killed, died, said } = losses;
    let what = format!("{} refreshes, {killed} killed, {died} died before saving", idp.refreshes());
    println!("{what}");
    assert!(!said.contains("LOST"), "{said}");
    assert_eq!(idp.revoked_grants(), 0, "{what}");
    assert!(idp.refreshes() >= 10 && killed >= PROCESSES + 20 && died >= 2, "it was no torture: {what}");
    survivor.tokens().refresh().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_processes_that_are_killed_at_random_lose_nothing() {
    torture(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "as long as `cargo xtask torture` says"]
async fn fifty_processes_lose_nothing_for_a_long_time() {
    #[expect(clippy::disallowed_methods, reason = "the command that starts this test says how long")]
    let seconds = std::env::var("AYB_TORTURE_SECONDS").unwrap_or_default();
    torture(Duration::from_secs(seconds.parse().unwrap_or(60))).await;
}
