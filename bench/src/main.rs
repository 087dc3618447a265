//! `cargo xtask bench`: requests a second, latencies, start-up, memory and size of the server that would be shipped,
//! beside floor programs that do the same work with nothing around it, under one load generator, in one run.
//!
//! The server and its database are pinned to core 0, the generator to core 1. Rounds of server and floor alternate, and
//! the ratio quoted is the median of the pairs. A row with a wrong answer is refused.

mod connection;
mod floor;
mod http;
mod load;
mod postgres;
mod process;
mod report;
mod subject;
mod work;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use load::Plan;
use postgres::Cluster;
use process::{Core, Process, cpu_time, memory, pin};
use report::{Row, Table};
use subject::Subject;
use work::{Chain, Fixed, Many, Work, request};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FLOOR_PORT: u16 = 18901;
const CONNECTIONS: usize = 32;
const BASIC: &str = "Authorization: Basic YmVuY2g6YmVuY2hzZWNyZXRiZW5jaHNlY3JldGJlbmNoc2VjcmV0\r\n";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).map(String::as_str) == Some("floor") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let postgres = arguments.get(3).cloned();
        return runtime.block_on(floor::serve(FLOOR_PORT, arguments[2].clone(), postgres));
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    Bench::open(quick)?.run()
}

/// One run.
struct Bench {
    binary: PathBuf,
    cluster: Option<Cluster>,
    floor: Process,
    rounds: usize,
    plan: Plan,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn open(quick: bool) -> Result<Self> {
        let binary =
            PathBuf::from(std::env::var("AYB_BENCH_BIN").context("run me through `cargo xtask bench`")?);
        pin(std::process::id(), Core::Generator);
        let cluster = Cluster::start()?;
        if cluster.is_none() {
            println!("PostgreSQL is not installed here: its rows are left out.");
        }
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("floor.db").display().to_string();
        let url = cluster.as_ref().map(|cluster| cluster.url("floor"));
        let mut words = vec!["floor", &path];
        words.extend(url.as_deref());
        let mut floor = Process::start(&std::env::current_exe()?, &words, &[])?;
        floor.wait_for(floor_address(), Duration::from_secs(20))?;
        let length = Duration::from_millis(if quick { 700 } else { 3000 });
        let plan = Plan { connections: CONNECTIONS, warm_up: length / 3, length };
        Ok(Self { binary, cluster, floor, rounds: if quick { 1 } else { 3 }, plan, _folder: folder })
    }

    fn run(&self) -> Result<()> {
        println!(
            "{} connections, {} rounds of {:?}, server on core 0, generator on core 1\n",
            CONNECTIONS, self.rounds, self.plan.length
        );
        let mut table = Table::new();
        self.control(&mut table, "HTTP only, before")?;
        self.engine("SQLite", 18902, None, &mut table)?;
        if let Some(cluster) = &self.cluster {
            self.engine("PostgreSQL", 18903, Some(&cluster.url("subject")), &mut table)?;
        }
        self.control(&mut table, "HTTP only, after")?;
        table.finish(&self.binary)
    }

    /// The floor alone, at both ends of the run: a run whose ends differ much says little.
    fn control(&self, table: &mut Table, name: &str) -> Result<()> {
        let mut echo = Fixed::new(
            request("POST", "/echo", "", "grant_type=client_credentials&scope=readonly"),
            200,
            "Bearer",
        );
        let round = load::run(floor_address(), self.plan, &mut echo, || cpu_time(&[self.floor.pid()]))?;
        table.print(Row { engine: "floor", name: name.to_owned(), ours: vec![round], floor: Vec::new() });
        Ok(())
    }

    fn engine(&self, engine: &'static str, port: u16, url: Option<&str>, table: &mut Table) -> Result<()> {
        let mut subject = Subject::start(&self.binary, port, url).context("cannot prepare the server")?;
        let idle = memory(subject.process.pid());
        let storage = if url.is_some() { "postgres" } else { "sqlite" };
        let token = |client: &str| {
            let body = "grant_type=client_credentials&scope=readonly";
            Fixed::new(request("POST", "/oauth/token", &subject.clients[client], body), 200, "access_token")
        };
        let at = |path: &str| request("POST", path, BASIC, "grant_type=client_credentials&scope=readonly");
        let floor_token = || Fixed::new(at(&format!("/{storage}/token")), 200, "access_token");
        self.pair(
            engine,
            "client_credentials, opaque",
            &subject,
            &mut token("opaque"),
            &mut floor_token(),
            table,
        )?;
        for algorithm in ["RS256", "ES256", "EdDSA"] {
            let mut floor = Fixed::new(at(&format!("/sign/{algorithm}")), 200, "access_token");
            let name = format!("client_credentials, JWT {algorithm}");
            self.pair(engine, &name, &subject, &mut token(algorithm), &mut floor, table)?;
        }
        for algorithm in ["opaque", "RS256", "EdDSA"] {
            let name = match algorithm {
                "opaque" => "code flow, opaque, ID token ES256".to_owned(),
                other => format!("code flow, JWT and ID token {other}"),
            };
            let mut flow = subject.flow(algorithm, CONNECTIONS);
            self.pair(engine, &name, &subject, &mut flow, &mut floor_token(), table)?;
        }
        self.refresh(engine, storage, &subject, table)?;
        self.check(engine, storage, &subject, table)?;
        if url.is_none() {
            self.documents(engine, &subject, table)?;
        }
        let loaded = memory(subject.process.pid());
        let cold = subject.cold_start;
        let warm = subject.warm_start(&self.binary, url)?;
        table.facts(engine, cold, warm, idle, loaded);
        Ok(())
    }

    fn refresh(
        &self,
        engine: &'static str,
        storage: &str,
        subject: &Subject,
        table: &mut Table,
    ) -> Result<()> {
        let tokens = subject.refresh_tokens(CONNECTIONS)?;
        let mut chain = Chain::new("/oauth/token", subject.clients["opaque"].clone(), tokens);
        let floor: Box<dyn Work> = match storage {
            "sqlite" => {
                Box::new(Chain::new("/sqlite/rotate", BASIC.to_owned(), vec!["0".repeat(64); CONNECTIONS]))
            }
            _ => Box::new(Fixed::new(
                request("POST", "/postgres/token", BASIC, "grant_type=x"),
                200,
                "access_token",
            )),
        };
        let mut floor = floor;
        self.pair(engine, "refresh chain, opaque, ID token ES256", subject, &mut chain, &mut *floor, table)
    }

    fn check(&self, engine: &'static str, storage: &str, subject: &Subject, table: &mut Table) -> Result<()> {
        let tokens = subject.access_tokens(200)?;
        let bearer = |token: &String| {
            request("GET", "/oauth/userinfo", &format!("Authorization: Bearer {token}\r\n"), "")
        };
        let mut ours = Many::new(tokens.iter().map(bearer).collect(), "sub");
        let mut stored = Vec::new();
        for _ in 0..200 {
            let headers = [BASIC.trim_end().to_owned()];
            let reply =
                http::send_form(floor_address(), &format!("/{storage}/token"), &headers, &[])?.json()?;
            stored.push(reply["access_token"].as_str().unwrap_or_default().to_owned());
        }
        let check =
            |token: &String| request("POST", &format!("/{storage}/check"), "", &format!("token={token}"));
        let mut floor = Many::new(stored.iter().map(check).collect(), "true");
        self.pair(engine, "token check and UserInfo", subject, &mut ours, &mut floor, table)
    }

    fn documents(&self, engine: &'static str, subject: &Subject, table: &mut Table) -> Result<()> {
        for (name, path, contains) in
            [("discovery", "/.well-known/openid-configuration", "issuer"), ("JWKS", "/jwks.json", "keys")]
        {
            let mut ours = Fixed::new(request("GET", path, "", ""), 200, contains);
            let mut floor = Fixed::new(request("GET", "/static", "", ""), 200, "keys");
            self.pair(engine, name, subject, &mut ours, &mut floor, table)?;
        }
        Ok(())
    }

    /// Rounds of server and floor by turns.
    fn pair(
        &self,
        engine: &'static str,
        name: &str,
        subject: &Subject,
        ours: &mut dyn Work,
        floor: &mut dyn Work,
        table: &mut Table,
    ) -> Result<()> {
        let mut row = Row { engine, name: name.to_owned(), ours: Vec::new(), floor: Vec::new() };
        let mut pids = vec![subject.process.pid()];
        if engine == "PostgreSQL" {
            pids.extend(self.cluster.iter().flat_map(Cluster::pids));
        }
        for _ in 0..self.rounds {
            row.ours.push(load::run(subject.address, self.plan, ours, || cpu_time(&pids))?);
            row.floor.push(load::run(floor_address(), self.plan, floor, || cpu_time(&[self.floor.pid()]))?);
        }
        table.print(row);
        Ok(())
    }
}

fn floor_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], FLOOR_PORT))
}
