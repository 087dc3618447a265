//! Files and functions stay short enough to be read in one go.

use super::Tree;
use crate::finding::Finding;
use crate::repository;

/// A file longer than this (tests not counted) is refused.
const FILE_LIMIT: usize = 500;
/// Files longer than this are listed: they want to be cut.
const FILE_NOTICE: usize = 300;
/// A function longer than this (tests not counted) is refused.
const FUNCTION_LIMIT: usize = 60;
/// Functions longer than this are listed.
const FUNCTION_NOTICE: usize = 40;

/// Languages other than Rust whose files have the same limit.
const OTHER_SOURCES: &[&str] = &["ts", "tsx", "js", "mjs", "py", "sh", "css", "html"];

/// A file or function with its length.
struct Length {
    path: String,
    line: usize,
    name: String,
    lines: usize,
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let long_files = files(tree).into_iter().filter(|file| file.lines > FILE_LIMIT).map(|file| Finding {
        what: format!("{} lines outside tests, the limit is {FILE_LIMIT}", file.lines),
        path: file.path,
        line: file.line,
        rule: "file-length",
        hint: "cut it along its nouns",
    });
    let long_functions = functions(tree).into_iter().filter(|function| function.lines > FUNCTION_LIMIT);
    let long_functions = long_functions.map(|function| Finding {
        what: format!("`{}` has {} lines, the limit is {FUNCTION_LIMIT}", function.name, function.lines),
        path: function.path,
        line: function.line,
        rule: "function-length",
        hint: "give its steps names",
    });
    long_files.chain(long_functions).collect()
}

/// One line on how many files and functions are longer than they should be.
pub(super) fn summary(tree: &Tree) -> String {
    let files = files(tree).iter().filter(|file| file.lines > FILE_NOTICE).count();
    let functions = functions(tree).iter().filter(|function| function.lines > FUNCTION_NOTICE).count();
    format!(
        "{files} files over {FILE_NOTICE} lines, {functions} functions over {FUNCTION_NOTICE} lines \
         (`cargo xtask check --sizes` lists them)"
    )
}

/// Prints what is longer than it should be, longest first.
pub(super) fn list(tree: &Tree) {
    let long_files = files(tree).into_iter().filter(|file| file.lines > FILE_NOTICE);
    let long_functions = functions(tree).into_iter().filter(|function| function.lines > FUNCTION_NOTICE);
    for mut group in [long_files.collect::<Vec<_>>(), long_functions.collect()] {
        group.sort_by_key(|length| std::cmp::Reverse(length.lines));
        for Length { path, line, name, lines } in group {
            println!("{lines:>5}  {path}:{line} {name}");
        }
    }
}

fn files(tree: &Tree) -> Vec<Length> {
    let rust = tree.sources.iter().map(|source| (&source.path, source.lines_outside_tests()));
    let others = tree.texts.iter().filter(|(path, _)| OTHER_SOURCES.contains(&repository::extension(path)));
    let others = others.filter(|(path, _)| !repository::is_test_file(path));
    let others = others.map(|(path, text)| (path, text.lines().count()));
    let named =
        |(path, lines): (&String, usize)| Length { path: path.clone(), line: 1, name: String::new(), lines };
    rust.chain(others).map(named).collect()
}

fn functions(tree: &Tree) -> Vec<Length> {
    let each = tree.sources.iter().flat_map(|source| {
        source.functions().into_iter().map(|function| Length {
            path: source.path.clone(),
            line: function.line,
            name: function.name,
            lines: function.length,
        })
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_over_the_limit_is_refused_and_one_at_the_limit_is_not() {
        for (lines, refused) in [(FILE_LIMIT, false), (FILE_LIMIT + 1, true)] {
            for path in ["crates/a/src/lib.rs", "packages/a/src/main.ts"] {
                let tree = Tree::of(path, &"x\n".repeat(lines));
                assert_eq!(!check(&tree).is_empty(), refused, "{path} with {lines}");
            }
        }
    }

    #[test]
    fn a_function_over_the_limit_is_refused_unless_it_is_a_test() {
        let body = format!("fn long() {{\n{}}}\n", "x();\n".repeat(FUNCTION_LIMIT));
        let found = check(&Tree::of("crates/a/src/lib.rs", &body));
        assert_eq!(found.iter().map(|f| (f.rule, f.line)).collect::<Vec<_>>(), [("function-length", 1)]);
        let inside = format!("#[cfg(test)]\nmod tests {{\n{body}}}\n");
        assert!(check(&Tree::of("crates/a/src/lib.rs", &inside)).is_empty());
    }
}
