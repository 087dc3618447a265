//! `ayb admin`: signing in as the administrator.

use ayb_store::Store;
use clap::Subcommand;
use reqwest::Method;
use serde_json::json;
use zeroize::Zeroizing;

use super::context::Context;
use super::failure::Failure;
use super::password;
use super::server::Server;
use super::token;
use crate::clock::Clock;
use crate::config::{self, Config, SecretText};
use crate::entropy::Entropy;
use crate::{admin, app, start};

/// Commands about the administrator.
#[derive(Subcommand, Clone, Debug)]
pub enum AdminCommand {
    /// Sign in and save the token for later commands; the password is asked for, or taken from the first line of a pipe
    Login,
    /// Change the administrator's password: the current and the new one are asked for, or taken from the first two
    /// lines of a pipe; every session of the administrator ends
    SetPassword,
    /// Give the administrator a new password without knowing the old one, on the server's own machine: works on the
    /// configured database itself, also while the server runs; every session of the administrator ends
    ResetPassword,
}

impl AdminCommand {
    /// Does it.
    pub async fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        match self {
            Self::Login => login(context).await,
            Self::SetPassword => set_password(context).await,
            Self::ResetPassword => reset_password(context).await,
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

async fn reset_password(context: &mut Context<'_>) -> Result<(), Failure> {
    let config = config::load(&context.sources())?;
    if config.admin.password.is_some() {
        return Err(Failure::failed("the password is set by admin.password in the configuration")
            .hint("change it there and start the server again"));
    }
    let new = Zeroizing::new(password::ask_new(&mut context.console)?.expose().to_owned());
    let broken = |error: anyhow::Error| {
        let failure = Failure::failed("the password was not changed").because(error.root_cause().to_string());
        match start::hints::of(&error) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    };
    let store = Store::new(start::open_db(&config).await.map_err(broken)?);
    let (entropy, clock) = (Entropy::open().map_err(|error| broken(error.into()))?, Clock::system());
    let pool = app::passwords(&config, &entropy).map_err(broken)?;
    let changed = admin::password::reset(&store, &pool, new, clock.now()).await;
    changed.map_err(|error| Failure::failed(error.message().to_owned()))?;
    forget_local_token(&config)?;
    context.console.say("The administrator has a new password. Sign in again with `ayb admin login`.")
}

/// The token in the data folder is dead now, and would be found before the one of the next sign-in.
fn forget_local_token(config: &Config) -> Result<(), Failure> {
    let path = config.server.data_dir.join(admin::sessions::LOCAL_TOKEN_FILE);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::failed(format!("cannot delete {}", path.display())).because(error.to_string()))
        }
        _ => Ok(()),
    }
}
