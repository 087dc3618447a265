//! What the two crates depend on: directly, nothing that is not on the list; and on the whole, no part of the server, no
//! framework, no database, no other library for OAuth.

use std::process::Command;

/// The list of the specification (§8.2) in versions of today, with what decisions 0031 and 0032 add, and ours.
const ALLOWED: [&str; 23] = [
    "argon2",
    "arc-swap",
    "async-trait",
    "aws-lc-rs",
    "ayb-primitives",
    "ayb-protocol",
    "bytes",
    "form_urlencoded",
    "getrandom",
    "http",
    "keyring",
    "reqwest",
    "secrecy",
    "serde",
    "serde_json",
    "thiserror",
    "tokio",
    "tower-layer",
    "tower-service",
    "tracing",
    "url",
    "zeroize",
    "base64",
];

#[test]
fn direct_dependencies_are_on_the_list() {
    let manifests = [include_str!("../../Cargo.toml"), include_str!("../../../primitives/Cargo.toml")];
    for manifest in manifests {
        let (_, rest) = manifest.split_once("\n[dependencies]\n").unwrap();
        let names = rest.lines().take_while(|line| !line.starts_with('[')).filter(|line| !line.is_empty());
        let names: Vec<_> = names.map(|line| line.split(['.', ' ', '=']).next().unwrap()).collect();
        assert!(names.len() > 4, "{names:?}");
        for name in names {
            assert!(ALLOWED.contains(&name), "{name} is not on the list");
        }
    }
}

#[test]
fn nothing_of_the_server_comes_along() {
    let words =
        ["tree", "--locked", "--offline", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
    let tree = Command::new(env!("CARGO"))
        .args(words)
        .args(["--package", "ayb-client", "--all-features"])
        .output()
        .unwrap();
    let listing = String::from_utf8(tree.stdout).unwrap();
    let names: Vec<_> = listing.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains(&"ayb-protocol") && names.contains(&"rustls"), "{listing}");
    for unwanted in [
        "ayb-server",
        "ayb-store",
        "ayb-provider",
        "axum",
        "actix-web",
        "oauth2",
        "openidconnect",
        "jsonwebtoken",
        "rusqlite",
        "tokio-postgres",
        "diesel",
        "sqlx",
        "ring",
        "native-tls",
        "openssl",
        "chrono",
    ] {
        assert!(!names.contains(&unwanted), "`cargo tree -p ayb-client -i {unwanted}` says why");
    }
}
