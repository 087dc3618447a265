//! The network: who can reach the server, and whether its public address leads to it.

use std::time::Duration;

use reqwest::redirect::Policy;
use serde_json::Value;

use super::Finding;
use crate::config::Config;

const PATIENCE: Duration = Duration::from_secs(5);

/// Looks at addresses.
pub(super) async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![exposure(config)];
    if config.auth.provider.enabled {
        findings.push(discovery(config).await);
    }
    findings
}

fn exposure(config: &Config) -> Finding {
    let server = &config.server;
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
async fn discovery(config: &Config) -> Finding {
    const SUBJECT: &str = "issuer";
    let issuer = &config.server.public_url;
    let url = format!("{issuer}/.well-known/openid-configuration");
    let client = reqwest::Client::builder().timeout(PATIENCE).redirect(Policy::none()).build();
    let Ok(client) = client else {
        return Finding::doubtful(SUBJECT, "could not be tried", "the HTTP client does not start");
    };
    let document: Option<Value> = match client.get(&url).send().await {
        Ok(response) => response.json().await.ok(),
        Err(_) => {
            let text = format!("{issuer} does not answer");
            return Finding::doubtful(
                SUBJECT,
                text,
                "start the server; if it runs, look at its proxy and at DNS",
            );
        }
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
