//! Memory of the server: fresh, some time after people have signed in, and under load with a million rows.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::bench::{Bench, Engine, free_port};
use crate::growth::Field;
use crate::launch::launch;
use crate::process::{Memory, memory};
use crate::report::{Report, Row};
use crate::subject::{Subject, sign_in};

const ROWS: u64 = 1_000_000;
/// People who sign in, some of them at the same time.
const PEOPLE: usize = 40;

/// Measures the section.
pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    for engine in bench.engines() {
        for (name, fresh) in ["fresh, at once", "fresh, 5 s later"].iter().zip(fresh(bench, engine)?) {
            say(report, engine, name, fresh, Some("memory-idle"), None);
        }
        let subject = bench.subject(engine)?;
        signed_in(subject.address)?;
        let at_once = memory(subject.process.pid()).context("no memory of the server")?;
        say(report, engine, "right after sign-ins", at_once, None, None);
        let rest = Duration::from_secs(if bench.quick { 20 } else { 60 });
        thread::sleep(rest);
        let rested = memory(subject.process.pid()).context("no memory of the server")?;
        let name = format!("{} s after sign-ins", rest.as_secs());
        say(report, engine, &name, rested, Some("memory-idle"), None);
        drop(subject);
        let loaded = loaded(bench, engine, report)?;
        say(report, engine, "under load with 10^6 rows", loaded, None, Some("memory-load"));
    }
    Ok(())
}

fn say(
    report: &mut Report,
    engine: Engine,
    name: &str,
    memory: Memory,
    pss: Option<&'static str>,
    anonymous: Option<&'static str>,
) {
    report.value(engine.name(), name, memory.pss, "MiB PSS", pss);
    report.value(engine.name(), name, memory.anonymous, "MiB anonymous", anonymous);
}

/// A server on an empty database that has answered once, before anybody signed in: at once, and a little later.
fn fresh(bench: &Bench, engine: Engine) -> Result<[Memory; 2]> {
    let folder = tempfile::tempdir()?;
    let port = free_port()?;
    let database = bench.database(engine, port)?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let (process, _) = launch(&bench.binary, folder.path(), address, database.as_deref())?;
    let at_once = memory(process.pid()).context("no memory of the server")?;
    thread::sleep(Duration::from_secs(5));
    Ok([at_once, memory(process.pid()).context("no memory of the server")?])
}

fn signed_in(address: SocketAddr) -> Result<()> {
    thread::scope(|scope| {
        let several: Vec<_> = (0..4)
            .map(|_| scope.spawn(move || (0..PEOPLE / 4).try_for_each(|_| sign_in(address, 0).map(|_| ()))))
            .collect();
        several.into_iter().try_for_each(|some| some.join().unwrap_or(Ok(())))
    })
}

/// The most that was seen while tokens were issued and checked.
fn loaded(bench: &Bench, engine: Engine, report: &mut Report) -> Result<Memory> {
    let mut field = Field::new(bench, engine)?;
    field.fill(ROWS)?;
    let subject: &Subject = &field.subject;
    let over = AtomicBool::new(false);
    let pid = subject.process.pid();
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = Memory::default();
            while !over.load(Ordering::Relaxed) {
                most = memory(pid).unwrap_or_default().or_more(most);
                thread::sleep(Duration::from_millis(100));
            }
            most
        });
        let outcome = load(bench, engine, &field, report);
        over.store(true, Ordering::Relaxed);
        let most = watch.join().unwrap_or_default();
        outcome.map(|()| most)
    })
}

fn load(bench: &Bench, engine: Engine, field: &Field, report: &mut Report) -> Result<()> {
    for _ in 0..bench.rounds {
        let mut row = Row::new(engine.name(), "client_credentials, opaque, 10^6 rows", "");
        row.ours.push(bench.round(&field.subject, &mut field.subject.issue("opaque"))?);
        report.keep(row, Some("memory-load"));
        let mut row = Row::new(engine.name(), "token check, 10^6 rows", "");
        row.ours.push(bench.round(&field.subject, &mut field.checks())?);
        report.keep(row, Some("memory-load"));
    }
    Ok(())
}
