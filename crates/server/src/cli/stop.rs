//! `ayb stop`: ends the server of a data folder.

use std::path::Path;
use std::time::Duration;

use super::context::Context;
use super::failure::{Exit, Failure};
use super::process;

/// How often to look whether the server is gone.
const GLANCE: Duration = Duration::from_millis(50);

/// Asks the server of the data folder to stop, and waits until it has.
pub fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let data_dir = context.data_dir();
    let found = process::holder(&data_dir);
    let found = found.map_err(|error| {
        Failure::failed(format!("cannot tell whether a server runs on {}", data_dir.display()))
            .because(error.to_string())
    })?;
    let Some(holder) = found else {
        return Err(Failure::new(Exit::NotFound, format!("no server runs on {}", data_dir.display()))
            .hint("--data-dir names another data folder"));
    };
    terminate(holder.process)?;
    wait(&data_dir, patience(context))?;
    context.console.say("The server has stopped.")
}

/// The server gets its own time to finish requests, and a little more.
fn patience(context: &Context<'_>) -> Duration {
    let setting =
        context.local_settings().setting("server.shutdown_timeout").map(|found| found.value.to_string());
    let seconds: u64 = setting.and_then(|text| text.parse().ok()).unwrap_or(10);
    Duration::from_secs(seconds + 5)
}

fn wait(data_dir: &Path, patience: Duration) -> Result<(), Failure> {
    let glances = patience.as_millis() / GLANCE.as_millis();
    for _ in 0..glances {
        if matches!(process::holder(data_dir), Ok(None)) {
            return Ok(());
        }
        std::thread::sleep(GLANCE);
    }
    Err(Failure::failed("the server was asked to stop and has not yet")
        .hint("its log says what it waits for"))
}

#[cfg(unix)]
fn terminate(process: u32) -> Result<(), Failure> {
    use rustix::process::{Pid, Signal, kill_process};
    let number = i32::try_from(process).ok().and_then(Pid::from_raw);
    let sent = number.map(|number| kill_process(number, Signal::TERM));
    match sent {
        Some(Ok(())) => Ok(()),
        Some(Err(error)) => {
            Err(Failure::failed(format!("cannot signal process {process}")).because(error.to_string()))
        }
        None => Err(Failure::failed("the process file holds no process number")),
    }
}

#[cfg(not(unix))]
fn terminate(process: u32) -> Result<(), Failure> {
    Err(Failure::failed(format!("process {process} cannot be asked to stop on this system"))
        .hint("press Ctrl-C where it runs"))
}
