//! What suites need beyond Rust: found if it is there, installed where that is possible, named where it is not.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{process, repository};

/// Something that a suite cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Need {
    /// The programs of a PostgreSQL server, from which tests start their own; or `AYB_TEST_POSTGRES_URL`.
    Postgres,
    /// The `ayb` binary; `AYB_TEST_BIN`.
    Server,
    /// The example API of `crates/resource`; `AYB_TEST_NOTES_API`.
    NotesApi,
    /// Node 20 or later with npm.
    Node,
    /// A browser; `AYB_TEST_CHROMIUM`.
    Chromium,
    /// Apache with mod_auth_openidc; `AYB_TEST_APACHE`.
    Apache,
    /// The authorization server of Debian's package; `AYB_TEST_GLEWLWYD`.
    Glewlwyd,
    /// A Python environment with the suite's requirements; `AYB_TEST_PYTHON`.
    Python,
    /// `jq`, with which the manual reads answers.
    Jq,
    /// `sqlite3`, with which the manual makes a backup.
    Sqlite,
}

/// How a missing part is announced; `without_result` tells it from a failing suite by this.
const MISSING: &str = "missing:";

/// The oldest Node whose test runner the suites use.
const NODE: u32 = 20;

/// True on machines where a skip would hide something.
pub(super) fn everything_must_run() -> bool {
    std::env::var("CI").is_ok_and(|value| !value.is_empty() && value != "false" && value != "0")
}

pub(super) fn missing(what: &str) -> String {
    format!("{MISSING} {what}")
}

pub(super) fn is_missing_part(reason: &str) -> bool {
    reason.starts_with(MISSING)
}

/// What has been set up so far.
pub(crate) struct Setup {
    variables: Vec<(&'static str, String)>,
    ready: HashSet<Need>,
}

impl Setup {
    pub(crate) fn new() -> Self {
        // Browsers come from the system; the packages must not fetch their own.
        let mut variables = vec![
            ("PUPPETEER_SKIP_DOWNLOAD", "1".to_owned()),
            ("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1".to_owned()),
        ];
        if everything_must_run() {
            variables.push(("CI", "true".to_owned()));
        }
        Self { variables, ready: HashSet::new() }
    }

    /// Environment for the suites.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.variables.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Makes one need available, once for all suites; `folder` is the suite's.
    pub(super) fn provide(&mut self, need: Need, folder: &str) -> Result<()> {
        if need == Need::Python {
            return self.provide_python(folder);
        }
        if !self.ready.insert(need) {
            return Ok(());
        }
        let provided = match need {
            Need::Postgres => find_postgres(),
            Need::Server => self.provide_server(),
            Need::NotesApi => self.provide_notes_api(),
            Need::Node => check_node(),
            Need::Chromium => {
                let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
                self.provide_program("AYB_TEST_CHROMIUM", &names, &["chromium"])
            }
            Need::Apache => self.provide_apache(),
            Need::Glewlwyd => self.provide_glewlwyd(),
            Need::Jq => self.provide_program("AYB_TEST_JQ", &["jq"], &["jq"]),
            Need::Sqlite => self.provide_program("AYB_TEST_SQLITE", &["sqlite3"], &["sqlite3"]),
            Need::Python => Ok(()),
        };
        if provided.is_err() {
            self.ready.remove(&need);
        }
        provided
    }

    fn provide_server(&mut self) -> Result<()> {
        println!("   building ayb");
        process::run(process::cargo().args(["build", "--quiet", "--package", "ayb-server", "--bin", "ayb"]))?;
        let binary = repository::target().join("debug/ayb");
        self.variables.push(("AYB_TEST_BIN", binary.display().to_string()));
        Ok(())
    }

    fn provide_notes_api(&mut self) -> Result<()> {
        println!("   building notes_api");
        let example = ["build", "--quiet", "--package", "ayb-resource", "--example", "notes_api"];
        process::run(process::cargo().args(example))?;
        let binary = repository::target().join("debug/examples/notes_api");
        self.variables.push(("AYB_TEST_NOTES_API", binary.display().to_string()));
        Ok(())
    }

    fn provide_apache(&mut self) -> Result<()> {
        let module = Path::new("/usr/lib/apache2/modules/mod_auth_openidc.so");
        if !module.is_file() {
            install(&["apache2", "libapache2-mod-auth-openidc"])?;
        }
        if !module.is_file() {
            bail!(missing("mod_auth_openidc; install the package `libapache2-mod-auth-openidc`"));
        }
        self.provide_program("AYB_TEST_APACHE", &["apache2"], &["apache2"])
    }

    fn provide_glewlwyd(&mut self) -> Result<()> {
        if find(&["sqlite3"]).is_none() {
            install(&["sqlite3"])?;
        }
        // Without a choice of database its package cannot be configured.
        self.provide_program("AYB_TEST_GLEWLWYD", &["glewlwyd"], &["glewlwyd", "dbconfig-sqlite3"])
    }

    fn provide_program(&mut self, variable: &'static str, names: &[&str], packages: &[&str]) -> Result<()> {
        if find(names).is_none() {
            install(packages)?;
        }
        let Some(path) = find(names) else {
            bail!(missing(&format!("{}; install the package `{}`", names[0], packages[0])));
        };
        self.variables.push((variable, path.display().to_string()));
        Ok(())
    }

    /// A virtual environment for each suite that has a requirements.txt.
    fn provide_python(&mut self, suite: &str) -> Result<()> {
        let requirements = repository::root().join(suite).join("requirements.txt");
        let folder = repository::target().join(format!("xtask/python-{}", suite.replace('/', "-")));
        let python = folder.join("bin/python");
        if !python.is_file() {
            create_environment(&folder)?;
        }
        if requirements.is_file() && !is_current(&requirements, &folder.join("requirements.txt")) {
            println!("   installing Python packages");
            let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
            process::capture(Command::new(&python).args(install).arg(&requirements))
                .map_err(|error| error.context(missing("Python packages")))?;
            std::fs::copy(&requirements, folder.join("requirements.txt"))?;
        }
        self.variables.push(("AYB_TEST_PYTHON", python.display().to_string()));
        Ok(())
    }

    /// The npm packages of a folder in the versions of its lock file, or of its package.json where there is none.
    pub(crate) fn install_packages(&mut self, folder: &str) -> Result<()> {
        let folder = repository::root().join(folder);
        let lock = folder.join("package-lock.json");
        let wanted = if lock.is_file() { lock } else { folder.join("package.json") };
        let installed = folder.join("node_modules/.installed.json");
        if is_current(&wanted, &installed) {
            return Ok(());
        }
        println!("   installing npm packages in {}", folder.display());
        let mut command = Command::new("npm");
        command
            // Not `npm ci`: it refuses a lock file that leaves out the optional packages of other platforms.
            .args(["install", "--no-save", "--no-audit", "--no-fund", "--silent"])
            .current_dir(&folder)
            .envs(self.variables());
        process::capture(&mut command).map_err(|error| error.context(missing("npm packages")))?;
        std::fs::create_dir_all(folder.join("node_modules"))?;
        std::fs::copy(&wanted, &installed)?;
        Ok(())
    }
}

/// Without PostgreSQL the tests of that store are skipped, the others still run.
fn find_postgres() -> Result<()> {
    if std::env::var_os("AYB_TEST_POSTGRES_URL").is_some() || has_postgres() {
        return Ok(());
    }
    let installed = install(&["postgresql"]);
    if !has_postgres() && everything_must_run() {
        installed?;
        bail!(missing("PostgreSQL; install the package `postgresql`, or set AYB_TEST_POSTGRES_URL"));
    }
    if !has_postgres() {
        println!("   no PostgreSQL: its tests are skipped (install the package `postgresql`)");
    }
    Ok(())
}

fn has_postgres() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.into_iter().any(|version| version.path().join("bin/initdb").is_file())
        || process::find("initdb").is_some()
}

fn find(names: &[&str]) -> Option<PathBuf> {
    let sbin = |name: &str| Some(Path::new("/usr/sbin").join(name)).filter(|path| path.is_file());
    names.iter().find_map(|name| process::find(name).or_else(|| sbin(name)))
}

/// True if the copy kept from the last installation is still what the project asks for.
fn is_current(wanted: &Path, kept: &Path) -> bool {
    std::fs::read(wanted).ok().is_some_and(|text| std::fs::read(kept).is_ok_and(|kept| kept == text))
}

fn check_node() -> Result<()> {
    let version = process::capture(Command::new("node").arg("--version")).unwrap_or_default();
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
    if major.is_none_or(|major: u32| major < NODE) || process::find("npm").is_none() {
        bail!(missing(&format!("Node {NODE} or later with npm (found: {})", version.trim())));
    }
    Ok(())
}

fn create_environment(folder: &Path) -> Result<()> {
    let create = || process::capture(Command::new("python3").args(["-m", "venv"]).arg(folder));
    if create().is_err() {
        install(&["python3-venv"])?;
        create().map_err(|error| {
            error.context(missing("Python with venv; install the package `python3-venv`"))
        })?;
    }
    Ok(())
}

/// Installs system packages where that is possible without asking anybody: as root, with apt.
fn install(packages: &[&str]) -> Result<()> {
    let is_root = process::capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !is_root || process::find("apt-get").is_none() {
        bail!(missing(&format!(
            "the packages {}; install them, or run as root on Debian",
            packages.join(" ")
        )));
    }
    println!("   installing {}", packages.join(" "));
    let apt = |words: &[&str]| {
        let mut command = Command::new("apt-get");
        // Run level 1 keeps the packages from starting their services.
        command.args(words).env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
        process::capture(&mut command)
    };
    let mut words = vec!["install", "--yes", "--no-install-recommends"];
    words.extend(packages);
    if apt(&words).is_err() {
        apt(&["update"]).context("apt-get update")?;
        apt(&words).map_err(|error| error.context(missing(&packages.join(" "))))?;
    }
    Ok(())
}
