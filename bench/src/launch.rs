//! Starting the server that is measured.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::http::send;
use crate::process::Process;

/// Starts the server with its data in `folder`; says how long it took to the first answer.
///
/// # Errors
/// When it does not answer in time.
pub fn launch(
    binary: &Path,
    folder: &Path,
    address: SocketAddr,
    database: Option<&str>,
) -> Result<(Process, Duration)> {
    let port = address.port().to_string();
    let shown = folder.display().to_string();
    let mut environment: Vec<(&str, String)> = [
        ("AYB_AUTH_JWT_SECRET", "benchmark-benchmark-benchmark-0123456789"),
        ("AYB_AUTH_OAUTH_PROVIDER_ENABLED", "true"),
        ("AYB_AUTH_OAUTH_PROVIDER_TOKEN_FAILURE_LIMIT", "0"),
        ("AYB_AUTH_RATE_LIMIT", "0"),
        ("AYB_TABLES_ENABLED", "true"),
        ("AYB_LOGGING_LEVEL", "warn"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec();
    environment.extend(database.map(|url| ("AYB_DATABASE_URL", url.to_owned())));
    let mut process =
        Process::start(binary, &["start", "--data-dir", &shown, "--port", &port], &environment)?;
    process.wait_for(address, Duration::from_secs(60))?;
    let begun = process.started;
    let end = Instant::now() + Duration::from_secs(30);
    while send(address, "GET", "/.well-known/openid-configuration", &[], "")
        .map_or(true, |reply| reply.status != 200)
    {
        ensure!(Instant::now() < end, "the server does not answer");
    }
    Ok((process, begun.elapsed()))
}
