//! Keeps each test's verdict between commands, so that the gates can say which proof held.

use std::collections::HashMap;

use super::tally::{Tally, Verdict};
use crate::repository;

/// Verdicts of the last run, by the last part of the test's name.
pub(crate) struct Results {
    verdicts: HashMap<String, Verdict>,
}

impl Results {
    /// What became of a test when it last ran; nothing if it did not. A title with `${…}` in it stands for every test that
    /// is made with it, and the worst of them counts.
    pub(crate) fn of(&self, test: &str) -> Option<Verdict> {
        let Some((before, rest)) = test.split_once("${") else { return self.verdicts.get(test).copied() };
        let (_, after) = rest.split_once('}')?;
        let made = self.verdicts.iter().filter(|(name, _)| name.starts_with(before) && name.ends_with(after));
        made.map(|(_, verdict)| *verdict).max_by_key(|verdict| match verdict {
            Verdict::Passed => 0,
            Verdict::Skipped => 1,
            Verdict::Failed => 2,
        })
    }

    /// Failed if any test failed, passed if tests ran and none did.
    pub(crate) fn of_all(&self) -> Option<Verdict> {
        let failed = self.verdicts.values().any(|verdict| *verdict == Verdict::Failed);
        let all = if failed { Verdict::Failed } else { Verdict::Passed };
        (!self.verdicts.is_empty()).then_some(all)
    }

    /// Results as if these tests had run.
    #[cfg(test)]
    pub(crate) fn of_tests(tests: &[(&str, Verdict)]) -> Self {
        let mut results = Self { verdicts: HashMap::new() };
        tests.iter().for_each(|(name, verdict)| results.add(name, *verdict));
        results
    }

    fn add(&mut self, name: &str, verdict: Verdict) {
        let short = name.rsplit("::").next().unwrap_or(name).to_owned();
        let known = self.verdicts.entry(short).or_insert(verdict);
        // A test that one suite leaves to another is skipped in the one and runs in the other. Of two that ran, the worse
        // verdict stands.
        if verdict == Verdict::Failed || *known == Verdict::Skipped {
            *known = verdict;
        }
    }
}

pub(super) fn write(suite: &str, tally: &Tally) {
    let line = |(name, verdict): &(String, Verdict)| format!("{verdict:?}\t{name}\n");
    let text: String = tally.tests.iter().map(line).collect();
    let path = folder().join(suite);
    let written = std::fs::create_dir_all(folder()).and_then(|()| std::fs::write(&path, text));
    if let Err(error) = written {
        eprintln!("could not keep the results in {}: {error}", path.display());
    }
}

/// The verdicts of every suite's last run.
pub(crate) fn read() -> Results {
    let mut results = Results { verdicts: HashMap::new() };
    for (suite, _) in super::suites() {
        let text = std::fs::read_to_string(folder().join(suite)).unwrap_or_default();
        for (verdict, name) in text.lines().filter_map(|line| line.split_once('\t')) {
            results.add(name, parse(verdict));
        }
    }
    results
}

fn parse(verdict: &str) -> Verdict {
    match verdict {
        "Passed" => Verdict::Passed,
        "Skipped" => Verdict::Skipped,
        _ => Verdict::Failed,
    }
}

fn folder() -> std::path::PathBuf {
    repository::target().join("xtask/results")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_of_two_verdicts_stands() {
        let [passed, failed] = [Verdict::Passed, Verdict::Failed];
        let results = Results::of_tests(&[("a::same", passed), ("b::same", failed), ("c::same", passed)]);
        assert_eq!(results.of("same"), Some(Verdict::Failed));
        assert_eq!(results.of("other"), None);
    }

    #[test]
    fn a_test_that_is_left_to_another_suite_has_the_verdict_of_that_one() {
        use Verdict::{Failed, Passed, Skipped};
        for (verdicts, found) in [
            (&[Skipped][..], Skipped),
            (&[Skipped, Passed], Passed),
            (&[Passed, Skipped], Passed),
            (&[Failed, Passed, Skipped], Failed),
            (&[Skipped, Failed, Passed], Failed),
        ] {
            let tests: Vec<_> = verdicts.iter().map(|verdict| ("a::works", *verdict)).collect();
            assert_eq!(Results::of_tests(&tests).of("works"), Some(found), "{verdicts:?}");
        }
    }

    #[test]
    fn a_title_with_a_hole_stands_for_all_that_are_made_with_it() {
        let tests = [("takes a RS256 token", Verdict::Passed), ("takes a ES256 token", Verdict::Passed)];
        let results = Results::of_tests(&tests);
        assert_eq!(results.of("takes a ${alg} token"), Some(Verdict::Passed));
        assert_eq!(results.of("gives a ${alg} token"), None);
        let results = Results::of_tests(&[tests[0], ("takes a EdDSA token", Verdict::Failed)]);
        assert_eq!(results.of("takes a ${alg} token"), Some(Verdict::Failed));
    }
}
