//! `ayb users`: accounts.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::context::Context;
use super::failure::Failure;
use super::flags::user_id;
use super::listing::{Noun, Page, show_change, show_list, show_one};
use super::output::{Column, Format, clean, field};
use super::password;
use super::server::Server;

const PATH: [&str; 3] = ["api", "admin", "users"];
const NOUN: Noun = Noun { one: "user", many: "users" };

/// Commands about accounts.
#[derive(Subcommand, Clone, Debug)]
pub enum UsersCommand {
    /// List accounts
    List(Page),
    /// Show one account
    Get(Named),
    /// Make an account; the password is asked for, or taken from the first line of a pipe
    Create(Create),
    /// Lock an account: its sessions end, its tokens and API keys do not work until it is unlocked; revoke ends them
    Disable(Named),
    /// Unlock an account: its tokens and API keys of before work again
    Enable(Named),
    /// Delete an account with everything that belongs to it
    Delete(Named),
    /// Give an account a new password, asked for or taken from a pipe; its sessions and what it granted to clients end
    SetPassword(Named),
    /// End the sessions, tokens and API keys of an account for good, and forget its consents; the password stays
    Revoke(Named),
}

/// An account by its identifier.
#[derive(Args, Clone, Debug)]
pub struct Named {
    /// The user
    #[arg(value_name = "USER_ID", value_parser = user_id)]
    id: Uuid,
}

/// A new account.
#[derive(Args, Clone, Debug)]
pub struct Create {
    /// Mail address to sign in with
    #[arg(long)]
    email: String,
    /// Full name
    #[arg(long)]
    name: Option<String>,
}

const COLUMNS: [Column; 6] = [
    Column { title: "User ID", cell: |user| field(user, "id") },
    Column { title: "Email", cell: |user| field(user, "email") },
    Column { title: "Verified", cell: |user| field(user, "emailVerified") },
    Column { title: "Name", cell: |user| field(user, "name") },
    Column { title: "Created", cell: |user| field(user, "createdAt") },
    Column { title: "Status", cell: status },
];

impl UsersCommand {
    /// Does it.
    pub async fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let server = Server::with_token(context)?;
        match self {
            Self::List(page) => {
                let body = server.get(&PATH, &page.query()).await?;
                show_list(&mut context.console, &body, &NOUN, &COLUMNS)
            }
            Self::Get(named) => {
                let id = named.id.to_string();
                show_one(&mut context.console, &server.get(&one(&id), &[]).await?, &COLUMNS)
            }
            Self::Create(create) => create.run(context, &server).await,
            Self::Disable(named) => {
                named.act(context, &server, Method::POST, Some("disable"), "disabled").await
            }
            Self::Enable(named) => named.act(context, &server, Method::POST, Some("enable"), "enabled").await,
            Self::Delete(named) => named.act(context, &server, Method::DELETE, None, "deleted").await,
            Self::SetPassword(named) => named.set_password(context, &server).await,
            Self::Revoke(named) => {
                let done = "has no session, token, API key or consent any more";
                named.act(context, &server, Method::POST, Some("revoke"), done).await
            }
        }
    }
}

impl Create {
    async fn run(self, context: &mut Context<'_>, server: &Server) -> Result<(), Failure> {
        let console = &mut context.console;
        let password = password::ask_new(console)?;
        let mut body = json!({"email": self.email, "password": password.expose()});
        if let Some(name) = self.name {
            body["name"] = json!(name);
        }
        let body = server.send_json(Method::POST, &PATH, &body).await?;
        if console.format != Format::Table {
            return show_one(console, &body, &COLUMNS);
        }
        let (id, email) = (field(&body.json, "id"), field(&body.json, "email"));
        console.line(&format!("User created: {} ({})", clean(&id), clean(&email)))
    }
}

impl Named {
    async fn act(
        self,
        context: &mut Context<'_>,
        server: &Server,
        method: Method,
        verb: Option<&str>,
        done: &str,
    ) -> Result<(), Failure> {
        let id = self.id.to_string();
        let path: Vec<&str> = one(&id).into_iter().chain(verb).collect();
        let body = server.send_empty(method, &path).await?;
        show_change(&mut context.console, &body, &COLUMNS, &format!("User {id} {done}."))
    }

    async fn set_password(self, context: &mut Context<'_>, server: &Server) -> Result<(), Failure> {
        let id = self.id.to_string();
        let password = password::ask_new(&mut context.console)?;
        let path: Vec<&str> = one(&id).into_iter().chain(["password"]).collect();
        let body = server.send_json(Method::PUT, &path, &json!({"password": password.expose()})).await?;
        show_change(&mut context.console, &body, &COLUMNS, &format!("User {id} has a new password."))
    }
}

fn one(id: &str) -> [&str; 4] {
    [PATH[0], PATH[1], PATH[2], id]
}

fn status(user: &Value) -> String {
    if user["disabledAt"].is_null() { "active" } else { "disabled" }.to_owned()
}
