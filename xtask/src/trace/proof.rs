//! Looks up a proof: a test by its name, a file, a heading, a developer command.

use crate::check::{has_anchor, is_command};
use crate::repository;
use crate::source::words;

/// What is wrong with a proof; nothing if it exists.
pub(crate) fn problem(proof: &str) -> Option<String> {
    if let Some(command) = proof.strip_prefix("cargo xtask ") {
        let name = command.split(' ').next().unwrap_or_default();
        return (!is_command(name)).then(|| format!("there is no `{proof}`"));
    }
    if let Some((path, test)) = proof.split_once("::") {
        return test_problem(path, test);
    }
    let (path, anchor) = proof.split_once('#').unwrap_or((proof, ""));
    if !repository::root().join(path).exists() {
        return Some(format!("there is no file `{path}`"));
    }
    let found = anchor.is_empty() || repository::text(path).is_some_and(|text| has_anchor(&text, anchor));
    (!found).then(|| format!("`{path}` has no heading for `#{anchor}`"))
}

fn test_problem(path: &str, test: &str) -> Option<String> {
    let Some(text) = repository::text(path) else { return Some(format!("there is no file `{path}`")) };
    let found = match repository::extension(path) {
        "rs" => has_rust_test(&text, test),
        "py" => text.lines().any(|line| words(line, &format!("def {test}")).len() == 1),
        _ => has_titled_test(&text, test),
    };
    (!found).then(|| format!("`{path}` has no test `{test}`"))
}

/// A function of that name with a test attribute above it.
fn has_rust_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let is_function = |line: &&str| words(line, &format!("fn {name}")).len() == 1;
    let functions = lines.iter().enumerate().filter(|(_, line)| is_function(line));
    functions.map(|(index, _)| index).any(|index| {
        let above = lines[..index].iter().rev().map(|line| line.trim());
        let mut attributes =
            above.take_while(|line| line.starts_with("#[") || line.starts_with("//") || line.ends_with(")]"));
        attributes.any(|line| line.starts_with("#[") && line.contains("test"))
    })
}

/// `test("title"`, `it('title'` or `` t.test(`title` ``.
fn has_titled_test(text: &str, title: &str) -> bool {
    let quotes = ['"', '\'', '`'];
    quotes.iter().any(|quote| text.contains(&format!("({quote}{title}{quote}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_test_must_exist_and_be_a_test() {
        let this = "xtask/src/trace/proof.rs";
        assert_eq!(problem(&format!("{this}::a_named_test_must_exist_and_be_a_test")), None);
        for absent in ["no_such_test", "has_titled_test", "a_named_test"] {
            assert!(problem(&format!("{this}::{absent}")).is_some(), "{absent}");
        }
        assert!(problem("xtask/src/nowhere.rs::a").is_some());
    }

    #[test]
    fn attributes_of_other_test_runners_count() {
        assert!(has_rust_test("#[tokio::test]\nasync fn a() {}", "a"));
        assert!(has_rust_test("#[test]\n#[ignore]\nfn a() {}", "a"));
        assert!(!has_rust_test("#[test]\nfn b() {}\nfn a() {}", "a"));
        assert!(!has_rust_test("// fn a()\n", "a"));
    }

    #[test]
    fn tests_of_scripts_are_found_by_their_title() {
        assert!(has_titled_test("test(\"a person signs in\", async () => {", "a person signs in"));
        assert!(!has_titled_test("// a person signs in", "a person signs in"));
    }

    #[test]
    fn files_headings_and_commands_are_proofs() {
        let table = [
            ("Cargo.toml", true),
            ("no/such/file", false),
            ("cargo xtask check --fast", true),
            ("cargo xtask nonsense", false),
            ("Cargo.toml#no-such-heading", false),
        ];
        for (proof, exists) in table {
            assert_eq!(problem(proof).is_none(), exists, "{proof}");
        }
    }
}
