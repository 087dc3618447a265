//! Counts tests by reading what their runners print: cargo, node's test runner, and plain closing lines.

/// What became of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed,
    Skipped,
}

/// The count of a suite.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) skipped: usize,
    /// Each test by name, as far as its runner names it.
    pub(super) tests: Vec<(String, Verdict)>,
}

impl Tally {
    /// Takes one line of output into account.
    pub(super) fn read(&mut self, line: &str) {
        let line = line.trim();
        if let Some(test) = cargo_test(line).or_else(|| node_test(line)) {
            self.tests.push(test);
        } else if let Some(totals) = line.strip_prefix("test result:") {
            self.add(
                number_before(totals, "passed"),
                number_before(totals, "failed"),
                number_before(totals, "ignored"),
            );
        } else if let Some(totals) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) {
            self.node_total(totals);
        } else if let Some((passed, failed, skipped)) = closing_line(line) {
            self.add(passed, failed, skipped);
        }
    }

    /// A suite that fails without a failing test, or in which nothing ran, has failed all the same.
    pub(super) fn finish(&mut self, success: bool) {
        if (!success || self.passed == 0) && self.failed == 0 {
            self.failed = 1;
            let name = if success { "no test ran" } else { "the suite did not finish" };
            self.tests.push((name.to_owned(), Verdict::Failed));
        }
    }

    pub(super) fn names_of_failures(&self) -> impl Iterator<Item = &str> {
        self.tests.iter().filter(|(_, verdict)| *verdict == Verdict::Failed).map(|(name, _)| name.as_str())
    }

    pub(super) fn line(&self) -> String {
        let Self { passed, failed, skipped, .. } = self;
        format!("{passed} passed, {failed} failed, {skipped} skipped")
    }

    fn add(&mut self, passed: usize, failed: usize, skipped: usize) {
        self.passed += passed;
        self.failed += failed;
        self.skipped += skipped;
    }

    /// `pass 3`, `fail 0`, `cancelled 1`, `skipped 0`
    fn node_total(&mut self, totals: &str) {
        let Some((word, number)) = totals.split_once(' ') else { return };
        let Ok(number) = number.trim().parse() else { return };
        match word {
            "pass" => self.add(number, 0, 0),
            "fail" | "cancelled" => self.add(0, number, 0),
            "skipped" | "todo" => self.add(0, 0, number),
            _ => {}
        }
    }
}

/// `12 passed, 0 failed` or `12 passed, 0 failed, 1 skipped`, as the whole line.
fn closing_line(line: &str) -> Option<(usize, usize, usize)> {
    let mut parts = line.split(", ").map(|part| part.split_once(' '));
    let mut next = |word: &str| match parts.next()?? {
        (number, named) if named == word => number.parse::<usize>().ok(),
        _ => None,
    };
    let (passed, failed) = (next("passed")?, next("failed")?);
    Some((passed, failed, next("skipped").unwrap_or(0)))
}

/// `test flows::code::wrong_verifier_is_refused ... ok`
fn cargo_test(line: &str) -> Option<(String, Verdict)> {
    let (name, verdict) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let verdict = match verdict.split([',', ' ']).next()? {
        "ok" => Verdict::Passed,
        "FAILED" => Verdict::Failed,
        "ignored" => Verdict::Skipped,
        _ => return None,
    };
    Some((name.to_owned(), verdict))
}

/// `✔ name (12.3ms)` of the readable form, or `ok 3 - name` of the TAP form.
fn node_test(line: &str) -> Option<(String, Verdict)> {
    let readable = [("✔ ", Verdict::Passed), ("✖ ", Verdict::Failed), ("﹣ ", Verdict::Skipped)];
    for (mark, verdict) in readable {
        if let Some(rest) = line.strip_prefix(mark) {
            let name = rest.rsplit_once(" (").map_or(rest, |(name, _)| name);
            return Some((name.to_owned(), verdict));
        }
    }
    let (state, name) = line.split_once(" - ")?;
    let (name, directive) = name.split_once(" # ").unwrap_or((name, ""));
    let verdict = match state.rsplit_once(' ')? {
        _ if directive.starts_with("SKIP") => Verdict::Skipped,
        ("ok", number) if is_number(number) => Verdict::Passed,
        ("not ok", number) if is_number(number) => Verdict::Failed,
        _ => return None,
    };
    Some((name.to_owned(), verdict))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The number in front of a word: 12 in `ok. 12 passed; 0 failed`.
fn number_before(text: &str, word: &str) -> usize {
    let head = text.split(word).next().unwrap_or_default().trim_end();
    head.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &str) -> Tally {
        let mut tally = Tally::default();
        lines.lines().for_each(|line| tally.read(line));
        tally
    }

    #[test]
    fn cargo_output_is_counted_over_all_binaries() {
        let seen = tally(
            "test a::one ... ok\ntest a::two ... FAILED\n\
             test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n\
             test b::three ... ignored, needs a disk\n\
             test result: ok. 0 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n",
        );
        assert_eq!((seen.passed, seen.failed, seen.skipped), (1, 1, 1));
        assert_eq!(seen.names_of_failures().collect::<Vec<_>>(), ["a::two"]);
        assert_eq!(seen.tests[2], ("b::three".to_owned(), Verdict::Skipped));
    }

    #[test]
    fn node_output_is_counted_in_both_forms() {
        let readable = tally(
            "✔ a person signs in (12.5ms)\n✖ logs out (3ms)\nℹ tests 2\nℹ pass 1\nℹ fail 1\nℹ skipped 0",
        );
        let tap = tally(
            "    ok 1 - a person signs in\n    not ok 2 - logs out\n# tests 2\n# pass 1\n# fail 1\n# skipped 0",
        );
        for seen in [&readable, &tap] {
            assert_eq!((seen.passed, seen.failed, seen.skipped), (1, 1, 0));
            assert_eq!(seen.tests[0], ("a person signs in".to_owned(), Verdict::Passed));
            assert_eq!(seen.names_of_failures().collect::<Vec<_>>(), ["logs out"]);
        }
    }

    #[test]
    fn a_plain_closing_line_is_counted() {
        for (line, expected) in [
            ("12 passed, 3 failed", (12, 3, 0)),
            ("12 passed, 0 failed, 1 skipped", (12, 0, 1)),
            ("12 passed so far", (0, 0, 0)),
            ("passed, failed", (0, 0, 0)),
        ] {
            let seen = tally(line);
            assert_eq!((seen.passed, seen.failed, seen.skipped), expected, "{line}");
        }
    }

    #[test]
    fn a_suite_in_which_nothing_ran_has_failed() {
        for success in [true, false] {
            let mut seen = Tally::default();
            seen.finish(success);
            assert_eq!(seen.failed, 1);
        }
        let mut seen = tally("test result: ok. 3 passed; 0 failed; 0 ignored");
        seen.finish(true);
        assert_eq!((seen.passed, seen.failed), (3, 0));
        let mut crashed = tally("test result: ok. 3 passed; 0 failed; 0 ignored");
        crashed.finish(false);
        assert_eq!((crashed.passed, crashed.failed), (3, 1));
    }
}
