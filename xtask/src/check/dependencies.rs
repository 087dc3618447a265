//! What is in the built tree: no second crypto library, no licence that binds, a lock file that is up to date.

use anyhow::Result;

use super::licences;
use crate::finding::Finding;
use crate::process;

/// Crates that must not be built, and why.
const FORBIDDEN: &[(&str, &str)] = &[
    ("ring", "one crypto library in the tree: aws-lc-rs; switch the feature that brings it in"),
    ("openssl-sys", "TLS is rustls on aws-lc-rs"),
    ("openssl", "TLS is rustls on aws-lc-rs"),
    ("native-tls", "TLS is rustls on aws-lc-rs"),
    ("chrono", "time is jiff"),
    ("sqlx", "the store has its own facade"),
];

/// Crates of which the specification of the client names a version that is no longer looked after, and the first that
/// is.
const OUTDATED: &[(&str, [u32; 2])] = &[
    ("jsonwebtoken", [10, 0]),
    ("rand", [0, 9]),
    ("reqwest", [0, 13]),
    ("secrecy", [0, 10]),
    ("thiserror", [2, 0]),
];

/// Packages that other people's programs take over, and what they must not bring along: the server, a framework, a database,
/// a second library for tokens.
const PUBLISHED: &[(&str, &[&str])] =
    &[("ayb-resource", UNWANTED), ("ayb-client", UNWANTED), ("ayb-primitives", UNWANTED)];

/// What none of them brings along.
const UNWANTED: &[&str] = &[
    "ayb-provider",
    "ayb-store",
    "ayb-server",
    "axum",
    "axum-core",
    "actix-web",
    "rusqlite",
    "tokio-postgres",
    "diesel",
    "sqlx",
    "jsonwebtoken",
    "josekit",
    "jwt-simple",
    "oauth2",
    "openidconnect",
    "native-tls",
    "ring",
];

/// The platform for which the promise is made.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// One package of the tree.
struct Package<'a> {
    name: &'a str,
    version: &'a str,
    licence: &'a str,
    is_ours: bool,
}

pub(super) fn check() -> Result<Vec<Finding>> {
    let listing = tree(&["--workspace", "--edges", "all"])?;
    let mut found: Vec<Finding> =
        listing.lines().filter_map(package).filter_map(|package| judge(&package)).collect();
    for (name, unwanted) in PUBLISHED {
        found.extend(brought_along(name, unwanted, &tree(&["--package", name, "--edges", "normal,build"])?));
    }
    found.sort_by(|a, b| a.what.cmp(&b.what));
    found.dedup();
    Ok(found)
}

/// The packages that are built, one a line.
fn tree(which: &[&str]) -> Result<String> {
    let how = ["tree", "--locked", "--prefix", "none", "--target", TARGET, "--format", "{p}|{l}"];
    process::capture(process::cargo().args(how).args(which))
}

/// What a published package has in its tree and must not have.
fn brought_along(name: &str, unwanted: &[&str], listing: &str) -> Vec<Finding> {
    let packages = listing.lines().filter_map(package).filter(|package| unwanted.contains(&package.name));
    let finding = |package: Package<'_>| Finding {
        path: format!("crates/{}/Cargo.toml", name.trim_start_matches("ayb-")),
        line: 0,
        rule: "published-tree",
        what: format!("`{name}` brings `{}` along (`cargo tree -p {name} -i {0}` says why)", package.name),
        hint: "other people's programs take this crate over; move the dependency to its tests, or do without",
    };
    packages.map(finding).collect()
}

fn package(line: &str) -> Option<Package<'_>> {
    let (head, licence) = line.split_once('|')?;
    let mut words = head.split(' ');
    let (name, version) = (words.next()?, words.next()?);
    // A path in parentheses means that the package lies in this repository.
    Some(Package { name, version, licence: licence.trim_end_matches(" (*)"), is_ours: head.contains("(/") })
}

fn judge(package: &Package<'_>) -> Option<Finding> {
    let Package { name, version, licence, is_ours } = package;
    let (rule, what, hint) = if let Some((_, hint)) =
        FORBIDDEN.iter().find(|(forbidden, _)| forbidden == name)
    {
        ("forbidden-crate", format!("`{name} {version}` is built (`cargo tree -i {name}` says why)"), *hint)
    } else if let Some((_, [major, minor])) =
        OUTDATED.iter().find(|(old, first)| old == name && number(version) < *first)
    {
        let what = format!("`{name} {version}` is built; {major}.{minor} is the first that is looked after");
        ("outdated-crate", what, "`cargo tree -i` says who asks for it; bring that up to date")
    } else if !is_ours && !licences::allows(licence) {
        (
            "licence",
            format!("`{name} {version}` has the licence `{licence}`"),
            "choose another crate, or add the licence",
        )
    } else {
        return None;
    };
    Some(Finding { path: "Cargo.lock".to_owned(), line: 0, rule, what, hint })
}

/// The first two numbers of a version such as `v0.9.1`.
fn number(version: &str) -> [u32; 2] {
    let mut numbers = version.trim_start_matches('v').split('.').map(|number| number.parse().unwrap_or(0));
    [numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(line: &str) -> Option<&'static str> {
        judge(&package(line).unwrap()).map(|finding| finding.rule)
    }

    #[test]
    fn a_second_crypto_library_and_binding_licences_are_refused() {
        assert_eq!(rule("ring v0.17.0|Apache-2.0 AND ISC"), Some("forbidden-crate"));
        assert_eq!(rule("openssl-sys v0.9.1|MIT (*)"), Some("forbidden-crate"));
        assert_eq!(rule("thing v1.0.0|AGPL-3.0"), Some("licence"));
        assert_eq!(rule("thing v1.0.0|"), Some("licence"));
        assert_eq!(rule("thing v1.0.0 (proc-macro)|MIT OR Apache-2.0 (*)"), None);
    }

    #[test]
    fn versions_that_the_specification_names_are_refused_where_they_are_no_longer_looked_after() {
        for old in
            ["secrecy v0.8.0", "rand v0.8.5", "thiserror v1.0.69", "jsonwebtoken v9.3.1", "reqwest v0.12.24"]
        {
            assert_eq!(rule(&format!("{old}|MIT")), Some("outdated-crate"), "{old}");
        }
        for new in [
            "secrecy v0.10.3",
            "rand v0.10.3",
            "thiserror v2.0.21",
            "jsonwebtoken v11.1.0",
            "reqwest v0.13.5",
        ] {
            assert_eq!(rule(&format!("{new}|MIT")), None, "{new}");
        }
    }

    #[test]
    fn a_published_crate_brings_no_server_along() {
        let (name, unwanted) = PUBLISHED[0];
        let listing = "ayb-resource v0.1.0 (/somewhere/crates/resource)|MIT\n\
                       tower v0.5.3|MIT\naxum v0.8.9|MIT\nayb-store v0.1.0 (/somewhere/crates/store)|MIT\n\
                       tower-http v0.6.8|MIT (*)\njsonwebtoken v11.0.0|MIT";
        let found: Vec<_> =
            brought_along(name, unwanted, listing).into_iter().map(|found| found.what).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        for (what, package) in found.iter().zip(["axum", "ayb-store", "jsonwebtoken"]) {
            assert!(what.contains(&format!("brings `{package}` along")), "{what}");
        }
    }

    #[test]
    fn our_own_crates_need_no_licence_of_others() {
        assert_eq!(rule("ayb-store v0.1.0 (/somewhere/crates/store)|MIT"), None);
    }
}
