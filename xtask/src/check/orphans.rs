//! Every Rust file belongs to a crate: a file that no `mod` names is never compiled, and its tests never run.

use std::collections::HashSet;

use super::Tree;
use crate::finding::Finding;

/// Names of files that cargo finds by itself.
const ROOTS: &[&str] = &["lib.rs", "main.rs", "build.rs", "suite.rs"];
/// Folders whose files are crate roots.
const ROOT_FOLDERS: &[&str] = &["/src/bin/", "/examples/", "/benches/", "/fuzz_targets/"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let declared: HashSet<String> =
        tree.sources.iter().flat_map(|s| declared_modules(&s.path, &s.code)).collect();
    let manifests: String =
        tree.texts.iter().filter(|(path, _)| path.ends_with("Cargo.toml")).map(|(_, t)| &**t).collect();
    let orphans = tree.sources.iter().filter(|source| {
        let path = &source.path;
        let name = path.rsplit('/').next().unwrap_or(path);
        let is_root = ROOTS.contains(&name)
            || ROOT_FOLDERS.iter().any(|folder| format!("/{path}").contains(folder))
            || manifests.contains(&format!("/{name}\""));
        !is_root && !declared.contains(path)
    });
    orphans.map(|source| finding(&source.path)).collect()
}

fn finding(path: &str) -> Finding {
    Finding {
        path: path.to_owned(),
        line: 1,
        rule: "orphan",
        what: "no `mod` names this file, so it is never compiled".to_owned(),
        hint: "add the `mod` line, or delete the file",
    }
}

/// The files that the `mod name;` lines of a file may mean.
fn declared_modules(path: &str, code: &str) -> Vec<String> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.trim_end_matches(".rs");
    let base = match stem {
        "lib" | "main" | "mod" | "suite" => folder.to_owned(),
        _ => format!("{folder}/{stem}"),
    };
    let modules = crate::source::words(code, "mod").into_iter().filter_map(|at| {
        let (name, _) = code[at + 3..].split_once(';')?;
        let name = name.trim();
        name.chars().all(|c| c.is_alphanumeric() || c == '_').then(|| name.to_owned())
    });
    modules.flat_map(|name| [format!("{base}/{name}.rs"), format!("{base}/{name}/mod.rs")]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_mod_line_is_an_orphan() {
        let found = check(&Tree::of("crates/a/tests/flows/code.rs", "fn f() {}"));
        assert_eq!(found.iter().map(|f| f.rule).collect::<Vec<_>>(), ["orphan"]);
        assert!(check(&Tree::of("crates/a/src/lib.rs", "fn f() {}")).is_empty());
    }

    #[test]
    fn modules_are_looked_for_beside_or_below_their_parent() {
        assert_eq!(declared_modules("a/src/lib.rs", "pub mod b;")[0], "a/src/b.rs");
        assert_eq!(declared_modules("a/src/b.rs", "mod c;\nmod inline { }")[0], "a/src/b/c.rs");
        assert_eq!(declared_modules("a/src/b.rs", "mod inline { }").len(), 0);
    }
}
