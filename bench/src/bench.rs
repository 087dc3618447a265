//! What all sections share: the program, the databases, the floor, and how long to measure.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::load::{self, Plan, Round};
use crate::postgres::Cluster;
use crate::process::{Core, Process, cpu_time, pin};
use crate::subject::Subject;
use crate::work::{Many, Work, userinfo};

/// Connections of the generator, where nothing else is said.
pub const CONNECTIONS: usize = 32;
/// What the floor program takes for client authentication, as a header line.
pub const BASIC: &str = "Authorization: Basic YmVuY2g6YmVuY2hzZWNyZXRiZW5jaHNlY3JldGJlbmNoc2VjcmV0\r\n";

/// A database that the server can have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Engine {
    /// A file of its own.
    Sqlite,
    /// The run's cluster.
    Postgres,
}

impl Engine {
    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }

    /// As the floor program calls it.
    pub fn path(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// One run.
pub struct Bench {
    /// The server's program.
    pub binary: PathBuf,
    /// Whether to be short.
    pub quick: bool,
    /// Rounds of each.
    pub rounds: usize,
    /// What the name of a workload must contain to be measured.
    pub workload: String,
    /// The one database to measure, or each.
    pub engine: Option<Engine>,
    /// How long a round is.
    pub plan: Plan,
    /// Where the floor program listens.
    pub floor_address: SocketAddr,
    floor: Process,
    cluster: Option<Cluster>,
    _folder: tempfile::TempDir,
}

impl Bench {
    /// Starts what all sections share.
    pub fn open(quick: bool, workload: String, engine: Option<Engine>) -> Result<Self> {
        let binary =
            PathBuf::from(std::env::var("AYB_BENCH_BIN").context("run me through `cargo xtask bench`")?);
        pin(std::process::id(), Core::Generator);
        let cluster = Cluster::start()?;
        if cluster.is_none() {
            println!("PostgreSQL is not installed here: its rows are left out.");
        }
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("floor.db").display().to_string();
        let url = cluster.as_ref().map(|cluster| cluster.create("floor")).transpose()?;
        let floor_address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let port = floor_address.port().to_string();
        let mut words = vec!["floor", &port, &path];
        words.extend(url.as_deref());
        let mut floor = Process::start(&std::env::current_exe()?, &words, &[])?;
        floor.wait_for(floor_address, Duration::from_secs(20))?;
        let length = Duration::from_millis(if quick { 700 } else { 3000 });
        let plan = Plan { connections: CONNECTIONS, warm_up: length / 3, length };
        let rounds = if quick { 1 } else { 3 };
        Ok(Self {
            binary,
            quick,
            rounds,
            workload,
            engine,
            plan,
            floor_address,
            floor,
            cluster,
            _folder: folder,
        })
    }

    /// The databases that there are here.
    pub fn engines(&self) -> Vec<Engine> {
        let postgres = self.cluster.as_ref().map(|_| Engine::Postgres);
        let here = std::iter::once(Engine::Sqlite).chain(postgres);
        here.filter(|engine| self.engine.is_none_or(|asked| asked == *engine)).collect()
    }

    /// A fresh server on an empty database.
    pub fn subject(&self, engine: Engine) -> Result<Subject> {
        let port = free_port()?;
        let database = self.database(engine, port)?;
        Subject::start(&self.binary, port, database.as_deref()).context("cannot prepare the server")
    }

    /// The address of a new database, named after a port; none for a file.
    pub fn database(&self, engine: Engine, port: u16) -> Result<Option<String>> {
        match (engine, &self.cluster) {
            (Engine::Postgres, Some(cluster)) => Ok(Some(cluster.create(&format!("subject{port}"))?)),
            _ => Ok(None),
        }
    }

    /// A round of the server.
    pub fn round(&self, subject: &Subject, work: &mut dyn Work) -> Result<Round> {
        load::run(subject.address, self.plan, work, || self.cpu(subject))
    }

    /// A round of the floor program on a database, whose CPU time counts too.
    pub fn floor_round(&self, engine: Engine, work: &mut dyn Work) -> Result<Round> {
        let mut pids = vec![self.floor.pid()];
        if engine == Engine::Postgres {
            pids.extend(self.cluster.iter().flat_map(Cluster::pids));
        }
        load::run(self.floor_address, self.plan, work, || cpu_time(&pids))
    }

    /// CPU time of a server and of its database.
    pub fn cpu(&self, subject: &Subject) -> Duration {
        let mut pids = vec![subject.process.pid()];
        if subject.database.is_some() {
            pids.extend(self.cluster.iter().flat_map(Cluster::pids));
        }
        cpu_time(&pids)
    }
}

/// Checks of tokens that the server has just issued to a person.
pub fn checks(subject: &Subject) -> Result<Many> {
    Ok(userinfo("/oauth/userinfo", &subject.access_tokens(200)?))
}

/// A port on which nobody listens, so that runs do not meet.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
