//! A private PostgreSQL server, started from the binaries of the system.
//!
//! A shell looks after the server. Its standard input is a pipe from this process: when the pipe closes, because the
//! [`Cluster`] was dropped or because the process died of whatever, the shell stops the server and deletes its files.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Reads commands, answers each with its exit status, and cleans up at the end of its input.
const KEEPER: &str = r#"
trap '' INT TERM HUP
cd "$1" || exit 1
"$2/initdb" -D data -U ayb -A trust -E UTF8 --no-locale --no-sync >initdb.log 2>&1
echo $?
while read -r command; do
    case $command in
        start) "$2/pg_ctl" -D data -s -w -t 60 -l server.log -o "-k '$1' $3" start >control.log 2>&1 ;;
        stop) "$2/pg_ctl" -D data -s -w -t 60 -m fast stop >control.log 2>&1 ;;
        crash) "$2/pg_ctl" -D data -s -w -t 60 -m immediate stop >control.log 2>&1 ;;
        *) false ;;
    esac
    echo $?
done
"$2/pg_ctl" -D data -s -w -t 60 -m immediate stop >control.log 2>&1
cd / && rm -rf "$1"
"#;

/// A server of one's own, with its files in a temporary folder and its socket beside them.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    keeper: Mutex<Keeper>,
}

#[derive(Debug)]
struct Keeper {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Cluster {
    /// Makes and starts a server that listens on a socket only, with `settings` on its command line
    /// (`-c name=value`). `None` when the system has no PostgreSQL.
    pub fn start(settings: &str) -> Option<Self> {
        let cluster = Self::prepare(settings)?;
        cluster.command("start");
        Some(cluster)
    }

    /// Makes a server without starting it, so that files can be put into [`Cluster::data`].
    pub fn prepare(settings: &str) -> Option<Self> {
        let binaries = binaries()?;
        let folder = tempfile::Builder::new().prefix("ayb-pg-").tempdir().expect("a temporary folder").keep();
        let mut command = unprivileged(&folder);
        command.args(["-c", KEEPER, "keeper"]).arg(&folder).arg(binaries);
        command.arg(format!("-c listen_addresses= -c max_connections=300 {settings}"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).env("LC_ALL", "C");
        let mut child = command.spawn().expect("a shell");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("the shell's output"));
        let keeper = Mutex::new(Keeper { child, input, output });
        let cluster = Self { folder, keeper };
        cluster.answer("initdb");
        Some(cluster)
    }

    /// Starts the server, when it was stopped.
    pub fn restart(&self) {
        self.command("start");
    }

    /// Stops the server as an operator does: sessions are cut off, data is flushed.
    pub fn stop(&self) {
        self.command("stop");
    }

    /// Stops the server as a power cut does.
    pub fn crash(&self) {
        self.command("crash");
    }

    /// The address of a database in this server.
    pub fn url(&self, database: &str) -> String {
        let host = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres:///{database}?host={host}&user=ayb")
    }

    /// The folder of the server's data.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn command(&self, command: &str) {
        {
            let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
            let input = keeper.input.as_mut().expect("the keeper's input");
            writeln!(input, "{command}").expect("the keeper listens");
        }
        self.answer(command);
    }

    #[expect(clippy::panic, reason = "a test without its database has failed")]
    fn answer(&self, command: &str) {
        let mut line = String::new();
        self.keeper
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .output
            .read_line(&mut line)
            .expect("an answer");
        if line.trim() != "0" {
            let logs = ["initdb.log", "control.log", "server.log"];
            let logs = logs.map(|log| std::fs::read_to_string(self.folder.join(log)).unwrap_or_default());
            panic!("PostgreSQL: {command} failed\n{}", logs.join("\n"));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        keeper.input = None;
        // A keeper that fails has nobody left to tell.
        let _status = keeper.child.wait();
    }
}

/// A shell that is not root, because PostgreSQL refuses to be, and to which the folder belongs.
fn unprivileged(folder: &Path) -> Command {
    if id(&["-u"]) != Some(0) {
        return Command::new("sh");
    }
    let user = ["postgres", "nobody"]
        .into_iter()
        .find(|user| id(&["-u", user]).is_some())
        .expect("a user beside root");
    let group = id(&["-g", user]).expect("the user's group");
    chown(folder, id(&["-u", user]), Some(group)).expect("root may give files away");
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", &group.to_string(), "--init-groups", "--", "sh"]);
    command
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// The folder of the newest PostgreSQL of the system that has a server.
fn binaries() -> Option<PathBuf> {
    let newest = |folder: &str| {
        let versions = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let version =
            |entry: &std::fs::DirEntry| entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        let newest = versions.filter_map(|entry| Some((version(&entry)?, entry.path()))).max();
        newest.map(|(_, path)| path.join("bin"))
    };
    let debian = ["/usr/lib/postgresql"].into_iter().filter_map(newest);
    let others =
        ["/usr/bin", "/usr/local/bin", "/usr/local/pgsql/bin", "/opt/homebrew/bin"].map(PathBuf::from);
    debian.chain(others).find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
}
