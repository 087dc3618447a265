//! `cargo xtask bench`: builds the benchmarks for speed and runs them.

use anyhow::{Result, bail};

use crate::arguments::Arguments;
use crate::{process, repository};

pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    let manifest = "bench/Cargo.toml";
    if repository::text(manifest).is_none() {
        bail!("{manifest} is missing");
    }
    process::run(process::cargo().args(["build", "--release", "--package", "ayb-server", "--bin", "ayb"]))?;
    let mut bench = process::cargo();
    bench.args(["run", "--release", "--manifest-path", manifest, "--"]).args(arguments.rest());
    // The benchmark starts the very server that would be shipped.
    bench.env("AYB_BENCH_BIN", repository::target().join("release/ayb"));
    process::run(&mut bench)
}
