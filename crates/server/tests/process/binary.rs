//! The program as a child process.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use ayb_server::clock::Stopwatch;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::caller::Caller;

/// How long anything may take that happens by itself. Far more than it takes, so that a busy machine fails nothing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The last line of what the server prints when it listens.
const RUNNING: &str = "Stop with Ctrl-C.";

/// Secrets of the configuration, made to be found where they must not be.
pub(crate) const JWT_SECRET: &str = "canary-jwt-secret-of-more-than-thirty-two-characters";
pub(crate) const MASTER_KEY: &str = "cafe0001cafe0002cafe0003cafe0004cafe0005cafe0006cafe0007cafe0008";
pub(crate) const ADMIN_PASSWORD: &str = "canary-admin-password";

/// How a server is started: its folder, its database, its environment.
pub(crate) struct Setup {
    pub(crate) data_dir: PathBuf,
    environment: Vec<(String, OsString)>,
    arguments: Vec<String>,
    /// Shell commands before the program, for limits.
    prelude: Option<String>,
    /// A copy of the program that everybody may run, to be run as somebody without rights.
    as_nobody: Option<PathBuf>,
    /// The folder of a program that gets nothing else.
    alone_in: Option<PathBuf>,
    /// Where it is written down what the program says.
    transcripts: PathBuf,
    _folder: Option<TempDir>,
}

impl Setup {
    /// A server with the embedded database in a folder of its own.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("ayb-process-").tempdir().unwrap();
        let data_dir = folder.path().join("data");
        Self { _folder: Some(folder), ..Self::at(&data_dir) }
    }

    /// A server on this data folder.
    pub(crate) fn at(data_dir: &Path) -> Self {
        let setup = Self {
            data_dir: data_dir.to_owned(),
            environment: Vec::new(),
            arguments: Vec::new(),
            prelude: None,
            as_nobody: None,
            alone_in: None,
            transcripts: data_dir.to_owned(),
            _folder: None,
        };
        setup
            .with("AYB_SERVER_PUBLIC_URL", "http://localhost:8090")
            .with("AYB_AUTH_JWT_SECRET", JWT_SECRET)
            .with("AYB_AUTH_OAUTH_PROVIDER_MASTER_KEY", MASTER_KEY)
            .with("AYB_ADMIN_PASSWORD", ADMIN_PASSWORD)
            .with("AYB_AUTH_OAUTH_PROVIDER_ENABLED", "true")
            .with("AYB_AUTH_OAUTH_PROVIDER_TOKEN_FAILURE_LIMIT", "0")
            .with("AYB_AUTH_RATE_LIMIT", "0")
            .with("AYB_AUTH_PASSWORD_MEMORY_KIB", "7168")
            .with("AYB_AUTH_PASSWORD_ITERATIONS", "1")
            .with("AYB_LOGGING_LEVEL", "debug")
    }

    /// A server that has nothing but its binary: a copy of it in this folder, no argument, no environment.
    pub(crate) fn alone_in(folder: &Path) -> Self {
        std::fs::copy(env!("CARGO_BIN_EXE_ayb"), folder.join("ayb")).unwrap();
        let transcripts = tempfile::tempdir().unwrap();
        Self {
            environment: Vec::new(),
            alone_in: Some(folder.to_owned()),
            transcripts: transcripts.path().to_owned(),
            _folder: Some(transcripts),
            ..Self::at(&folder.join("ayb-data"))
        }
    }

    /// The same on another database.
    pub(crate) fn on(self, database: &str) -> Self {
        self.with("AYB_DATABASE_URL", database)
    }

    /// The same with a variable of the environment; an earlier value gives way.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// The same without a variable of the environment.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self
    }

    /// The same with a further argument of `ayb start`.
    pub(crate) fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// The same with a line of shell before the program takes the shell's place.
    pub(crate) fn after(mut self, prelude: &str) -> Self {
        self.prelude = Some(prelude.to_owned());
        self
    }

    /// The same as a user whom the permissions of files bind, for tests that run as root. The program is copied into
    /// `folder`, because that user may not look into the folder that it was built in.
    pub(crate) fn run_by_nobody(mut self, folder: &Path) -> Self {
        let copy = folder.join("ayb");
        std::fs::copy(env!("CARGO_BIN_EXE_ayb"), &copy).unwrap();
        self.as_nobody = Some(copy);
        self
    }

    /// The address of the database file, for servers that were given no other.
    pub(crate) fn sqlite(&self) -> String {
        format!("sqlite://{}", self.data_dir.join("ayb.db").display())
    }

    fn command(&self) -> Command {
        if let Some(folder) = &self.alone_in {
            let mut command = Command::new(folder.join("ayb"));
            command.arg("start").args(&self.arguments).current_dir(folder).env_clear().stdin(Stdio::null());
            return command;
        }
        let binary = env!("CARGO_BIN_EXE_ayb");
        let mut command = match (&self.prelude, &self.as_nobody) {
            (None, None) => Command::new(binary),
            (None, Some(copy)) => {
                let mut other = Command::new("setpriv");
                other.args(["--reuid", "nobody", "--clear-groups", "--"]).arg(copy);
                other
            }
            (Some(prelude), _) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("{prelude}; exec \"$0\" \"$@\""), binary]);
                shell
            }
        };
        command.arg("start").arg("--data-dir").arg(&self.data_dir).args(&self.arguments);
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin").stdin(Stdio::null());
        command
    }

    /// Starts a server that is expected to end by itself, and waits for that. One that runs instead is killed, and has
    /// no exit code.
    pub(crate) fn refused(&self) -> Refused {
        let mut child = self.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let waiting = Stopwatch::start();
        while child.try_wait().unwrap().is_none() && waiting.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        // It may have ended by itself.
        let _ended = child.kill();
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Refused { code: status.code(), out: text(&stdout), err: text(&stderr) }
    }

    /// Starts the server on a free port and waits until it listens.
    pub(crate) async fn start(&self) -> Ayb {
        for _ in 0..5 {
            let port = free_port();
            let (child, running) = self.spawn(port);
            let running = tokio::task::spawn_blocking(move || running.recv_timeout(PATIENCE));
            let ayb = Ayb {
                caller: Caller::new(port),
                port,
                child: Some(child),
                data_dir: self.data_dir.clone(),
                transcripts: self.transcripts.clone(),
            };
            match running.await.unwrap() {
                Ok(()) => return ayb,
                // Somebody took the port between the look and the use.
                Err(_) if ayb.said().contains("another program listens there") => {}
                Err(error) => panic!("{error}: the server did not start\n{}", ayb.said()),
            }
        }
        panic!("no port stays free")
    }

    /// Starts the server, whose standard output goes to a thread that says when the server listens.
    fn spawn(&self, port: u16) -> (Child, mpsc::Receiver<()>) {
        std::fs::create_dir_all(&self.transcripts).unwrap();
        let log = File::options().create(true).append(true).open(self.transcripts.join("stderr")).unwrap();
        let mut command = self.command();
        command.args(["--port", &port.to_string()]).stdout(Stdio::piped());
        command.stderr(if self.prelude.is_some() { Stdio::null() } else { log.into() });
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let transcript = self.transcripts.join("stdout");
        let (tell, running) = mpsc::channel();
        std::thread::spawn(move || {
            let mut said = String::new();
            for line in lines.map_while(Result::ok) {
                said.push_str(&line);
                said.push('\n');
                if line == RUNNING {
                    std::fs::write(&transcript, &said).unwrap();
                    let _gone = tell.send(());
                }
            }
        });
        (child, running)
    }
}

/// What a server said that did not start.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A server that runs. It is killed when this is dropped.
pub(crate) struct Ayb {
    pub(crate) caller: Caller,
    pub(crate) port: u16,
    pub(crate) data_dir: PathBuf,
    transcripts: PathBuf,
    child: Option<Child>,
}

impl Ayb {
    /// The process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(self.child.as_ref().unwrap())
    }

    /// Asks the process for something.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Whether the process is still there.
    pub(crate) fn lives(&mut self) -> bool {
        self.child.as_mut().unwrap().try_wait().unwrap().is_none()
    }

    /// Kills it without warning and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        let child = self.child.as_mut().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
        tokio::time::timeout(PATIENCE, ended).await.expect("the server ends").unwrap()
    }

    /// Asks it to stop and waits for its end.
    pub(crate) async fn stop(self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.ended().await
    }

    /// The token for the command line of this machine.
    pub(crate) fn admin_token(&self) -> String {
        std::fs::read_to_string(self.data_dir.join("admin-token")).unwrap().trim().to_owned()
    }

    /// Everything on standard output and standard error, of earlier servers on the same data folder too.
    pub(crate) fn said(&self) -> String {
        let mut text = Vec::new();
        for name in ["stdout", "stderr"] {
            if let Ok(mut file) = File::open(self.transcripts.join(name)) {
                file.read_to_end(&mut text).unwrap();
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl Drop for Ayb {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself.
            let _ended = child.kill();
            let _status = child.wait();
        }
    }
}

/// A port that nobody listens on at the moment.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Asks again and again until the answer is yes. The pause keeps the processor free for whoever is being waited for.
pub(crate) async fn eventually(what: &str, ask: impl AsyncFn() -> bool) -> Duration {
    let waiting = Stopwatch::start();
    while !ask().await {
        assert!(waiting.elapsed() < PATIENCE, "{what} does not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    waiting.elapsed()
}
