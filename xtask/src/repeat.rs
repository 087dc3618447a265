//! `cargo xtask repeat`: the same tests again and again, each run timed; if asked, where there is no network.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::arguments::Arguments;
use crate::process;

/// Runs a program where loopback is the only network. That there is no way out is looked at, not believed.
const WITHOUT_NETWORK: &str = "ip link set lo up || exit 90
if ip route get 192.0.2.1 2>/dev/null; then echo 'there is a network'; exit 91; fi
exec \"$0\" \"$@\"";

/// What one run of the tests came to.
#[derive(Debug, Default, PartialEq)]
struct Run {
    passed: u32,
    failed: u32,
    /// What the tests themselves took, without cargo.
    seconds: f64,
}

pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    let without_network = arguments.switch("--without-network");
    let words = arguments.rest();
    let Some((times, words)) = words.split_first() else {
        bail!("say how often, then what `cargo test` is to run")
    };
    let times: u32 = times.parse().context("the first argument is a number: how often")?;
    process::run(process::cargo().args(["test", "--quiet", "--no-run"]).args(words))?;
    let started = Instant::now();
    let mut runs = Vec::new();
    for number in 1..=times {
        let run = once(without_network, words)?;
        println!("{number:>4}: {} passed, {} failed, {:.2} s", run.passed, run.failed, run.seconds);
        runs.push(run);
    }
    conclude(&runs, started.elapsed())
}

fn once(without_network: bool, words: &[String]) -> Result<Run> {
    let mut command = process::cargo();
    if without_network {
        let cargo = command.get_program().to_owned();
        command = Command::new("unshare");
        command.arg("--net").args(as_who()).args(["sh", "-c", WITHOUT_NETWORK]).arg(cargo).arg("--offline");
        command.current_dir(crate::repository::root()).env("CARGO_NET_OFFLINE", "true");
    }
    let output = command.args(["test", "--no-fail-fast"]).args(words).output();
    let output = output.with_context(|| format!("could not start `{}`", process::shown(&command)))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let run = read(&text);
    if !output.status.success() {
        println!("{text}{}", String::from_utf8_lossy(&output.stderr));
        bail!("a run failed: {} passed, {} failed", run.passed, run.failed);
    }
    Ok(run)
}

/// Only root may make a network of its own just so; others do it as themselves in a name space of users.
fn as_who() -> &'static [&'static str] {
    let is_root = process::capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if is_root { &[] } else { &["--map-current-user", "--keep-caps"] }
}

/// Adds up the closing lines of the test programs: `test result: ok. 5 passed; 0 failed; …; finished in 2.12s`.
fn read(text: &str) -> Run {
    let mut run = Run::default();
    for line in text.lines().filter_map(|line| line.strip_prefix("test result:")) {
        let before = |word: &str| {
            let number = line.split(word).next().and_then(|rest| rest.split_whitespace().last());
            number.and_then(|number| number.parse::<u32>().ok()).unwrap_or(0)
        };
        run.passed += before(" passed");
        run.failed += before(" failed");
        let took = line.split("finished in ").nth(1).and_then(|rest| rest.trim().strip_suffix('s'));
        run.seconds += took.and_then(|seconds| seconds.parse::<f64>().ok()).unwrap_or(0.0);
    }
    run
}

fn conclude(runs: &[Run], took: Duration) -> Result<()> {
    let Some(first) = runs.first() else { bail!("nothing ran") };
    if first.passed == 0 || runs.iter().any(|run| run.passed != first.passed) {
        bail!("not every run ran the same tests, or none ran any");
    }
    let mut seconds: Vec<f64> = runs.iter().map(|run| run.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    let (least, most) = (seconds[0], seconds[seconds.len() - 1]);
    println!(
        "\n{} runs of {} tests, all green: {least:.2} s to {most:.2} s, half of them within {:.2} s; {} in all",
        runs.len(),
        first.passed,
        seconds[seconds.len() / 2],
        process::duration(took)
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_add_up() {
        let text = "running 2 tests\n\
                    test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 7 filtered out; finished in 0.25s\n\
                    test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s\n";
        assert_eq!(read(text), Run { passed: 5, failed: 1, seconds: 1.75 });
        assert_eq!(read("nothing"), Run::default());
    }

    #[test]
    fn runs_without_tests_or_with_different_ones_prove_nothing() {
        let run = |passed| Run { passed, failed: 0, seconds: 0.1 };
        assert!(conclude(&[run(3), run(3)], Duration::ZERO).is_ok());
        for runs in [&[][..], &[run(0)], &[run(3), run(2)]] {
            assert!(conclude(runs, Duration::ZERO).is_err(), "{runs:?}");
        }
    }
}
