//! The Rust client beside the crates `oauth2` and `openidconnect`, in this process: no server, no network.

mod cache;
mod peers;
mod provider;

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::bench::Bench;
use crate::process::{Core, pin};
use crate::report::{Report, median};

/// For kernels that do not count.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// How long one round of one side lasts.
const ROUND: Duration = Duration::from_millis(150);

/// Measures all.
///
/// # Errors
/// When something cannot be set up, or gives a wrong answer.
pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let rounds = bench.rounds.max(3) * 2 + 1;
    // Nothing else of this run is at work meanwhile.
    pin(std::process::id(), Core::Any);
    let outcome = cache::run(rounds, report).and_then(|()| peers::run(rounds, report));
    pin(std::process::id(), Core::Generator);
    outcome
}

/// The time that this thread has had the processor: what else the machine does meanwhile does not count. Off by a tick of the
/// kernel, which a round is long against.
fn thread_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_else(|| STARTED.elapsed().as_nanos() as u64))
}

/// The nanoseconds of one call, over one round.
fn round<T>(call: &mut impl FnMut() -> T) -> f64 {
    // As many at once as the clock costs nothing.
    let mut batch = 1_u32;
    loop {
        let started = thread_time();
        for _ in 0..batch {
            black_box(call());
        }
        let took = thread_time().saturating_sub(started);
        if took >= ROUND || batch == u32::MAX {
            return took.as_nanos() as f64 / f64::from(batch);
        }
        let wanted = ROUND.as_nanos() as f64 / took.as_nanos().max(1) as f64;
        batch = (f64::from(batch) * wanted.clamp(1.1, 10.0)).ceil() as u32;
    }
}

/// The nanoseconds of a call of each side, rounds alternating, and the median of the ratios.
fn pair<A, B>(rounds: usize, mut ours: impl FnMut() -> A, mut other: impl FnMut() -> B) -> (f64, f64, f64) {
    let pairs: Vec<_> = (0..rounds).map(|_| (round(&mut ours), round(&mut other))).collect();
    let middle = |pick: fn(&(f64, f64)) -> f64| median(pairs.iter().map(pick).collect());
    (middle(|pair| pair.0), middle(|pair| pair.1), middle(|pair| pair.0 / pair.1))
}
