//! The server beside another one: node-oidc-provider, which keeps everything in memory and makes nothing durable.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::bench::{Bench, CONNECTIONS, Engine, checks, free_port};
use crate::load;
use crate::process::{Process, cpu_time};
use crate::rates::DOCUMENTS;
use crate::report::{Report, Row};
use crate::subject::{SCOPE, Subject};
use crate::work::{Chain, Fixed, Flow, Many, Work, request, userinfo};

/// Measures the section.
pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/peers"));
    if let Err(why) = install(&folder) {
        report.leave_out(&format!("{why:#}"));
        return Ok(());
    }
    let peer = Peer::start(&folder, free_port()?)?;
    let subject = bench.subject(Engine::Sqlite)?;
    report.head();
    let pairs = Pairs { bench, subject: &subject, peer: &peer };
    pairs.machines(report)?;
    pairs.people(report)?;
    pairs.documents(report)
}

/// Puts the packages into place, in the versions of the lock file.
fn install(folder: &Path) -> Result<()> {
    let mut node = Command::new("node");
    let answer = node.arg("--version").output().context("node is not installed here")?;
    ensure!(answer.status.success(), "node does not work here");
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(folder);
    npm.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = npm.status().context("npm is not installed here")?;
    ensure!(status.success(), "npm could not install the peer");
    Ok(())
}

/// The other server.
struct Peer {
    process: Process,
    address: SocketAddr,
    seeds: Seeds,
    _folder: tempfile::TempDir,
}

/// What a person left there.
#[derive(Deserialize)]
struct Seeds {
    access: Vec<String>,
    /// By client.
    refresh: BTreeMap<String, Vec<String>>,
    cookie: String,
}

impl Peer {
    fn start(folder: &Path, port: u16) -> Result<Self> {
        let own = tempfile::tempdir()?;
        let file = own.path().join("seeds.json");
        let words = [
            folder.join("oidc-provider.mjs").display().to_string(),
            port.to_string(),
            file.display().to_string(),
        ];
        let arguments = words.each_ref().map(String::as_str);
        let environment = [("NODE_ENV", "production".to_owned())];
        let mut process = Process::start(Path::new("node"), &arguments, &environment)?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        process.wait_for(address, Duration::from_secs(30))?;
        let end = Instant::now() + Duration::from_secs(10);
        while !file.exists() {
            ensure!(Instant::now() < end, "the peer has not said what it keeps");
            std::thread::sleep(Duration::from_millis(10));
        }
        let seeds = serde_json::from_slice(&std::fs::read(&file)?)?;
        Ok(Self { process, address, seeds, _folder: own })
    }

    /// A client's authentication, as a header line.
    fn client(&self, name: &str) -> String {
        let secret = STANDARD.encode(format!("{name}:{name}-secret-0123456789abcdef0123456789abcdef"));
        format!("Authorization: Basic {secret}\r\n")
    }
}

struct Pairs<'a> {
    bench: &'a Bench,
    subject: &'a Subject,
    peer: &'a Peer,
}

impl Pairs<'_> {
    fn run(
        &self,
        report: &mut Report,
        name: &str,
        target: Option<&'static str>,
        ours: &mut dyn Work,
        theirs: &mut dyn Work,
    ) -> Result<()> {
        let mut row = Row::new("SQLite", name, "x peer");
        for _ in 0..self.bench.rounds {
            row.ours.push(self.bench.round(self.subject, ours)?);
            let cpu = || cpu_time(&[self.peer.process.pid()]);
            row.other.push(load::run(self.peer.address, self.bench.plan, theirs, cpu)?);
        }
        report.row(row, target);
        Ok(())
    }

    fn machines(&self, report: &mut Report) -> Result<()> {
        for (client, target) in [
            ("opaque", "peer-opaque"),
            ("RS256", "peer-RS256"),
            ("ES256", "peer-ES256"),
            ("EdDSA", "peer-EdDSA"),
        ] {
            let body = "grant_type=client_credentials&scope=readonly";
            let bytes = request("POST", "/token", &self.peer.client(client), body);
            let mut theirs = Fixed::new(bytes, 200, "access_token");
            let name = match client {
                "opaque" => "client_credentials, opaque".to_owned(),
                _ => format!("client_credentials, JWT {client}"),
            };
            self.run(report, &name, Some(target), &mut self.subject.issue(client), &mut theirs)?;
        }
        Ok(())
    }

    fn people(&self, report: &mut Report) -> Result<()> {
        let (subject, peer) = (self.subject, self.peer);
        let client = peer.client("opaque");
        let mut ours = checks(subject)?;
        let mut theirs = userinfo("/me", &peer.seeds.access);
        self.run(report, "UserInfo", Some("peer-userinfo"), &mut ours, &mut theirs)?;

        let ask =
            |token: &String| request("POST", "/token/introspection", &client, &format!("token={token}"));
        let mut theirs = Many::new(peer.seeds.access.iter().map(ask).collect(), "\"active\":true");
        let name = "UserInfo against introspection";
        self.run(report, name, Some("peer-check"), &mut ours, &mut theirs)?;

        self.refresh(report, "no ID token", ("readonly", "plain"), None)?;
        // Against the same signature, and against what the other signs unless told otherwise.
        for (of, signed, refresh, flow) in [
            ("opaque", "ID token ES256", None, Some("peer-flow")),
            ("default", "ID token ES256, theirs RS256", Some("peer-refresh"), None),
        ] {
            self.refresh(report, signed, (SCOPE, of), refresh)?;
            let client = peer.client(of);
            let mut ours = subject.flow("opaque", CONNECTIONS);
            let mut theirs = Flow {
                authorize: Flow::query("/auth", of, SCOPE),
                exchange: "/token".to_owned(),
                cookies: vec![format!("Cookie: {}\r\n", peer.seeds.cookie)],
                client,
                codes: vec![None; CONNECTIONS],
            };
            self.run(report, &format!("code flow, opaque, {signed}"), flow, &mut ours, &mut theirs)?;
        }
        Ok(())
    }

    /// Rotations of tokens with a scope here and of a client there.
    fn refresh(
        &self,
        report: &mut Report,
        signed: &str,
        (scope, of): (&str, &str),
        target: Option<&'static str>,
    ) -> Result<()> {
        let tokens = self.subject.refresh_tokens(CONNECTIONS, scope)?;
        let mut ours = Chain::new("/oauth/token", self.subject.clients["opaque"].clone(), tokens);
        let tokens = self.peer.seeds.refresh[of][..CONNECTIONS].to_vec();
        let mut theirs = Chain::new("/token", self.peer.client(of), tokens);
        self.run(report, &format!("refresh chain, opaque, {signed}"), target, &mut ours, &mut theirs)
    }

    fn documents(&self, report: &mut Report) -> Result<()> {
        for (name, path, contains) in DOCUMENTS {
            let theirs = if path == "/jwks.json" { "/jwks" } else { path };
            let mut ours = Fixed::new(request("GET", path, "", ""), 200, contains);
            let mut theirs = Fixed::new(request("GET", theirs, "", ""), 200, contains);
            self.run(report, name, Some("peer-documents"), &mut ours, &mut theirs)?;
        }
        Ok(())
    }
}
