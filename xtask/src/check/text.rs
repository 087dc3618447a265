//! Rules for every line of every text file.

use super::Tree;
use crate::finding::Finding;
use crate::source::{Source, words};

/// Marks that promise work for later. Put together here so that this file passes its own rule.
const MARKS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX"), concat!("HA", "CK")];

/// Words in a host's name that give away a package registry or a mirror of one.
const REGISTRY_WORDS: &[&str] =
    &["registry", "crates", "npmjs", "npm", "pypi", "pythonhosted", "artifactory", "nexus", "mirror"];

/// How host names end.
const TOP_LEVELS: &[&str] = &["io", "org", "com", "net", "dev", "cloud", "internal", "local", "lan"];

/// Folders of one person's or one machine.
const MACHINE_FOLDERS: &[&str] =
    &[concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/"), concat!("/wo", "rk/")];

/// Files that other programs write, or that are data.
fn is_data(path: &str) -> bool {
    path.starts_with("vectors/")
        || path.starts_with("fuzz/seeds/")
        || path.ends_with("Cargo.lock")
        || path.ends_with("package-lock.json")
        || path.contains("/snapshots/")
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in &tree.texts {
        found.extend(text.lines().enumerate().flat_map(|(index, line)| line_findings(path, index + 1, line)));
        if !is_data(path) && !text.is_empty() && !text.ends_with('\n') {
            let line = text.lines().count();
            found.push(finding(
                path,
                line,
                "last-line",
                "no line break at the end".to_owned(),
                "end it with one",
            ));
        }
    }
    found.extend(tree.sources.iter().flat_map(code_findings));
    found
}

fn finding(path: &str, line: usize, rule: &'static str, what: String, hint: &'static str) -> Finding {
    Finding { path: path.to_owned(), line, rule, what, hint }
}

fn line_findings(path: &str, number: usize, line: &str) -> Vec<Finding> {
    let host = registry_host(line).filter(|_| !path.ends_with("Cargo.lock"));
    let host =
        host.map(|host| ("registry-host", format!("`{host}`"), "no file names a package registry's host"));
    let ours = if is_data(path) { [None, None, None] } else { style_findings(line) };
    let found = std::iter::once(host).chain(ours).flatten();
    found.map(|(rule, what, hint)| finding(path, number, rule, what, hint)).collect()
}

/// Rule, what was seen, and hint.
type Seen = (&'static str, String, &'static str);

fn style_findings(line: &str) -> [Option<Seen>; 3] {
    let space = line.ends_with([' ', '\t']);
    let mark = MARKS.iter().find(|mark| !words(line, mark).is_empty());
    let folder = MACHINE_FOLDERS.iter().find(|folder| names_folder(line, folder));
    [
        space.then(|| ("trailing-space", "space at the end of the line".to_owned(), "delete it")),
        mark.map(|mark| ("mark", format!("`{mark}`"), "do it now, or write it into CHANGELOG's known gaps")),
        folder.map(|folder| ("machine-path", format!("`{folder}`"), "use a path relative to the repository")),
    ]
}

/// True if an absolute path begins with `folder`, as against a URL's path that contains it.
fn names_folder(line: &str, folder: &str) -> bool {
    let absolute = |at: usize| {
        !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '/' | '-' | '_' | '}'))
    };
    line.match_indices(folder).any(|(at, _)| absolute(at))
}

fn registry_host(line: &str) -> Option<&str> {
    let hosts = line.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-')));
    hosts.map(|host| host.trim_matches(['.', '-'])).find(|host| is_registry_host(host))
}

fn is_registry_host(host: &str) -> bool {
    let labels: Vec<&str> = host.split('.').collect();
    let Some((last, names)) = labels.split_last() else { return false };
    let telling = |label: &&str| label.split('-').any(|word| REGISTRY_WORDS.contains(&word));
    !names.is_empty() && TOP_LEVELS.contains(last) && names.iter().any(telling)
}

/// Leftovers in Rust code: debugging aids, and code that hides in comments.
fn code_findings(source: &Source) -> Vec<Finding> {
    let leftover = source.occurrences(concat!("db", "g!")).into_iter();
    let leftover = leftover.map(|at| {
        let line = source.line_at(at);
        finding(&source.path, line, "debugging", "a debugging macro".to_owned(), "delete it")
    });
    let comments = source.comments.lines().enumerate().filter(|(_, line)| is_commented_code(line.trim()));
    let hidden = comments.map(|(index, line)| {
        let shown = line.trim().to_owned();
        finding(&source.path, index + 1, "commented-code", shown, "delete it; git remembers")
    });
    leftover.chain(hidden).collect()
}

fn is_commented_code(comment: &str) -> bool {
    let Some(body) = comment.strip_prefix("//").filter(|body| !body.starts_with(['/', '!'])) else {
        return false;
    };
    let body = body.trim();
    let opens = ["let ", "use ", "pub ", "fn ", "if ", "for ", "while ", "match ", "return ", "impl ", "#["];
    let begins_like_code = opens.iter().any(|word| body.starts_with(word));
    let ends_like_code = body.ends_with(';') || body.ends_with('{');
    let call = body.ends_with(");") || body.ends_with("});");
    matches!(body, "}" | "};" | "})" | "});")
        || call
        || (begins_like_code && ends_like_code)
        || body.starts_with("#[")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<&'static str> {
        check(&Tree::of(path, text)).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn leftovers_are_refused_with_their_line() {
        let table = [
            (format!("a\n// {} later\n", MARKS[0]), "mark"),
            ("a \n".to_owned(), "trailing-space"),
            (format!("see {}ada/x\n", MACHINE_FOLDERS[0]), "machine-path"),
            (format!("fn f() {{ {}(1) }}\n", concat!("db", "g!")), "debugging"),
            ("// let a = b;\n".to_owned(), "commented-code"),
            ("    // verify(token);\n".to_owned(), "commented-code"),
            ("// }\n".to_owned(), "commented-code"),
            ("a".to_owned(), "last-line"),
        ];
        for (text, rule) in table {
            assert_eq!(rules("crates/a/src/lib.rs", &text), [rule], "{text}");
        }
    }

    #[test]
    fn ordinary_comments_and_words_are_allowed() {
        let table = [
            "// The caller decides; nothing is written before.\n",
            "/// let a = b;\n",
            "// if the code was used before, the grant dies\n",
            "const MASTODON: u8 = 1;\n",
            "// https://ayb.example/home/page\n",
            "let a = \"// let b = c;\";\n",
        ];
        for text in table {
            assert!(
                rules("crates/a/src/lib.rs", text).is_empty(),
                "{text}: {:?}",
                rules("crates/a/src/lib.rs", text)
            );
        }
    }

    #[test]
    fn hosts_of_registries_are_refused() {
        for labels in
            [["registry", "npmjs", "org"], ["static", "crates", "io"], ["pypi-mirror", "corp", "internal"]]
        {
            let text = format!("see https://{}/x\n", labels.join("."));
            assert_eq!(rules("docs/a.md", &text), ["registry-host"], "{text}");
        }
        for text in ["see registry.rs\n", "https://example.com/registry\n", "npm install\n"] {
            assert!(rules("docs/a.md", text).is_empty(), "{text}");
        }
    }

    #[test]
    fn lock_files_of_npm_must_not_name_their_registry() {
        let text = format!("\"resolved\": \"https://{}/a.tgz\"\n", ["registry", "npmjs", "org"].join("."));
        assert_eq!(rules("tests/browser/package-lock.json", &text), ["registry-host"]);
    }
}
