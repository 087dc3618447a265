//! Where the tests stand, and whether any of them is unfit for the permanent suite.

use std::fmt::Write as _;

use super::list;
use crate::check::Tree;
use crate::finding::Finding;
use crate::repository;
use crate::source::{Source, words};
use crate::test;

/// What makes a test slow, flaky or silent, and what to do instead.
const UNFIT: &[(&str, &str, &str)] = &[
    ("thread::sleep", "waits for time to pass", "travel in time, or wait for the event itself"),
    ("time::sleep", "waits for time to pass", "travel in time, or wait for the event itself"),
    // With a reason it says who runs it: a suite that has started something first, or another test.
    ("#[ignore]", "is not run", "make it run, or say who runs it"),
    ("#[should_panic", "does not say what is wrong", "assert on the error"),
    ("set_var", "changes the environment of every other test", "pass the setting in"),
];

/// Files whose tests may wait for time to pass, and why.
const WAITING: &[(&str, &str)] = &[
    (
        "crates/client/tests/integration/blocking_test.rs",
        "a provider that takes its time, so that the program ends meanwhile",
    ),
    ("crates/client/tests/integration/torture_test.rs", "processes are killed at times that nobody chose"),
    ("crates/client/tests/kit/listen.rs", "an answer that is slow on purpose, so that a kill falls into it"),
    ("crates/client/tests/unit/token_storage_test.rs", "shows that something does not happen meanwhile"),
    ("crates/server/src/http/body.rs", "the clock of the runtime stands still and jumps"),
    ("crates/server/tests/kit/app.rs", "asks again until the answer is there"),
    ("crates/server/tests/process/binary.rs", "asks again until the answer is there"),
    ("crates/store/tests/tables/trouble.rs", "slow statements have to be under way at the database"),
];

/// Folders of tests and the layer that they belong to.
const LAYERS: &[(&str, &str)] = &[
    ("tests/browser/", "browser"),
    ("tests/interop/jose/", "differential"),
    ("tests/interop/", "outside clients"),
    ("tests/servers/", "outside servers"),
    ("/tests/", "crate border"),
    ("", "beside the code"),
];

pub(super) fn section(text: &mut String, tree: &Tree) {
    text.push_str(
        "\n## Tests\n\nEvery test below is part of `cargo xtask test`, which is the permanent suite:\n\n",
    );
    for (name, about) in test::suites() {
        let _ = writeln!(text, "- `{name}`: {about}");
    }
    text.push_str("\n| Layer | Files |\n| --- | --- |\n");
    for (index, (_, layer)) in LAYERS.iter().enumerate() {
        let count =
            tree.texts.iter().filter(|(path, body)| has_tests(path, body) && layer_of(path) == index).count();
        let _ = writeln!(text, "| {layer} | {count} |");
    }
    text.push_str("\nTests that wait for time to pass, and why they may:\n\n");
    for (path, why) in WAITING {
        let _ = writeln!(text, "- `{path}`: {why}");
    }
    text.push_str("\nTests that should be reworked before they stay:\n\n");
    list(text, &unfit(tree), "None.");
}

fn layer_of(path: &str) -> usize {
    let within =
        |folder: &str| path.starts_with(folder) || (folder.starts_with('/') && path.contains(folder));
    LAYERS.iter().position(|(folder, _)| within(folder)).unwrap_or(LAYERS.len() - 1)
}

fn has_tests(path: &str, text: &str) -> bool {
    match repository::extension(path) {
        "rs" => text.contains("#[test]") || text.contains("::test]"),
        "js" | "mjs" | "ts" | "tsx" => repository::is_test_file(path),
        _ => false,
    }
}

fn unfit(tree: &Tree) -> Vec<Finding> {
    tree.sources.iter().filter(|source| !source.path.starts_with("xtask/")).flat_map(in_source).collect()
}

fn in_source(source: &Source) -> Vec<Finding> {
    let found = UNFIT.iter().flat_map(|(word, what, hint)| {
        let may = word.ends_with("::sleep") && WAITING.iter().any(|(path, _)| source.path == *path);
        let places = words(&source.code, word).into_iter().filter(move |at| !may && source.is_test(*at));
        places.map(move |at| Finding {
            path: source.path.clone(),
            line: source.line_at(at),
            rule: "unfit-test",
            what: format!("a test {what}: {hint}"),
            hint,
        })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeping_and_ignored_tests_are_named() {
        let body = "#[test]\n#[ignore]\nfn a() { std::thread::sleep(d); }\n";
        let inside =
            format!("fn code() {{ std::thread::sleep(d); }}\n#[cfg(test)]\nmod tests {{\n{body}}}\n");
        let found = unfit(&Tree::of("crates/a/src/lib.rs", &inside));
        assert_eq!(found.iter().map(|finding| finding.line).collect::<Vec<_>>(), [6, 5]);
        let with_a_reason = inside.replace("#[ignore]", "#[ignore = \"the suite starts it\"]");
        assert_eq!(unfit(&Tree::of("crates/a/src/lib.rs", &with_a_reason)).len(), 1);
        assert_eq!(unfit(&Tree::of(WAITING[0].0, &with_a_reason)).len(), 0);
    }

    #[test]
    fn layers_are_told_apart_by_their_folder() {
        let layer = |path| LAYERS[layer_of(path)].1;
        assert_eq!(layer("tests/browser/journey.test.js"), "browser");
        assert_eq!(layer("crates/server/tests/flows/code.rs"), "crate border");
        assert_eq!(layer("crates/protocol/tests/jose/sign.rs"), "crate border");
        assert_eq!(layer("crates/provider/src/scope.rs"), "beside the code");
    }
}
