//! The network: who can reach the server, and whether its public address leads to it.

use std::time::Duration;

use reqwest::redirect::Policy;
use serde_json::Value;

use super::Finding;
use crate::config::Config;

const PATIENCE: Duration = Duration::from_secs(5);

const OFF: &str = "is off: there are accounts, and no OAuth; `ayb config set auth.oauth_provider.enabled true` switches it on";

/// Looks at addresses.
pub(super) async fn examine(config: &Config, process: Option<u32>) -> Vec<Finding> {
    let provider = match config.auth.provider.enabled {
        true => discovery(config, process).await,
        false => Finding::good("provider", OFF),
    };
    vec![exposure(config), provider]
}

fn exposure(config: &Config) -> Finding {
    let server = &config.server;
    if server.listens_on_loopback() && !server.is_for_this_machine() && server.trusted_proxies.is_empty() {
        let (host, port, public) = (server.host, server.port, &server.public_url);
        let text = format!("{host}:{port}, for this machine only, and {public} is for others");
        let hint = "name the proxy in front in server.trusted_proxies: until then all have its address, and share limits";
        return Finding::doubtful("listening", text, hint);
    }
    let encrypted = server.tls_cert_file.is_some() || !server.trusted_proxies.is_empty();
    if server.listens_on_loopback() {
        return Finding::good("listening", format!("{}:{}, for this machine only", server.host, server.port));
    }
    if encrypted {
        return Finding::good("listening", format!("{}:{}", server.host, server.port));
    }
    Finding::doubtful(
        "listening",
        format!("{}:{} speaks plain http to every network of this machine", server.host, server.port),
        "set server.tls_cert_file and tls_key_file, or put a TLS proxy in front and name it in server.trusted_proxies",
    )
}

/// Whether the public address leads to this very issuer. A server that does not run is no fault.
async fn discovery(config: &Config, process: Option<u32>) -> Finding {
    const SUBJECT: &str = "issuer";
    let issuer = &config.server.public_url;
    let url = format!("{issuer}/.well-known/openid-configuration");
    let client = reqwest::Client::builder().timeout(PATIENCE).redirect(Policy::none()).build();
    let Ok(client) = client else {
        return Finding::doubtful(SUBJECT, "could not be tried", "the HTTP client does not start");
    };
    let document: Option<Value> = match client.get(&url).send().await {
        Ok(response) => response.json().await.ok(),
        Err(error) => return silent(SUBJECT, config, process, &error),
    };
    match document.as_ref().and_then(|document| document["issuer"].as_str()) {
        Some(said) if said == issuer => Finding::good(SUBJECT, format!("{issuer} answers with its own name")),
        Some(_) => Finding::bad(
            SUBJECT,
            format!("{issuer} answers with another issuer"),
            "server.public_url must be the address that clients use, letter by letter",
        ),
        None => Finding::bad(
            SUBJECT,
            format!("{issuer} answers, but not with the discovery document"),
            "does the proxy pass /.well-known on?",
        ),
    }
}

/// Nothing answers at the public address: whether it should, who knows that a server runs, and why it does not.
fn silent(
    subject: &'static str,
    config: &Config,
    process: Option<u32>,
    error: &dyn std::error::Error,
) -> Finding {
    let cause = std::iter::successors(error.source(), |error| error.source()).last();
    let cause = cause.map_or_else(|| error.to_string(), ToString::to_string);
    let server = &config.server;
    let (issuer, folder) = (&server.public_url, server.data_dir.display());
    match process {
        None => {
            let text = format!("no server runs on {folder}, and {issuer} does not answer: {cause}");
            Finding::doubtful(subject, text, "`ayb start` starts it")
        }
        Some(process) => {
            let text = format!(
                "a server runs on {folder} (process {process}), and {issuer} does not answer: {cause}"
            );
            let (host, port) = (server.host, server.port);
            let hint = format!(
                "does that address lead to {host}:{port}? Look at proxy, DNS and certificate, and whether the server was \
                 started with other flags"
            );
            Finding::doubtful(subject, text, hint)
        }
    }
}
