//! `cargo xtask bench`: the figures of the server that would be shipped, beside floor programs that do the same work with
//! nothing around it and beside a peer, under one load generator, in one run.
//!
//! Servers and their databases are pinned to core 0, the generator to core 1. Rounds alternate, and the ratio quoted is
//! the median of the pairs. A row with a wrong answer is refused.

mod bench;
mod client;
mod connection;
mod fill;
mod floor;
mod growth;
mod http;
mod latency;
mod launch;
mod load;
mod memory;
mod overload;
mod peers;
mod postgres;
mod process;
mod purge;
mod rates;
mod report;
mod size;
mod subject;
mod tables;
mod targets;
mod work;

use anyhow::{Result, bail};

use bench::{Bench, Engine};
use report::Report;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A part of the run.
struct Section {
    name: &'static str,
    about: &'static str,
    run: fn(&Bench, &mut Report) -> Result<()>,
}

const SECTIONS: &[Section] = &[
    Section { name: "rates", about: "every workload beside its floor; start, size", run: rates::run },
    Section { name: "growth", about: "issue, rotation and check in large tables", run: growth::run },
    Section { name: "size", about: "bytes of a stored token", run: size::run },
    Section { name: "latency", about: "latencies at saturation and at half of it", run: latency::run },
    Section { name: "purge", about: "issue while expired rows leave", run: purge::run },
    Section { name: "overload", about: "512 connections, twice saturation", run: overload::run },
    Section { name: "tables", about: "rows by the table API beside the drivers alone", run: tables::run },
    Section { name: "memory", about: "idle, after sign-ins, under load", run: memory::run },
    Section { name: "client", about: "the Rust client beside oauth2 and openidconnect", run: client::run },
    Section { name: "peers", about: "oidc-provider for Node, everything in memory", run: peers::run },
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, port, path, postgres @ ..] = arguments.as_slice()
        && word == "floor"
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        return runtime.block_on(floor::serve(port.parse()?, path.clone(), postgres.first().cloned()));
    }
    let Ask { quick, sections, workload, engine } = read(&arguments)?;
    let bench = Bench::open(quick, workload, engine)?;
    println!(
        "{} connections, rounds: {} of {:?}, server on core 0, generator on core 1",
        bench.plan.connections, bench.rounds, bench.plan.length
    );
    let mut report = Report::new();
    for section in sections {
        report.begin(section.name, section.about);
        if let Err(error) = (section.run)(&bench, &mut report) {
            report.fail(&error);
        }
    }
    report.finish()
}

/// What is asked for.
struct Ask {
    quick: bool,
    sections: Vec<&'static Section>,
    /// A part of the names of the workloads that the section `rates` measures.
    workload: String,
    /// The one database to measure.
    engine: Option<Engine>,
}

/// Reads the command line.
fn read(arguments: &[String]) -> Result<Ask> {
    let (mut quick, mut only, mut workload, mut engine) = (false, None, String::new(), None);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--quick" => quick = true,
            "--only" => only = words.next().cloned().or(Some(String::new())),
            "--workload" => workload = words.next().cloned().unwrap_or_default(),
            "--database" => {
                engine = Some(match words.next().map(String::as_str) {
                    Some("sqlite") => Engine::Sqlite,
                    Some("postgres") => Engine::Postgres,
                    _ => bail!("--database is followed by sqlite or postgres"),
                });
            }
            word => match word.strip_prefix("--only=") {
                Some(list) => only = Some(list.to_owned()),
                None => bail!(
                    "{word} is not known; there are --quick, --workload, --database and --only {}",
                    names()
                ),
            },
        }
    }
    let Some(only) = only else {
        return Ok(Ask { quick, sections: SECTIONS.iter().collect(), workload, engine });
    };
    let mut sections = Vec::new();
    for name in only.split(',') {
        match SECTIONS.iter().find(|section| section.name == name) {
            Some(section) => sections.push(section),
            None => bail!("there is no section {name:?}; there are {}", names()),
        }
    }
    Ok(Ask { quick, sections, workload, engine })
}

fn names() -> String {
    SECTIONS.iter().map(|section| section.name).collect::<Vec<_>>().join(",")
}
