//! Documents keep their word: links lead somewhere, and the commands that they show exist.

use super::Tree;
use crate::finding::Finding;
use crate::repository;

/// The folder of the manual.
const SITE: &str = "docs-site/";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let documents = tree.texts.iter().filter(|(path, _)| repository::extension(path) == "md");
    documents.flat_map(|(path, text)| document(path, text)).collect()
}

fn document(path: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut in_block = false;
    for (index, line) in text.lines().enumerate() {
        let finding = |rule, what, hint| Finding { path: path.to_owned(), line: index + 1, rule, what, hint };
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        }
        for name in unknown_commands(line) {
            let what = format!("`cargo xtask {name}` does not exist");
            found.push(finding("command", what, "`cargo xtask help` lists what there is"));
        }
        for target in links(line).filter(|_| !in_block).filter(|target| !resolves(path, text, target)) {
            found.push(finding(
                "link",
                format!("`{target}` leads nowhere"),
                "correct the path or the heading",
            ));
        }
    }
    found
}

fn unknown_commands(line: &str) -> impl Iterator<Item = &str> {
    let names = line.match_indices("cargo xtask ").map(|(at, before)| {
        let rest = &line[at + before.len()..];
        rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or_default()
    });
    names.filter(|name| !name.is_empty() && !name.starts_with('-') && !is_command(name))
}

/// True if `cargo xtask <name>` exists.
pub(crate) fn is_command(name: &str) -> bool {
    name == "help" || crate::COMMANDS.iter().any(|command| command.name == name)
}

/// The targets of `[text](target)` in a line.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.match_indices("](").filter_map(|(at, _)| line[at + 2..].split(')').next());
    targets.map(|target| target.split(' ').next().unwrap_or(target)).filter(|target| !target.contains("://"))
}

fn resolves(path: &str, text: &str, target: &str) -> bool {
    if target.starts_with("mailto:") {
        return true;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    if file.is_empty() {
        return has_anchor(text, anchor);
    }
    let Some(file) = resolved(path, file) else { return false };
    if anchor.is_empty() {
        // The site drops the extension of its pages.
        return [file.clone(), format!("{file}.md")]
            .iter()
            .any(|file| repository::root().join(file).exists());
    }
    let page = repository::text(&file).or_else(|| repository::text(&format!("{file}.md")));
    page.is_some_and(|text| has_anchor(&text, anchor))
}

/// A link's path from the root; nothing if it leaves the repository. On the site `/` is the folder of the site.
fn resolved(from: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = match (link.starts_with('/'), from.strip_prefix(SITE)) {
        (true, Some(_)) => vec![SITE.trim_end_matches('/'), ""],
        (true, None) => vec![""],
        (false, _) => from.split('/').collect(),
    };
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// True if a heading, or an explicit `{#id}`, makes this anchor.
pub(crate) fn has_anchor(text: &str, anchor: &str) -> bool {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| line.trim_start_matches('#').trim())
        .any(|heading| heading.strip_suffix(&format!("{{#{anchor}}}")).is_some() || slug(heading) == anchor)
}

/// The anchor of a heading: lower case, spaces to hyphens, other signs dropped.
fn slug(heading: &str) -> String {
    let lower = heading.to_lowercase();
    let kept = lower.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_the_site_start_at_its_folder() {
        assert_eq!(resolved("docs-site/guide/a.md", "/guide/b").as_deref(), Some("docs-site/guide/b"));
        assert_eq!(resolved("docs-site/guide/a.md", "../x.md").as_deref(), Some("docs-site/x.md"));
        assert_eq!(resolved("docs/a.md", "/README.md").as_deref(), Some("README.md"));
    }

    fn rules(text: &str) -> Vec<&'static str> {
        document("docs/page.md", text).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn commands_that_do_not_exist_are_refused() {
        assert_eq!(rules("run `cargo xtask frobnicate` now"), ["command"]);
        assert!(rules("run `cargo xtask check --fast` now").is_empty());
    }

    #[test]
    fn links_must_lead_to_a_file_or_a_heading() {
        let table = [
            ("[a](no/such/file.md)", false),
            ("[a](../Cargo.toml)", true),
            ("[a](../../outside.md)", false),
            ("[a](https://example.com/x)", true),
            ("# The Heading, really\n[a](#the-heading-really)", true),
            ("# Heading\n[a](#other)", false),
            ("```\n[a](nowhere.md)\n```", true),
        ];
        for (text, good) in table {
            assert_eq!(rules(text).is_empty(), good, "{text}");
        }
    }
}
