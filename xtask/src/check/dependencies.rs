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
    let arguments = ["tree", "--workspace", "--locked", "--prefix", "none", "--target", TARGET];
    let listing =
        process::capture(process::cargo().args(arguments).args(["--edges", "all", "--format", "{p}|{l}"]))?;
    let mut found: Vec<Finding> =
        listing.lines().filter_map(package).filter_map(|package| judge(&package)).collect();
    found.sort_by(|a, b| a.what.cmp(&b.what));
    found.dedup();
    Ok(found)
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
        assert_eq!(rule("ayb-store v0.1.0 (/somewhere/crates/store)|MIT"), None);
    }
}
