//! Every workload of the server beside its floor, on each database; how long a start takes; how large the program is.

use anyhow::Result;

use crate::bench::{BASIC, Bench, CONNECTIONS, Engine, checks};
use crate::http;
use crate::report::{Report, Row};
use crate::subject::{SCOPE, Subject};
use crate::work::{Chain, Fixed, FloorFlow, Many, Work, request};

const GRANT: &str = "grant_type=client_credentials&scope=readonly";

/// Measures the section.
pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    report.head();
    control(bench, report, "HTTP only, before")?;
    for engine in bench.engines() {
        let mut subject = bench.subject(engine)?;
        subject.gather(CONNECTIONS)?;
        let pairs = Pairs { bench, engine, subject: &subject };
        pairs.machines(report)?;
        pairs.flows(report)?;
        pairs.refresh(report)?;
        pairs.check(report)?;
        if engine == Engine::Sqlite {
            pairs.documents(report)?;
        }
        let cold = subject.cold_start.as_secs_f64();
        report.value(engine.name(), "start on an empty database", cold, "s", Some("start-cold"));
        let warm = subject.warm_start(&bench.binary)?.as_secs_f64();
        report.value(engine.name(), "start on an existing database", warm, "s", Some("start-warm"));
    }
    control(bench, report, "HTTP only, after")?;
    let size = std::fs::metadata(&bench.binary)?.len() as f64 / 1e6;
    report.value("either", "binary", size, "MB", Some("binary"));
    Ok(())
}

/// The floor alone, at both ends: a run whose ends differ much says little.
fn control(bench: &Bench, report: &mut Report, name: &str) -> Result<()> {
    let mut row = Row::new("floor", name, "");
    let mut echo = Fixed::new(request("POST", "/echo", "", GRANT), 200, "Bearer");
    row.ours.push(bench.floor_round(Engine::Sqlite, &mut echo)?);
    report.row(row, None);
    Ok(())
}

/// Rounds of server and floor by turns.
struct Pairs<'a> {
    bench: &'a Bench,
    engine: Engine,
    subject: &'a Subject,
}

impl Pairs<'_> {
    fn run(
        &self,
        report: &mut Report,
        name: String,
        target: &'static str,
        ours: &mut dyn Work,
        floor: &mut dyn Work,
    ) -> Result<()> {
        if !name.contains(&self.bench.workload) {
            return Ok(());
        }
        let mut row = Row::new(self.engine.name(), name, "of floor");
        for _ in 0..self.bench.rounds {
            row.ours.push(self.bench.round(self.subject, ours)?);
            row.other.push(self.bench.floor_round(self.engine, floor)?);
        }
        report.row(row, Some(if self.engine == Engine::Sqlite { target } else { "floor-postgres" }));
        Ok(())
    }

    /// A path of the floor program's storage.
    fn at(&self, rest: &str) -> String {
        format!("/{}/{rest}", self.engine.path())
    }

    fn machines(&self, report: &mut Report) -> Result<()> {
        let floor = |path: &str| Fixed::new(request("POST", path, BASIC, GRANT), 200, "access_token");
        let name = "client_credentials, opaque".to_owned();
        let (mut ours, mut store) = (self.subject.issue("opaque"), floor(&self.at("token")));
        self.run(report, name, "floor-opaque", &mut ours, &mut store)?;
        for (algorithm, target) in
            [("RS256", "floor-RS256"), ("ES256", "floor-ES256"), ("EdDSA", "floor-EdDSA")]
        {
            // On SQLite the target is a fraction of signing alone.
            let path = match self.engine {
                Engine::Sqlite => format!("/sign/{algorithm}"),
                Engine::Postgres => self.at(&format!("token/{algorithm}")),
            };
            let name = format!("client_credentials, JWT {algorithm}");
            self.run(report, name, target, &mut self.subject.issue(algorithm), &mut floor(&path))?;
        }
        Ok(())
    }

    fn flows(&self, report: &mut Report) -> Result<()> {
        for (client, algorithm, signatures) in
            [("opaque", "ES256", 1), ("RS256", "RS256", 2), ("ES256", "ES256", 2), ("EdDSA", "EdDSA", 2)]
        {
            let name = match client {
                "opaque" => format!("code flow, opaque, ID token {algorithm}"),
                _ => format!("code flow, JWT and ID token {algorithm}"),
            };
            let mut floor = FloorFlow {
                store: self.at("token"),
                exchange: self.at(&format!("exchange/{algorithm}/{signatures}")),
                client: BASIC,
                codes: vec![None; CONNECTIONS],
            };
            let mut flow = self.subject.flow(client, CONNECTIONS);
            self.run(report, name, "floor-flow", &mut flow, &mut floor)?;
        }
        Ok(())
    }

    fn refresh(&self, report: &mut Report) -> Result<()> {
        for (name, scope, path) in [
            ("refresh chain, opaque", "readonly", "rotate"),
            ("refresh chain, opaque, ID token ES256", SCOPE, "exchange/ES256/1"),
        ] {
            let tokens = self.subject.refresh_tokens(CONNECTIONS, scope)?;
            let mut chain = Chain::new("/oauth/token", self.subject.clients["opaque"].clone(), tokens);
            let mut floor = Chain::new(&self.at(path), BASIC.to_owned(), vec!["0".repeat(64); CONNECTIONS]);
            self.run(report, name.to_owned(), "floor-refresh", &mut chain, &mut floor)?;
        }
        Ok(())
    }

    fn check(&self, report: &mut Report) -> Result<()> {
        let mut stored = Vec::new();
        for _ in 0..200 {
            let headers = [BASIC.trim_end().to_owned()];
            let reply =
                http::send_form(self.bench.floor_address, &self.at("token"), &headers, &[])?.json()?;
            stored.push(reply["access_token"].as_str().unwrap_or_default().to_owned());
        }
        let path = self.at("check");
        let check = |token: &String| request("POST", &path, "", &format!("token={token}"));
        let mut floor = Many::new(stored.iter().map(check).collect(), "true");
        let name = "token check and UserInfo".to_owned();
        self.run(report, name, "floor-check", &mut checks(self.subject)?, &mut floor)
    }

    fn documents(&self, report: &mut Report) -> Result<()> {
        for (name, path, contains) in DOCUMENTS {
            let mut ours = Fixed::new(request("GET", path, "", ""), 200, contains);
            let size = http::send(self.subject.address, "GET", path, &[], "")?.body.len();
            let mut floor = Fixed::new(request("GET", &format!("/static/{size}"), "", ""), 200, "keys");
            self.run(report, name.to_owned(), "floor-documents", &mut ours, &mut floor)?;
        }
        Ok(())
    }
}

/// Documents that everybody may read: name, path, and what is in it.
pub const DOCUMENTS: [(&str, &str, &str); 2] =
    [("discovery", "/.well-known/openid-configuration", "issuer"), ("JWKS", "/jwks.json", "keys")];
