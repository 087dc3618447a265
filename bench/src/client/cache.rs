//! A token from memory, and an ID token beside the check of its signature alone.

use std::hint::black_box;

use anyhow::{Result, ensure};
use ayb_client::{Algorithm, Expected, OAuth2, OAuth2Client as _, TokenManager as _, TokenSet};
use tokio::runtime::{Builder, Runtime};

use super::provider::{NONCE, Signer, client};
use super::{pair, thread_time};
use crate::process::cpu_time;
use crate::report::{Report, median};

/// How many tasks ask at the same time.
const TASKS: usize = 64;
/// How often each of them asks in a round.
const CALLS: usize = 20_000;
/// Threads that run the tasks: as many as the benchmark demands of the machine.
const THREADS: usize = 2;

/// Measures both.
///
/// # Errors
/// When something cannot be set up, or gives a wrong answer.
pub fn run(rounds: usize, report: &mut Report) -> Result<()> {
    let alone = Builder::new_current_thread().enable_all().build()?;
    let client = with_tokens(&alone)?;
    from_memory(rounds, &alone, &client, report)?;
    for algorithm in [Algorithm::ES256, Algorithm::RS256, Algorithm::EdDSA] {
        id_token(rounds, &alone, &Signer::new(algorithm)?, report)?;
    }
    Ok(())
}

/// A client that has a token which counts for an hour.
fn with_tokens(runtime: &Runtime) -> Result<OAuth2> {
    let answer = r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer",
        "expires_in":3600,"refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA","scope":"orders.read orders.write"}"#;
    let client = client(answer)?;
    runtime.block_on(async {
        let response = client.client_credentials().request_token(None).await?;
        let mut set = TokenSet::from_response(&response, ayb_client::Timestamp::from_seconds(0));
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs() as i64;
        set.issued_at = Some(ayb_client::Timestamp::from_seconds(now));
        set.expires_at = Some(ayb_client::Timestamp::from_seconds(now + 3600));
        client.tokens().store_tokens(set).await?;
        Ok(client)
    })
}

fn from_memory(rounds: usize, alone: &Runtime, client: &OAuth2, report: &mut Report) -> Result<()> {
    let manager = client.default_tokens();
    let one: Vec<_> = (0..rounds)
        .map(|_| alone.block_on(async { ask(&manager, CALLS * TASKS).await }))
        .collect::<Result<_>>()?;
    report.value("memory", "get_access_token, one task", median(one), "ns", Some("client-cached"));
    let many = Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    let mut crowd = Vec::new();
    for _ in 0..rounds {
        let started = cpu_time(&[std::process::id()]);
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let manager = client.default_tokens();
                many.spawn(async move { ask(&manager, CALLS).await })
            })
            .collect();
        for task in tasks {
            many.block_on(task)??;
        }
        // A lock would make the threads wake each other, and the cache lines of a counter move between them.
        let took = cpu_time(&[std::process::id()]).saturating_sub(started);
        crowd.push(took.as_nanos() as f64 / (TASKS * CALLS) as f64);
    }
    report.value(
        "memory",
        "get_access_token, 64 tasks on 2 threads",
        median(crowd),
        "ns",
        Some("client-crowd"),
    );
    Ok(())
}

/// The nanoseconds of a call.
async fn ask(manager: &ayb_client::TokenManagerImpl, calls: usize) -> Result<f64> {
    let started = thread_time();
    for _ in 0..calls {
        black_box(manager.get_access_token().await?);
    }
    Ok(thread_time().saturating_sub(started).as_nanos() as f64 / calls as f64)
}

fn id_token(rounds: usize, runtime: &Runtime, signer: &Signer, report: &mut Report) -> Result<()> {
    let client = client(&signer.jwks)?;
    let expected = Expected { nonce: Some(NONCE), ..Expected::default() };
    let claims = runtime.block_on(client.verify_id_token(&signer.token, &expected))?;
    ensure!(claims.subject() == "248289761001" && signer.check_signature(), "a wrong answer");
    let Some((message, signature)) = signer.parts() else { anyhow::bail!("no token") };
    let name = format!("ID token, {}", signer.algorithm);
    let (ours, bare, ratio) = runtime.block_on(async {
        // The futures never wait, so each round runs inside this one.
        pair(
            rounds,
            || now_or_never(client.verify_id_token(&signer.token, &expected)),
            || signer.verifies(message, &signature),
        )
    });
    report.value("memory", format!("{name}, all checks"), ours, "ns", None);
    report.value("memory", format!("{name}, its signature alone"), bare, "ns", None);
    report.value("memory", format!("{name}, all checks"), ratio, "x its signature", Some("client-id-token"));
    Ok(())
}

/// What a future that never waits gives.
pub fn now_or_never<F: Future>(future: F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}
