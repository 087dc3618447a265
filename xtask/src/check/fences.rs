//! Which kind of code may stand in which place: words, rules, tables, doors.

use super::Tree;
use crate::finding::Finding;
use crate::source::Source;

/// A word that may only appear in some places.
struct Fence {
    rule: &'static str,
    /// Path prefixes in which the words are looked for.
    inside: &'static [&'static str],
    /// Path prefixes in which they are at home.
    except: &'static [&'static str],
    words: &'static [&'static str],
    hint: &'static str,
    /// True if tests may use the words anywhere.
    spares_tests: bool,
}

const PURE: &[&str] = &["crates/protocol/src", "crates/provider/src"];

const FENCES: &[Fence] = &[
    Fence {
        rule: "no-async",
        inside: PURE,
        except: &[],
        words: &["async", ".await", "tokio", "std::future", "Future"],
        hint: "words and rules are plain functions; let store or server wait",
        spares_tests: false,
    },
    Fence {
        rule: "no-clock",
        inside: PURE,
        except: &[],
        words: &["SystemTime", "Instant", "Timestamp::now", "Utc::now"],
        hint: "take `now` as an argument",
        spares_tests: false,
    },
    Fence {
        rule: "no-io",
        inside: PURE,
        except: &[],
        words: &[
            "std::fs",
            "std::env",
            "std::io",
            "std::process",
            "std::thread",
            "TcpStream",
            "TcpListener",
            "UdpSocket",
            "ToSocketAddrs",
            "println!",
            "eprintln!",
        ],
        hint: "words and rules do no IO; take the value as an argument",
        spares_tests: true,
    },
    Fence {
        rule: "no-randomness",
        inside: PURE,
        except: &[],
        words: &[
            "SystemRandom",
            "rand::fill",
            "OsRng",
            "ThreadRng",
            "getrandom",
            "thread_rng",
            "new_v4",
            "now_v7",
        ],
        hint: "take the random bytes, or the source of them, as an argument",
        spares_tests: true,
    },
    Fence {
        rule: "driver",
        inside: &["crates/"],
        except: &["crates/store/src/db"],
        words: &[
            "rusqlite",
            "tokio_postgres",
            "postgres_types",
            "deadpool_postgres",
            "libsqlite3_sys",
            "sqlx",
        ],
        hint: "only crates/store/src/db names a database driver",
        spares_tests: false,
    },
    Fence {
        rule: "http-server",
        inside: &["crates/"],
        except: &[
            "crates/server/",
            "crates/resource/examples/",
            "crates/resource/tests/",
            "crates/client/examples/",
        ],
        words: &["axum", "hyper", "hyper_util", "tower_http", "askama"],
        hint: "only crates/server knows HTTP as a server; crates/resource and crates/client are for every framework",
        spares_tests: false,
    },
    Fence {
        rule: "http-layer",
        inside: &["crates/"],
        except: &[
            "crates/server/",
            "crates/resource/",
            "crates/client/src/http",
            "crates/client/tests/outside/",
        ],
        words: &["tower", "reqwest"],
        hint: "only crates/server, crates/resource and the transport of crates/client speak HTTP",
        spares_tests: false,
    },
    Fence {
        rule: "client-in-server",
        inside: &["crates/server/src"],
        except: &["crates/server/src/cli/auth"],
        words: &["ayb_client"],
        hint: "the server is no client of anybody; only `ayb auth` is",
        spares_tests: false,
    },
    Fence {
        rule: "stands-alone",
        inside: &["crates/resource/", "crates/client/", "crates/primitives/"],
        except: &[],
        words: &["ayb_provider", "ayb_store", "ayb_server", "oauth2::", "openidconnect"],
        hint: "resource, client and primitives are for other people's programs; they know words, and no part of the server",
        spares_tests: false,
    },
    Fence {
        rule: "clock-and-entropy",
        inside: &["crates/"],
        except: &[
            "crates/server/src/clock.rs",
            "crates/server/src/entropy.rs",
            "crates/server/src/config",
            "crates/resource/src/clock.rs",
            "crates/primitives/src/types/system.rs",
        ],
        words: &["clippy::disallowed_methods"],
        hint: "only clock.rs, entropy.rs and config/ of the server touch the clock, randomness and environment, \
               clock.rs of crates/resource the clock, and types/system.rs of crates/primitives",
        spares_tests: true,
    },
];

/// Crates that only some manifests may name, and the manifests.
const MANIFEST_FENCES: &[(&[&str], &[&str], &str)] = &[
    (
        &["rusqlite", "tokio-postgres", "deadpool-postgres", "sqlx"],
        &["crates/store/"],
        "only crates/store has a driver",
    ),
    (&["hyper", "hyper-util", "askama"], &["crates/server/"], "only crates/server serves HTTP"),
    // What the published crates have beyond tests and examples is held by the tree that cargo builds: see `dependencies.rs`.
    (
        &["axum", "tower"],
        &["crates/server/", "crates/resource/", "crates/client/"],
        "only crates/server serves HTTP",
    ),
];

/// How a string literal begins that holds a statement.
const STATEMENTS: &[&[&str]] = &[
    &["select"],
    &["insert", "into"],
    &["insert", "or"],
    &["update"],
    &["delete", "from"],
    &["create", "table"],
    &["create", "index"],
    &["create", "unique"],
    &["alter", "table"],
    &["drop", "table"],
    &["truncate"],
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let sources = tree.sources.iter();
    let code = sources.flat_map(|source| {
        let fenced = FENCES.iter().flat_map(|fence| fenced(fence, source));
        fenced.chain(statements(source)).collect::<Vec<_>>()
    });
    let manifests =
        tree.texts.iter().filter(|(path, _)| path.starts_with("crates/") && path.ends_with("Cargo.toml"));
    code.chain(manifests.flat_map(|(path, text)| manifest(path, text))).collect()
}

fn fenced(fence: &Fence, source: &Source) -> Vec<Finding> {
    let within = |prefixes: &[&str]| prefixes.iter().any(|prefix| source.path.starts_with(prefix));
    if !within(fence.inside) || within(fence.except) {
        return Vec::new();
    }
    let found =
        fence.words.iter().flat_map(|word| source.occurrences(word).into_iter().map(move |at| (*word, at)));
    let found = found.filter(|(_, at)| !fence.spares_tests || !source.is_test(*at));
    let finding = |(word, at)| Finding {
        path: source.path.clone(),
        line: source.line_at(at),
        rule: fence.rule,
        what: format!("`{word}`"),
        hint: fence.hint,
    };
    found.map(finding).collect()
}

/// String literals outside the store that hold SQL. Tests of the server read and damage rows as an operator would.
fn statements(source: &Source) -> Vec<Finding> {
    let is_allowed =
        ["crates/store/", "crates/server/tests/"].iter().any(|folder| source.path.starts_with(folder));
    if !source.path.starts_with("crates/") || is_allowed {
        return Vec::new();
    }
    let openings = source.literals.match_indices('"').map(|(at, _)| at);
    let found = openings.filter(|at| begins_statement(&source.literals[at + 1..]));
    let finding = |at| Finding {
        path: source.path.clone(),
        line: source.line_at(at),
        rule: "sql",
        what: "a statement in a string".to_owned(),
        hint: "SQL stands in crates/store only",
    };
    found.map(finding).collect()
}

fn begins_statement(text: &str) -> bool {
    let body = text.split(['"', ';']).next().unwrap_or(text);
    let words: Vec<&str> = body.split_whitespace().collect();
    let one_case = |word: &str| word.chars().all(char::is_lowercase) || word.chars().all(char::is_uppercase);
    let matches = |statement: &[&str]| {
        let head = words.iter().take(statement.len());
        words.len() > statement.len() && head.zip(statement).all(|(word, key)| word.eq_ignore_ascii_case(key))
    };
    let says = |key: &str| words.iter().any(|word| word.eq_ignore_ascii_case(key));
    let complete = match words.first().map(|word| word.to_ascii_lowercase()).as_deref() {
        Some("select") => {
            says("from") || words.get(1).is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        }
        Some("update") => says("set"),
        Some("truncate") => words.len() == 2,
        _ => true,
    };
    words.first().is_some_and(|word| one_case(word)) && STATEMENTS.iter().any(|s| matches(s)) && complete
}

fn manifest(path: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let at_home = |homes: &[&str]| homes.iter().any(|home| path.starts_with(home));
    for (crates, _, hint) in MANIFEST_FENCES.iter().filter(|(_, homes, _)| !at_home(homes)) {
        for name in *crates {
            let named = |line: &str| {
                let key = line.split(['=', '.', ' ']).next().unwrap_or_default();
                key == *name
            };
            let lines = text.lines().enumerate().filter(|(_, line)| named(line));
            found.extend(lines.map(|(index, _)| Finding {
                path: path.to_owned(),
                line: index + 1,
                rule: "dependency-fence",
                what: format!("depends on `{name}`"),
                hint,
            }));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<&'static str> {
        check(&Tree::of(path, text)).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn words_and_rules_stay_pure() {
        let table = [
            ("async fn f() {}", "no-async"),
            ("fn f() { g().await }", "no-async"),
            ("use std::time::SystemTime;", "no-clock"),
            ("use std::fs;", "no-io"),
            ("fn f() { std::env::var(\"X\") }", "no-io"),
            ("use aws_lc_rs::rand::SystemRandom;", "no-randomness"),
        ];
        for (text, rule) in table {
            assert_eq!(rules("crates/protocol/src/a.rs", text), [rule], "{text}");
            assert!(rules("crates/server/src/a.rs", text).is_empty(), "{text}");
        }
    }

    #[test]
    fn prose_about_fenced_words_is_allowed() {
        assert!(
            rules("crates/protocol/src/a.rs", "//! No IO, no async.\nconst A: &str = \"async\";").is_empty()
        );
    }

    #[test]
    fn drivers_live_in_one_folder() {
        assert_eq!(rules("crates/store/src/codes.rs", "use rusqlite::Row;"), ["driver"]);
        assert_eq!(rules("crates/server/tests/a.rs", "use tokio_postgres::Row;"), ["driver"]);
        assert!(rules("crates/store/src/db/sqlite.rs", "use rusqlite::Row;").is_empty());
        assert_eq!(
            rules("crates/server/Cargo.toml", "[dependencies]\nrusqlite.workspace = true"),
            ["dependency-fence"]
        );
        assert_eq!(rules("crates/store/Cargo.toml", "axum = \"0.8\""), ["dependency-fence"]);
    }

    #[test]
    fn the_crate_for_other_peoples_apis_knows_neither_server_nor_framework() {
        let table = [
            ("crates/resource/src/a.rs", "use axum::Router;", &["http-server"] as &[_]),
            ("crates/resource/examples/a.rs", "use axum::Router;", &[]),
            ("crates/resource/tests/a.rs", "use axum::Router;", &[]),
            ("crates/resource/src/a.rs", "use tower::Layer;", &[]),
            ("crates/provider/src/a.rs", "use tower::Layer;", &["http-layer"]),
            ("crates/resource/src/a.rs", "use ayb_provider::client;", &["stands-alone"]),
            ("crates/resource/tests/a.rs", "use ayb_server::app::App;", &["stands-alone"]),
            (
                "crates/resource/src/a.rs",
                "#[expect(clippy::disallowed_methods)]\nfn f() {}",
                &["clock-and-entropy"],
            ),
            ("crates/resource/src/clock.rs", "#[expect(clippy::disallowed_methods)]\nfn f() {}", &[]),
            ("crates/server/src/oauth/a.rs", "use ayb_client::OAuth2;", &["client-in-server"]),
            ("crates/server/src/cli/auth/a.rs", "use ayb_client::OAuth2;", &[]),
            ("crates/client/src/a.rs", "use ayb_store::Store;", &["stands-alone"]),
            ("crates/client/src/a.rs", "use openidconnect::Nonce;", &["stands-alone"]),
            ("crates/client/src/a.rs", "use reqwest::Client;", &["http-layer"]),
            ("crates/client/src/http/a.rs", "use reqwest::Client;", &[]),
            ("crates/client/src/a.rs", "use axum::Router;", &["http-server"]),
            ("crates/client/examples/a.rs", "use axum::Router;", &[]),
            ("crates/client/src/login.rs", "use tower_layer::Layer;", &[]),
            ("crates/client/src/login.rs", "use tower::Layer;", &["http-layer"]),
            (
                "crates/primitives/src/retry.rs",
                "#[expect(clippy::disallowed_methods)]\nfn f() {}",
                &["clock-and-entropy"],
            ),
            ("crates/resource/Cargo.toml", "hyper.workspace = true", &["dependency-fence"]),
            ("crates/resource/Cargo.toml", "rusqlite.workspace = true", &["dependency-fence"]),
        ];
        for (path, text, expected) in table {
            assert_eq!(rules(path, text), expected, "{path}: {text}");
        }
    }

    #[test]
    fn statements_outside_the_store_are_refused() {
        let statements = [
            "select id from t",
            "SELECT 1",
            "insert into t values (1)",
            "update t set a = 1",
            "delete from t",
            "create table t (a)",
        ];
        for statement in statements {
            assert_eq!(
                rules("crates/server/src/a.rs", &format!("const A: &str = \"{statement}\";")),
                ["sql"],
                "{statement}"
            );
            for allowed in ["crates/store/src/a.rs", "crates/server/tests/a.rs"] {
                assert!(rules(allowed, &format!("const A: &str = \"{statement}\";")).is_empty());
            }
        }
    }

    #[test]
    fn sentences_that_begin_like_statements_are_allowed() {
        for text in ["Select an account from the list", "update the client", "select", "delete one client"] {
            assert!(
                rules("crates/server/src/a.rs", &format!("const A: &str = \"{text}\";")).is_empty(),
                "{text}"
            );
        }
    }

    #[test]
    fn the_escape_from_the_clock_rule_has_three_homes() {
        let text = "#[expect(clippy::disallowed_methods, reason = \"clock\")]\nfn now() {}";
        assert_eq!(rules("crates/server/src/oauth/token.rs", text), ["clock-and-entropy"]);
        assert!(rules("crates/server/src/clock.rs", text).is_empty());
    }
}
