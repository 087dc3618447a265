//! Just enough of a Rust lexer to tell code from comments and from string literals,
//! so that a rule about code is not set off by prose.

mod lexer;

use std::ops::Range;

use lexer::Layer;

/// A Rust file, split into three texts of equal length: each keeps its own bytes and blanks the others.
pub(crate) struct Source {
    /// Path from the repository's root.
    pub(crate) path: String,
    /// Code without comments and without the contents of literals.
    pub(crate) code: String,
    /// Comments alone.
    pub(crate) comments: String,
    /// String literals alone, quotes included.
    pub(crate) literals: String,
    line_starts: Vec<usize>,
    tests: Vec<Range<usize>>,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    /// Its name.
    pub(crate) name: String,
    /// First line, with the `fn`.
    pub(crate) line: usize,
    /// Lines from the `fn` to the closing brace.
    pub(crate) length: usize,
}

impl Source {
    pub(crate) fn parse(path: &str, text: &str) -> Self {
        let layers = lexer::layers(text);
        let code = lexer::only(text, &layers, Layer::Code);
        let tests = test_ranges(path, &code);
        Self {
            path: path.to_owned(),
            comments: lexer::only(text, &layers, Layer::Comment),
            literals: lexer::only(text, &layers, Layer::Literal),
            line_starts: line_starts(text),
            code,
            tests,
        }
    }

    /// The line of a byte, counted from 1.
    pub(crate) fn line_at(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// True for bytes inside `#[cfg(test)]` items, and everywhere in a file of tests.
    pub(crate) fn is_test(&self, offset: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&offset))
    }

    /// Lines that are not tests.
    pub(crate) fn lines_outside_tests(&self) -> usize {
        self.line_starts.iter().filter(|start| !self.is_test(**start)).count()
    }

    /// Where a word or path occurs in the code, not as part of a longer word.
    pub(crate) fn occurrences(&self, word: &str) -> Vec<usize> {
        words(&self.code, word)
    }

    /// Functions with a body that are not tests.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let starts = self.occurrences("fn").into_iter().filter(|start| !self.is_test(*start));
        starts.filter_map(|start| self.function_at(start)).collect()
    }

    fn function_at(&self, start: usize) -> Option<Function> {
        let rest = self.code[start + 2..].trim_start();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
        let name = &rest[..end];
        let open = body_start(&self.code, start)?;
        let close = closing_brace(&self.code, open)?;
        let line = self.line_at(start);
        (!name.is_empty()).then(|| Function {
            name: name.to_owned(),
            line,
            length: self.line_at(close) - line + 1,
        })
    }
}

/// Where `word` occurs in `text` with no letter, digit or underscore around it.
pub(crate) fn words(text: &str, word: &str) -> Vec<usize> {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let starts_word = word.starts_with(part_of_word);
    let ends_word = word.ends_with(part_of_word);
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(|at| !starts_word || !text[..*at].ends_with(part_of_word))
        .filter(|at| !ends_word || !text[at + word.len()..].starts_with(part_of_word))
        .collect()
}

/// The brace that closes the one at `open`.
pub(crate) fn closing_brace(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.checked_sub(1)?,
            _ => continue,
        }
        if depth == 0 {
            return Some(offset);
        }
    }
    None
}

/// The first `{` outside parentheses, or nothing when the item ends with `;` before it.
fn body_start(code: &str, from: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (offset, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(offset),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

fn line_starts(text: &str) -> Vec<usize> {
    let after_newline = text.match_indices('\n').map(|(at, _)| at + 1).filter(|at| *at < text.len());
    std::iter::once(0).chain(after_newline).collect()
}

fn test_ranges(path: &str, code: &str) -> Vec<Range<usize>> {
    if crate::repository::is_test_file(path) {
        return std::iter::once(0..code.len()).collect();
    }
    let attributes = code.match_indices("#[cfg(test)]").map(|(at, _)| at);
    attributes.filter_map(|at| Some(at..closing_brace(code, body_start(code, at)?)? + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "\
//! async in prose
fn short() -> u8 { 1 }
fn long(
    a: u8,
) -> &'static str {
    // fn inside_comment() {}
    \"fn inside_text() { async }\"
}
#[cfg(test)]
mod tests {
    fn helper() {
    }
}
trait T { fn no_body(&self) -> [u8; 4]; }
";

    #[test]
    fn functions_are_measured_outside_comments_texts_and_tests() {
        let source = Source::parse("crates/x/src/lib.rs", SAMPLE);
        let found: Vec<_> = source.functions().into_iter().map(|f| (f.name, f.line, f.length)).collect();
        assert_eq!(found, [("short".to_owned(), 2, 1), ("long".to_owned(), 3, 6)]);
    }

    #[test]
    fn words_in_prose_and_texts_are_not_code() {
        let source = Source::parse("crates/x/src/lib.rs", SAMPLE);
        assert!(source.occurrences("async").is_empty());
        assert!(source.comments.contains("async in prose"));
        assert!(source.literals.contains("async"));
    }

    #[test]
    fn test_modules_do_not_count_towards_a_file() {
        let source = Source::parse("crates/x/src/lib.rs", SAMPLE);
        assert_eq!(source.lines_outside_tests(), SAMPLE.lines().count() - 5);
        assert_eq!(Source::parse("crates/x/tests/a.rs", SAMPLE).lines_outside_tests(), 0);
    }

    #[test]
    fn a_word_is_not_found_inside_a_longer_word() {
        assert_eq!(words("asynchronous async my_async", "async"), [13]);
        assert_eq!(words("std::fs::read std::fsx", "std::fs"), [0]);
    }
}
