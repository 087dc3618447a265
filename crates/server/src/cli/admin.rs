//! `ayb admin`: signing in as the administrator.

use clap::Subcommand;
use reqwest::Method;
use serde_json::json;

use super::context::Context;
use super::failure::Failure;
use super::password;
use super::server::Server;
use super::token;
use crate::config::SecretText;

/// Commands about the administrator.
#[derive(Subcommand, Clone, Debug)]
pub enum AdminCommand {
    /// Sign in and save the token for later commands; the password is asked for, or taken from the first line of a pipe
    Login,
    /// Change the administrator's password: the current and the new one are asked for, or taken from the first two
    /// lines of a pipe; every session of the administrator ends
    SetPassword,
}

impl AdminCommand {
    /// Does it.
    pub async fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        match self {
            Self::Login => login(context).await,
            Self::SetPassword => set_password(context).await,
        }
    }
}

async fn login(context: &mut Context<'_>) -> Result<(), Failure> {
    let server = Server::anonymous(context)?;
    server.refuse_plain_http(context)?;
    let password = password::ask(&mut context.console, "Administrator's password")?;
    let path = ["api", "admin", "auth"];
    let body = server.send_json(Method::POST, &path, &json!({"password": password.expose()})).await;
    let body = body.map_err(|mut failure| {
        failure.hint = failure.hint.filter(|hint| !hint.contains("ayb admin login"));
        failure
    })?;
    let Some(token) = body.json["token"].as_str() else {
        return Err(
            Failure::failed("the server sent no token").hint("is it an ayb server of the same version?")
        );
    };
    let path = token::save(context, &server.url, &SecretText::new(token.to_owned()))?;
    context.console.say(&format!("Signed in to {}. The token is in {}.", server.url, path.display()))
}

async fn set_password(context: &mut Context<'_>) -> Result<(), Failure> {
    let server = Server::with_token(context)?;
    let current = password::ask(&mut context.console, "Current password")?;
    let new = password::ask_new(&mut context.console)?;
    let path = ["api", "admin", "password"];
    let body = json!({"currentPassword": current.expose(), "newPassword": new.expose()});
    server.send_json(Method::PUT, &path, &body).await?;
    context.console.say("The administrator has a new password. Sign in again with `ayb admin login`.")
}
