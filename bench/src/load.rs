//! The load generator: one thread, one poll loop, one request in flight on each connection.

mod paced;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use mio::{Events, Interest, Poll, Token};
use serde::Serialize;

pub use self::paced::run as run_paced;
use crate::connection::Connection;
use crate::work::Work;

/// How long the answers of the last requests of a round may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What one round measured.
#[derive(Clone, Debug, Serialize)]
pub struct Round {
    /// Finished units of work a second. A unit is one request, or one whole flow.
    pub rate: f64,
    /// Median latency of a unit, in milliseconds.
    pub p50: f64,
    /// 99th percentile, in milliseconds.
    pub p99: f64,
    /// Units that failed.
    pub errors: u64,
    /// The first failure, in words.
    pub first_error: Option<String>,
    /// CPU time of the server's processes for one unit, in microseconds.
    pub cpu_micros: f64,
}

/// How long and with how many connections.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Connections.
    pub connections: usize,
    /// Before anything is counted.
    pub warm_up: Duration,
    /// What is counted.
    pub length: Duration,
}

/// Runs one round of `work` against `address`; `cpu` reads the server's CPU time so far.
pub fn run(
    address: SocketAddr,
    plan: Plan,
    work: &mut dyn Work,
    cpu: impl Fn() -> Duration,
) -> Result<Round> {
    let mut generator = Generator::open(address, plan.connections)?;
    generator.start(work)?;
    generator.until(Instant::now() + plan.warm_up, work)?;
    generator.reset();
    let (begin, cpu_before) = (Instant::now(), cpu());
    generator.until(begin + plan.length, work)?;
    let (elapsed, cpu_used) = (begin.elapsed(), cpu().saturating_sub(cpu_before));
    let round = generator.round(elapsed, cpu_used);
    generator.drain(work)?;
    // A wrong answer among the last ones is one too.
    Ok(Round { errors: generator.errors, first_error: generator.first_error, ..round })
}

struct Generator {
    poll: Poll,
    connections: Vec<Connection>,
    begun: Vec<Instant>,
    /// Which connections have sent a request and not heard of it yet.
    waiting: Vec<bool>,
    request: Vec<u8>,
    latencies: Histogram<u64>,
    units: u64,
    errors: u64,
    first_error: Option<String>,
}

impl Generator {
    fn open(address: SocketAddr, count: usize) -> Result<Self> {
        let poll = Poll::new()?;
        let mut connections = Vec::with_capacity(count);
        for number in 0..count {
            let mut connection = Connection::open(address).context("cannot connect to the server")?;
            poll.registry().register(
                connection.stream(),
                Token(number),
                Interest::READABLE | Interest::WRITABLE,
            )?;
            connections.push(connection);
        }
        Ok(Self {
            poll,
            begun: vec![Instant::now(); count],
            waiting: vec![false; count],
            connections,
            request: Vec::new(),
            latencies: Histogram::new_with_max(60_000_000, 3)?,
            units: 0,
            errors: 0,
            first_error: None,
        })
    }

    fn start(&mut self, work: &mut dyn Work) -> Result<()> {
        (0..self.connections.len()).try_for_each(|number| self.next(number, work))
    }

    /// Forgets the latencies so far. A wrong answer is one also while warming up, and is kept.
    fn reset(&mut self) {
        self.latencies.reset();
        self.units = 0;
    }

    fn round(&self, elapsed: Duration, cpu_used: Duration) -> Round {
        Round {
            rate: self.units as f64 / elapsed.as_secs_f64(),
            p50: self.latencies.value_at_quantile(0.5) as f64 / 1000.0,
            p99: self.latencies.value_at_quantile(0.99) as f64 / 1000.0,
            errors: self.errors,
            first_error: self.first_error.clone(),
            cpu_micros: cpu_used.as_secs_f64() * 1e6 / (self.units.max(1)) as f64,
        }
    }

    fn until(&mut self, end: Instant, work: &mut dyn Work) -> Result<()> {
        let mut events = Events::with_capacity(self.connections.len());
        while Instant::now() < end {
            self.poll(&mut events, work, true)?;
        }
        Ok(())
    }

    /// Hears the answers that are on their way, so that a chain of tokens goes on in another round.
    fn drain(&mut self, work: &mut dyn Work) -> Result<()> {
        let mut events = Events::with_capacity(self.connections.len());
        let end = Instant::now() + PATIENCE;
        while self.waiting.contains(&true) {
            ensure!(Instant::now() < end, "the last requests of a round got no answer in {PATIENCE:?}");
            self.poll(&mut events, work, false)?;
        }
        Ok(())
    }

    fn poll(&mut self, events: &mut Events, work: &mut dyn Work, go_on: bool) -> Result<()> {
        self.poll.poll(events, Some(Duration::from_millis(20)))?;
        for event in &*events {
            let number = event.token().0;
            if event.is_writable() {
                self.connections[number].flush()?;
            }
            if event.is_readable() && self.connections[number].receive()? {
                self.take(number, work)?;
                if go_on {
                    self.next(number, work)?;
                }
            }
        }
        Ok(())
    }

    fn next(&mut self, number: usize, work: &mut dyn Work) -> Result<()> {
        self.request.clear();
        let begins = work.request(number, &mut self.request);
        self.connections[number].send(&self.request)?;
        self.waiting[number] = true;
        if begins {
            self.begun[number] = self.connections[number].started();
        }
        Ok(())
    }

    /// Judges the answer that a connection has received.
    fn take(&mut self, number: usize, work: &mut dyn Work) -> Result<()> {
        let outcome = work.answer(number, &self.connections[number].answer()?);
        self.connections[number].forget();
        self.waiting[number] = false;
        match outcome {
            Ok(false) => {}
            Ok(true) => {
                self.units += 1;
                self.record(self.begun[number].elapsed());
            }
            Err(error) => {
                self.errors += 1;
                self.first_error.get_or_insert_with(|| format!("{error:#}"));
            }
        }
        Ok(())
    }

    fn record(&mut self, latency: Duration) {
        self.latencies.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }
}
