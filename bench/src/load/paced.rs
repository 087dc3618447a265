//! Requests on a schedule, whatever the server makes of it: each has a moment at which it is due, and its latency counts
//! from there. A server that stands still is charged for everybody who would have come meanwhile.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use mio::Events;

use super::{Generator, Plan, Round};
use crate::work::Work;

/// Runs one round of `work`, of single requests, at `rate` a second.
///
/// What was due and has no answer at the end counts with the time that it has waited until then.
pub fn run(
    address: SocketAddr,
    plan: Plan,
    rate: f64,
    work: &mut dyn Work,
    cpu: impl Fn() -> Duration,
) -> Result<Round> {
    let mut schedule = Schedule {
        generator: Generator::open(address, plan.connections)?,
        idle: (0..plan.connections).collect(),
        due: Instant::now(),
        interval: Duration::from_secs_f64(1.0 / rate),
    };
    schedule.until(Instant::now() + plan.warm_up, work)?;
    schedule.generator.reset();
    let (begin, cpu_before) = (Instant::now(), cpu());
    schedule.until(begin + plan.length, work)?;
    let (elapsed, cpu_used) = (begin.elapsed(), cpu().saturating_sub(cpu_before));
    schedule.settle();
    Ok(schedule.generator.round(elapsed, cpu_used))
}

struct Schedule {
    generator: Generator,
    /// Connections without a request, the one that has rested longest first.
    idle: VecDeque<usize>,
    /// When the next request is due.
    due: Instant,
    interval: Duration,
}

impl Schedule {
    fn until(&mut self, end: Instant, work: &mut dyn Work) -> Result<()> {
        let mut events = Events::with_capacity(self.generator.connections.len());
        while Instant::now() < end {
            self.send_what_is_due(work)?;
            // Sleeping would be too coarse for the schedule; the generator has a core of its own.
            self.generator.poll.poll(&mut events, Some(Duration::ZERO))?;
            for event in &events {
                let number = event.token().0;
                if event.is_writable() {
                    self.generator.connections[number].flush()?;
                }
                if event.is_readable() && self.generator.connections[number].receive()? {
                    self.generator.take(number, work)?;
                    self.idle.push_back(number);
                }
            }
        }
        Ok(())
    }

    fn send_what_is_due(&mut self, work: &mut dyn Work) -> Result<()> {
        let now = Instant::now();
        while self.due <= now {
            let Some(number) = self.idle.pop_front() else { break };
            self.generator.next(number, work)?;
            self.generator.begun[number] = self.due;
            self.due += self.interval;
        }
        Ok(())
    }

    /// Charges for what is still on its way, and for what could not even be sent.
    fn settle(&mut self) {
        let end = Instant::now();
        for number in 0..self.generator.connections.len() {
            if !self.idle.contains(&number) {
                self.generator.record(end - self.generator.begun[number]);
            }
        }
        while self.due < end {
            self.generator.record(end - self.due);
            self.due += self.interval;
        }
    }
}
