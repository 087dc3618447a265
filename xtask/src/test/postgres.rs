//! A PostgreSQL server of our own: a fresh cluster in a temporary folder, gone when the tests are.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process;

/// How long a server may take to answer for the first time.
const PATIENCE: Duration = Duration::from_secs(60);

/// What has to be in the folder of binaries.
const PROGRAMS: &[&str] = &["initdb", "postgres", "pg_ctl", "pg_isready"];

/// A running server.
pub(super) struct Postgres {
    server: Child,
    folder: PathBuf,
    binaries: PathBuf,
    port: u16,
}

impl Postgres {
    /// The folder with the server's programs; the newest version if there are several.
    pub(super) fn binaries() -> Option<PathBuf> {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut folders: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
        folders.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
        let on_path = process::find("initdb").and_then(|path| path.canonicalize().ok());
        folders.extend(on_path.and_then(|path| path.parent().map(Path::to_owned)));
        folders.into_iter().find(|folder| PROGRAMS.iter().all(|program| folder.join(program).is_file()))
    }

    /// Creates a cluster and starts it on a free port of the loopback interface.
    pub(super) fn start(binaries: &Path) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("ayb-postgres-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        own(&folder)?;
        let cluster = folder.join("cluster");
        let create = ["--username=ayb", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];
        let mut initdb = as_owner(&binaries.join("initdb"))?;
        process::capture(initdb.args(create).arg("--pgdata").arg(&cluster).current_dir(&folder))?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut postgres = as_owner(&binaries.join("postgres"))?;
        // Nothing here outlives the tests, so nothing has to reach the disk.
        let settings =
            ["fsync=off", "listen_addresses=127.0.0.1", "max_connections=200", "log_min_messages=fatal"];
        postgres
            .arg("-D")
            .arg(&cluster)
            .args(["-p", &port.to_string()])
            .arg("-k")
            .arg(&folder)
            .current_dir(&folder);
        postgres
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let server = postgres.spawn().context("starting postgres")?;
        let mut started = Self { server, folder, binaries: binaries.to_owned(), port };
        started.wait()?;
        Ok(started)
    }

    /// The address of its administration database.
    pub(super) fn url(&self) -> String {
        format!("postgres://ayb@127.0.0.1:{}/postgres", self.port)
    }

    fn wait(&mut self) -> Result<()> {
        let ready = self.binaries.join("pg_isready");
        let port = self.port.to_string();
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if process::capture(Command::new(&ready).args(["-h", "127.0.0.1", "-p", &port, "-q"])).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.server.try_wait()? {
                bail!("postgres ended at once ({status})");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("postgres did not answer within {}", process::duration(PATIENCE))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let stop = as_owner(&self.binaries.join("pg_ctl")).and_then(|mut pg_ctl| {
            let cluster = self.folder.join("cluster");
            pg_ctl
                .args(["stop", "--silent", "--mode=immediate", "--pgdata"])
                .arg(cluster)
                .current_dir(&self.folder);
            process::capture(&mut pg_ctl)
        });
        if stop.is_err() {
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn version(folder: &Path) -> u32 {
    let name = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    name.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0)
}

/// PostgreSQL refuses to run as root; then it runs as the user that its package made.
#[cfg(unix)]
fn as_owner(program: &Path) -> Result<Command> {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(program);
    if let Some((user, group)) = other_owner()? {
        command.uid(user).gid(group);
    }
    Ok(command)
}

#[cfg(not(unix))]
fn as_owner(program: &Path) -> Result<Command> {
    Ok(Command::new(program))
}

#[cfg(unix)]
fn own(folder: &Path) -> Result<()> {
    if let Some((user, group)) = other_owner()? {
        std::os::unix::fs::chown(folder, Some(user), Some(group))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn own(_: &Path) -> Result<()> {
    Ok(())
}

/// The user and group to run as, if they are not our own.
#[cfg(unix)]
fn other_owner() -> Result<Option<(u32, u32)>> {
    if process::capture(Command::new("id").arg("-u"))?.trim() != "0" {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    let owner = ["postgres", "nobody"].iter().find_map(|name| entry(&users, name));
    owner.map(Some).context("PostgreSQL cannot run as root, and there is no user to run it as")
}

/// User and group number of a line in /etc/passwd.
#[cfg(unix)]
fn entry(users: &str, name: &str) -> Option<(u32, u32)> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "root:x:0:0:root::/bin/sh\npostgres2:x:7:8::/:\npostgres:x:105:112:admin:/var:/bin/sh\n";
        assert_eq!(entry(users, "postgres"), Some((105, 112)));
        assert_eq!(entry(users, "post"), None);
    }

    #[test]
    fn the_newest_version_wins_by_number() {
        assert!(
            version(Path::new("/usr/lib/postgresql/15/bin"))
                > version(Path::new("/usr/lib/postgresql/9.6/bin"))
        );
    }
}
