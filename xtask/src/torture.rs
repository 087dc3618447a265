//! `cargo xtask torture`: the torture of the client's refresh for longer than a run of all tests has time.

use anyhow::{Context as _, Result};

use crate::arguments::Arguments;
use crate::process;

/// How long it takes when nobody says so.
const SECONDS: u32 = 300;

/// Fifty processes share one refresh token and are killed.
const TEST: &str = "integration::torture_test::fifty_processes_lose_nothing_for_a_long_time";

pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    let seconds: u32 = match arguments.rest().first() {
        Some(word) => word.parse().with_context(|| format!("{word} is not a number of seconds"))?,
        None => SECONDS,
    };
    println!("{seconds} seconds");
    let words = ["test", "--quiet", "--package", "ayb-client", "--test", "suite", "--"];
    let mut command = process::cargo();
    command.args(words).args([TEST, "--exact", "--ignored", "--nocapture"]);
    process::run(command.env("AYB_TORTURE_SECONDS", seconds.to_string()))
}
