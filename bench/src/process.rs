//! Processes under measurement: pinned, watched through /proc, ended when the benchmark ends.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// Where a process may run.
#[derive(Clone, Copy, Debug)]
pub enum Core {
    /// Servers and their databases.
    Server,
    /// The generator.
    Generator,
    /// All of them, for what runs in this process alone.
    Any,
}

impl Core {
    fn list(self) -> &'static str {
        match self {
            Self::Server => "0",
            Self::Generator => "1",
            Self::Any => "0,1",
        }
    }
}

/// Pins this process, or an already running one, to a core.
pub fn pin(pid: u32, core: Core) {
    let _ = Command::new("taskset").args(["-a", "-p", "-c", core.list(), &pid.to_string()]).output();
}

/// A child process that ends with its value.
pub struct Process {
    child: Child,
    /// When it was started.
    pub started: Instant,
}

impl Process {
    /// Starts a program pinned to the servers' core.
    pub fn start(program: &Path, arguments: &[&str], environment: &[(&str, String)]) -> Result<Self> {
        let mut command = Command::new("taskset");
        command.args(["-c", Core::Server.list()]);
        // A run that is broken off leaves nothing behind.
        command.args(["setpriv", "--pdeathsig", "KILL"]).arg(program).args(arguments);
        // The server refuses variables that it does not know.
        command.env_remove("AYB_BENCH_BIN");
        command.envs(environment.iter().map(|(name, value)| (*name, value.as_str())));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { child, started })
    }

    /// The process's number; `taskset` and `setpriv` have become the program itself.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Holds the process still, or lets it go on.
    pub fn hold(&self, still: bool) -> Result<()> {
        let signal = if still { "-STOP" } else { "-CONT" };
        let status = Command::new("kill").args([signal, &self.pid().to_string()]).status()?;
        ensure!(status.success(), "the process cannot be held: {status}");
        Ok(())
    }

    /// Waits until somebody listens.
    pub fn wait_for(&mut self, address: SocketAddr, patience: Duration) -> Result<()> {
        let end = Instant::now() + patience;
        while TcpStream::connect(address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended at once ({status})");
            }
            if Instant::now() > end {
                bail!("nobody listens on {address} after {patience:?}");
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU time that the living threads of processes have used so far, to the nanosecond: the ticks of `stat` are a hundred
/// requests long.
pub fn cpu_time(pids: &[u32]) -> Duration {
    let threads = pids.iter().filter_map(|pid| std::fs::read_dir(format!("/proc/{pid}/task")).ok());
    threads.flatten().flatten().filter_map(|thread| spent(&thread.path())).sum()
}

fn spent(thread: &Path) -> Option<Duration> {
    let text = std::fs::read_to_string(thread.join("schedstat")).ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// Memory of a process in MiB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// Proportional: shared pages count in part.
    pub pss: f64,
    /// Not backed by a file.
    pub anonymous: f64,
}

impl Memory {
    /// The larger of each.
    pub fn or_more(self, other: Self) -> Self {
        Self { pss: self.pss.max(other.pss), anonymous: self.anonymous.max(other.anonymous) }
    }
}

/// Memory of a process; none when it is gone.
pub fn memory(pid: u32) -> Option<Memory> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let read = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
    };
    Some(Memory { pss: read("Pss:")?, anonymous: read("Pss_Anon:")? })
}

/// Every process of a group that a pattern names in its command line.
pub fn pids_of(parent: u32) -> Vec<u32> {
    let mut found = vec![parent];
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for entry in entries {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let of =
            stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        if of == Some(parent) {
            found.push(pid);
        }
    }
    found
}
