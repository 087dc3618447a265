//! A private PostgreSQL for the run, on the servers' core; none when the machine has no PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::process::{Core, pids_of, pin};

/// A running cluster.
pub struct Cluster {
    folder: TempDir,
    binaries: PathBuf,
    postmaster: u32,
}

impl Cluster {
    /// Starts a cluster on a socket in a folder of its own.
    pub fn start() -> Result<Option<Self>> {
        let Some(binaries) = binaries() else { return Ok(None) };
        let folder = tempfile::Builder::new().prefix("ayb-bench-pg").tempdir()?;
        let data = folder.path().join("data");
        run(Command::new("chown").arg("postgres").arg(folder.path()))?;
        let initdb = binaries.join("initdb");
        run(as_postgres(&initdb).args(["-A", "trust", "-U", "postgres", "-N", "-D"]).arg(&data))?;
        let options = format!(
            "-k {} -c listen_addresses='' -c max_connections=100 -c shared_buffers=256MB",
            folder.path().display()
        );
        let log = folder.path().join("log");
        run(as_postgres(&binaries.join("pg_ctl"))
            .arg("-D")
            .arg(&data)
            .arg("-o")
            .arg(&options)
            .arg("-l")
            .arg(log)
            .args(["-w", "start"]))?;
        let pid = std::fs::read_to_string(data.join("postmaster.pid")).context("PostgreSQL did not start")?;
        let postmaster = pid.lines().next().and_then(|line| line.parse().ok()).unwrap_or(0);
        pids_of(postmaster).into_iter().for_each(|pid| pin(pid, Core::Server));
        Ok(Some(Self { folder, binaries, postmaster }))
    }

    /// Creates a database; gives its address in the form of URLs.
    pub fn create(&self, database: &str) -> Result<String> {
        run(as_postgres(&self.binaries.join("createdb")).arg("-h").arg(self.folder.path()).arg(database))?;
        let socket = self.folder.path().display().to_string().replace('/', "%2F");
        Ok(format!("postgres://postgres@{socket}/{database}"))
    }

    /// The cluster's processes.
    pub fn pids(&self) -> Vec<u32> {
        pids_of(self.postmaster)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.folder.path().join("data");
        let _ = as_postgres(&self.binaries.join("pg_ctl"))
            .arg("-D")
            .arg(data)
            .args(["-m", "immediate", "stop"])
            .output();
    }
}

fn binaries() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|path| path.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop()
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program).current_dir("/");
    command
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}
