//! What was wanted, and the last table of a run: which of it was met.

use std::collections::BTreeMap;

use serde::Serialize;

/// A bound on a measured value.
#[derive(Clone, Copy, Debug)]
pub enum Wanted {
    /// Not less.
    AtLeast(f64),
    /// Not more.
    AtMost(f64),
}

use Wanted::{AtLeast, AtMost};

/// One line of the targets.
struct Target {
    /// What sections call it by.
    id: &'static str,
    /// The section that measures it.
    section: &'static str,
    what: &'static str,
    wanted: Wanted,
    unit: &'static str,
}

const fn target(
    id: &'static str,
    section: &'static str,
    what: &'static str,
    wanted: Wanted,
    unit: &'static str,
) -> Target {
    Target { id, section, what, wanted, unit }
}

const FLOOR: &str = " of the floor";
const NODE: &str = " x oidc-provider";
const SMALL: &str = " of the rate at 10^3";

const TARGETS: &[Target] = &[
    target("floor-opaque", "rates", "client_credentials, opaque, SQLite", AtLeast(0.5), FLOOR),
    target("floor-RS256", "rates", "client_credentials, JWT RS256, SQLite", AtLeast(0.75), FLOOR),
    target("floor-ES256", "rates", "client_credentials, JWT ES256, SQLite", AtLeast(0.5), FLOOR),
    target("floor-EdDSA", "rates", "client_credentials, JWT EdDSA, SQLite", AtLeast(0.5), FLOOR),
    target("floor-check", "rates", "token check and UserInfo, SQLite", AtLeast(0.6), FLOOR),
    target("floor-refresh", "rates", "refresh rotation, opaque, SQLite", AtLeast(0.5), FLOOR),
    target("floor-flow", "rates", "code flow with PKCE, SQLite, slowest", AtLeast(0.5), FLOOR),
    target("floor-documents", "rates", "JWKS and discovery, slower", AtLeast(0.85), FLOOR),
    target("floor-postgres", "rates", "the same on PostgreSQL, slowest", AtLeast(0.5), FLOOR),
    target("peer-opaque", "peers", "client_credentials, opaque", AtLeast(5.0), NODE),
    target("peer-RS256", "peers", "client_credentials, JWT RS256", AtLeast(1.4), NODE),
    target("peer-ES256", "peers", "client_credentials, JWT ES256", AtLeast(4.0), NODE),
    target("peer-EdDSA", "peers", "client_credentials, JWT EdDSA", AtLeast(6.0), NODE),
    target("peer-check", "peers", "token check against introspection", AtLeast(11.0), NODE),
    target("peer-refresh", "peers", "refresh rotation, opaque, theirs RS256", AtLeast(12.0), NODE),
    target("peer-flow", "peers", "code flow with PKCE, ID token ES256", AtLeast(7.0), NODE),
    target("peer-documents", "peers", "JWKS and discovery, slower", AtLeast(9.0), NODE),
    target("peer-userinfo", "peers", "UserInfo", AtLeast(10.0), NODE),
    target("peer-rauthy-RS256", "no program", "client_credentials, JWT RS256", AtLeast(4.0), " x Rauthy"),
    target("peer-rauthy-check", "no program", "token check", AtLeast(15.0), " x Rauthy"),
    target("peer-rauthy-refresh", "no program", "refresh rotation", AtLeast(12.0), " x Rauthy EdDSA"),
    target("peer-rauthy-documents", "no program", "JWKS and discovery", AtLeast(3.0), " x Rauthy"),
    target("peer-mas", "no program", "the same on PostgreSQL", AtLeast(10.0), " x MAS"),
    target("growth-issue", "growth", "issue in the largest table", AtLeast(0.85), SMALL),
    target("growth-refresh", "growth", "refresh rotation in the largest table", AtLeast(0.85), SMALL),
    target("growth-check", "growth", "token check in the largest table", AtLeast(0.7), SMALL),
    target("size-sqlite", "size", "a stored token, SQLite", AtMost(150.0), " bytes"),
    target("size-postgres", "size", "a stored token, PostgreSQL", AtMost(250.0), " bytes"),
    target("purge", "purge", "p99 of issue while purging", AtMost(2.0), " x without"),
    target("p99-saturated", "latency", "p99 at saturation", AtMost(3.0), " x p50"),
    target("p99-half", "latency", "p99 at half of it", AtMost(5.0), " ms"),
    target("memory-idle", "memory", "memory before and after sign-ins, idle", AtMost(20.0), " MiB PSS"),
    target("memory-load", "memory", "memory under load with 10^6 rows", AtMost(64.0), " MiB anonymous"),
    target("start-warm", "rates", "start to first 200, existing database", AtMost(0.1), " s"),
    target("start-cold", "rates", "start to first 200, empty database", AtMost(0.5), " s"),
    target("binary", "rates", "binary", AtMost(30.0), " MB"),
    target("client-cached", "client", "get_access_token from memory", AtMost(200.0), " ns"),
    target("client-crowd", "client", "the same by 64 tasks on two threads", AtMost(200.0), " ns of a thread"),
    target("client-id-token", "client", "ID token, the slowest algorithm", AtMost(1.2), " x its signature"),
    target("client-peer-address", "client", "authorization address", AtMost(1.0), " x oauth2"),
    target("client-peer-answer", "client", "token answer", AtMost(1.0), " x oauth2, openidconnect"),
    target("client-peer-id-token", "client", "ID token", AtMost(1.0), " x openidconnect"),
    target("overload-answers", "overload", "other answers than success, 429, 503", AtMost(0.0), ""),
    target("overload-recovery", "overload", "recovered from overload", AtMost(1.0), " s"),
];

/// What was measured for the targets so far.
#[derive(Default)]
pub struct Outcomes {
    worst: BTreeMap<&'static str, (f64, String)>,
    refused: BTreeMap<&'static str, String>,
}

/// One line of the last table.
#[derive(Serialize)]
pub struct Line {
    target: &'static str,
    wanted: String,
    measured: String,
    /// Nothing when it was not measured.
    met: Option<bool>,
}

impl Wanted {
    fn meets(self, value: f64) -> bool {
        match self {
            AtLeast(bound) => value >= bound,
            AtMost(bound) => value <= bound,
        }
    }

    fn text(self) -> String {
        match self {
            AtLeast(bound) => format!(">= {bound}"),
            AtMost(bound) => format!("<= {bound}"),
        }
    }
}

impl Outcomes {
    /// Keeps a value for a target, when it is worse than what came before. `of` says what it belongs to.
    pub fn keep(&mut self, id: &'static str, value: f64, of: &str) {
        let Some(target) = TARGETS.iter().find(|target| target.id == id) else {
            unreachable!("there is no target {id}")
        };
        let worse = self.worst.get(id).is_none_or(|(other, _)| match target.wanted {
            AtLeast(_) => value < *other,
            AtMost(_) => value > *other,
        });
        if worse {
            self.worst.insert(id, (value, of.to_owned()));
        }
    }

    /// A target that has no value, because something that it needs was refused.
    pub fn refuse(&mut self, id: &'static str, why: &str) {
        self.refused.insert(id, why.to_owned());
    }

    /// No target of a section has a value that says much, because the section broke off.
    pub fn refuse_section(&mut self, section: &str, why: &str) {
        for target in TARGETS.iter().filter(|target| target.section == section) {
            self.refuse(target.id, why);
        }
    }

    /// The last table. `missing` says for a section why it has not measured.
    pub fn lines(&self, missing: impl Fn(&str) -> String) -> Vec<Line> {
        let line = |target: &Target| {
            let (measured, met) = match (self.refused.get(target.id), self.worst.get(target.id)) {
                (Some(why), _) => (format!("refused: {why}"), Some(false)),
                (None, Some((value, of))) => (format!("{value:.3}  {of}"), Some(target.wanted.meets(*value))),
                (None, None) => (missing(target.section), None),
            };
            let wanted = format!("{}{}", target.wanted.text(), target.unit);
            Line { target: target.what, wanted, measured, met }
        };
        TARGETS.iter().map(line).collect()
    }
}

impl Line {
    /// Prints the line.
    pub fn print(&self) {
        let met = match self.met {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "-",
        };
        println!("{:<40} {:<26} {:<5} {}", self.target, self.wanted, met, self.measured);
    }
}
