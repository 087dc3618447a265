//! `ayb auth token`: an access token for a script.

use std::time::Duration;

use ayb_client::AccessToken;
use serde_json::json;

use super::failures::failed;
use super::profile::{Profiles, storage_key};
use super::{TokenFlags, TokenForm};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::output::{Console, Format};

/// A token that ends sooner is of little use to a script: the renewal that is under way is waited for.
const USEFUL: Duration = Duration::from_secs(60);

/// Prints a token. Whatever else there is to say goes to the error output.
pub(super) async fn run(flags: &TokenFlags, context: &mut Context<'_>) -> Result<(), Failure> {
    if flags.format == TokenForm::GitCredential && !git_asks(flags, &mut context.console)? {
        return Ok(());
    }
    let profiles = Profiles::open(context)?;
    let (_, client) = profiles.client(&flags.profile, context)?;
    let tokens = client.tokens_for(&storage_key(&flags.profile));
    let wrong = |error: &_| failed("there is no access token", &flags.profile, error);
    let mut token = tokens.get_access_token().await.map_err(|error| wrong(&error))?;
    // A refresh that is broken off between the provider's answer and the disk would lose the session.
    client.settle().await;
    if token.expires_in().is_some_and(|left| left < USEFUL) {
        token = tokens.get_access_token().await.map_err(|error| wrong(&error))?;
        client.settle().await;
    }
    print(flags.format, &mut context.console, &token)
}

fn print(form: TokenForm, console: &mut Console<'_>, token: &AccessToken) -> Result<(), Failure> {
    let end = token.expires_at.and_then(|end| jiff::Timestamp::from_second(end.as_seconds()).ok());
    let end = end.map(|end| end.to_string());
    match form {
        TokenForm::Token if console.format == Format::Table => console.line(token.secret()),
        TokenForm::Token | TokenForm::Json => console.line(
            &json!({
                "access_token": token.secret(),
                "token_type": token.token_type,
                "expires_at": end,
                "scope": token.scopes.join(" "),
            })
            .to_string(),
        ),
        TokenForm::GitCredential => {
            console.line("username=oauth2")?;
            console.line(&format!("password={}", token.secret()))?;
            match token.expires_at {
                Some(end) => console.line(&format!("password_expiry_utc={}", end.as_seconds())),
                None => Ok(()),
            }
        }
        TokenForm::Kubectl => console.line(
            &json!({
                "apiVersion": "client.authentication.k8s.io/v1",
                "kind": "ExecCredential",
                "status": {"token": token.secret(), "expirationTimestamp": end},
            })
            .to_string(),
        ),
    }
}

/// Whether git wants a credential for the one host over https. It asks helpers for every host, and the token is for one.
fn git_asks(flags: &TokenFlags, console: &mut Console<'_>) -> Result<bool, Failure> {
    if flags.operation.as_deref().is_some_and(|operation| operation != "get") {
        return Ok(false);
    }
    let (mut host, mut protocol) = (None, None);
    while let Some(line) = console.read_line()?.filter(|line| !line.is_empty()) {
        match line.split_once('=') {
            Some(("host", value)) => host = Some(value.to_owned()),
            Some(("protocol", value)) => protocol = Some(value.to_owned()),
            _ => {}
        }
    }
    Ok(protocol.as_deref() == Some("https") && host.is_some() && host == flags.host)
}
