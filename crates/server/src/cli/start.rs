//! `ayb start`: the server in the foreground.

use std::net::IpAddr;

use clap::Args;

use super::context::Context;
use super::failure::Failure;
use super::process;
use crate::config::{Config, Override, Sources, gather};
use crate::{start, telemetry};

/// Flags of `ayb start`.
#[derive(Args, Clone, Debug)]
pub struct StartFlags {
    /// Port to listen on
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Address to listen on; 0.0.0.0 or :: for every network of the machine
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub host: Option<IpAddr>,
    /// Start with a demonstration app, client and user
    #[arg(long)]
    pub demo: bool,
}

impl StartFlags {
    /// Adds the flags to the sources of the configuration.
    pub fn add_to(&self, sources: &mut Sources) {
        let port = self.port.map(|port| ("server.port", port.to_string(), "--port"));
        let host = self.host.map(|host| ("server.host", host.to_string(), "--host"));
        let given = port.into_iter().chain(host);
        sources.overrides.extend(given.map(|(key, text, flag)| Override { key, text, flag }));
    }
}

/// Reads the configuration and serves until the process is asked to stop.
pub fn run(flags: &StartFlags, context: &mut Context<'_>) -> Result<(), Failure> {
    let mut sources = context.sources();
    flags.add_to(&mut sources);
    let (config, _) = gather(&sources).into_config().map_err(|error| Failure::failed(error.to_string()))?;
    let config = if flags.demo { with_demo(config) } else { config };
    // Something else may have set logging up, as tests do; the first one wins.
    let _ = telemetry::init(config.logging.level, config.logging.format);
    let folder = config.server.data_dir.clone();
    std::fs::create_dir_all(&folder).map_err(|error| {
        Failure::failed(format!("cannot make the data folder {}", folder.display()))
            .because(error.to_string())
            .hint(FOLDER)
    })?;
    let mut claim = process::claim(&folder).map_err(|error| claimed(&error, &folder))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = start::run(config, flags.demo, |addresses| claim.listens_at(addresses));
    runtime.block_on(served).map_err(|error| explain(&error))
}

/// The demo needs the provider; everything else stays as configured.
fn with_demo(mut config: Config) -> Config {
    config.auth.enabled = true;
    config.auth.provider.enabled = true;
    config
}

fn claimed(error: &std::io::Error, folder: &std::path::Path) -> Failure {
    if error.kind() == std::io::ErrorKind::WouldBlock {
        return Failure::failed(format!("another server uses the data folder {}", folder.display()))
            .hint("stop it with `ayb stop`, or choose another --data-dir");
    }
    Failure::failed(format!("the data folder {} cannot be used", folder.display()))
        .because(error.to_string())
        .hint(FOLDER)
}

/// What to do about a data folder that cannot be made or used.
pub(super) const FOLDER: &str =
    "give the user that runs ayb the right to make it and to write there, or choose another --data-dir";

/// An error of the start in the words of the command line. Whoever knew what to do wrote it into the message; about other
/// errors their cause tells.
pub(super) fn explain(error: &anyhow::Error) -> Failure {
    let mut causes = error.chain().map(ToString::to_string);
    let message = causes.next().unwrap_or_default();
    let (message, hint) = match message.split_once("\nhint: ") {
        Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
        None => (message, start::hints::of(error).map(str::to_owned)),
    };
    let cause = causes.collect::<Vec<_>>().join(": ");
    let failure = Failure::failed(message);
    let failure = if cause.is_empty() { failure } else { failure.because(cause) };
    failure.hint(hint.unwrap_or_else(|| "`ayb doctor` looks at everything that the server needs".to_owned()))
}

fn address(text: &str) -> Result<IpAddr, &'static str> {
    let address = if text == "localhost" { "127.0.0.1" } else { text };
    address.parse().map_err(|_| "an IP address such as 127.0.0.1, 0.0.0.0 or ::")
}
