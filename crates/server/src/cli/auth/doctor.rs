//! `ayb auth doctor`: examines a provider, and says how to use it.

use ayb_client::http::ReqwestTransport;
use ayb_protocol::answer::ServerMetadata;
use serde_json::{Value, json};
use url::Url;

use super::probe;
use crate::cli::context::Context;
use crate::cli::doctor::{as_json, show};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Format, clean};
use crate::cli::server::is_this_machine;
use crate::doctor::Health;

/// Examines it. Fails when a client could not rely on it.
pub(super) async fn run(issuer: &str, context: &mut Context<'_>) -> Result<(), Failure> {
    let address = parse(issuer)?;
    let transport = ReqwestTransport::new()
        .map_err(|error| Failure::failed("the HTTP client cannot start").because(error.to_string()))?;
    let probed = probe::examine(&address, issuer, &transport).await;
    if context.console.format == Format::Json {
        let findings: Vec<_> = probed.findings.iter().map(as_json).collect();
        let configuration = probed.metadata.as_ref().map(configuration);
        let whole = json!({"issuer": issuer, "findings": findings, "configuration": configuration});
        context.console.line(&whole.to_string())?;
    } else {
        show(context, &probed.findings)?;
        if let Some(metadata) = probed.metadata.as_ref().filter(|_| context.console.format == Format::Table) {
            context.console.line(&ready(metadata))?;
        }
    }
    let bad = probed.findings.iter().filter(|finding| finding.health == Health::Bad).count();
    match bad {
        0 => Ok(()),
        _ if !probed.is_reachable => {
            Err(Failure::new(Exit::Unreachable, format!("cannot reach {}", clean(issuer))))
        }
        1 => Err(Failure::failed("one finding keeps clients from relying on this provider")),
        many => Err(Failure::failed(format!("{many} findings keep clients from relying on this provider"))),
    }
}

fn parse(issuer: &str) -> Result<Url, Failure> {
    let wrong = || Failure::usage("the issuer makes no sense").hint("write it like https://id.example.com");
    let url = Url::parse(issuer).map_err(|_| wrong())?;
    let is_plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    match url.scheme() {
        "https" if is_plain => Ok(url),
        "http" if is_plain && is_this_machine(&url) => Ok(url),
        "http" if is_plain => Err(Failure::usage("the issuer is not https")
            .because("tokens would travel where the network can read them")
            .hint("clients refuse it; only a provider on this machine may do without")),
        _ => Err(wrong()),
    }
}

/// What a client has to be told that reads no metadata.
fn configuration(metadata: &ServerMetadata) -> Value {
    let mut all = json!({
        "issuer": metadata.issuer,
        "authorization_endpoint": metadata.authorization_endpoint,
        "token_endpoint": metadata.token_endpoint,
        "jwks_uri": metadata.jwks_uri,
        "userinfo_endpoint": metadata.userinfo_endpoint,
        "device_authorization_endpoint": metadata.device_authorization_endpoint,
        "introspection_endpoint": metadata.introspection_endpoint,
        "revocation_endpoint": metadata.revocation_endpoint,
        "pushed_authorization_request_endpoint": metadata.pushed_authorization_request_endpoint,
        "end_session_endpoint": metadata.end_session_endpoint,
    });
    if let Some(members) = all.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    all
}

/// Lines to be copied.
fn ready(metadata: &ServerMetadata) -> String {
    let issuer = clean(&metadata.issuer);
    let lists = |word: &str| {
        metadata.scopes_supported.as_ref().is_none_or(|scopes| scopes.iter().any(|scope| scope == word))
    };
    let scopes: Vec<_> =
        ["openid", "email", "offline_access"].into_iter().filter(|word| lists(word)).collect();
    let device = if metadata.device_authorization_endpoint.is_some() { " [--device]" } else { "" };
    let quoted: Vec<_> = scopes.iter().map(|scope| format!("{scope:?}")).collect();
    format!(
        "\nOn the command line:\n\n  ayb auth login {issuer} --client-id <id> --scopes {}{device}\n\nIn Rust:\n\n  \
         let client = OAuth2::discover({issuer:?}, ClientCredentials::public(\"<id>\")).await?;\n  \
         let me = client.login().scopes([{}]).save().run().await?;",
        scopes.join(","),
        quoted.join(", "),
    )
}
