//! `ayb apps`: the products that clients belong to.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::context::Context;
use super::failure::Failure;
use super::flags::{app_id, user_id, words};
use super::listing::{Noun, Page, show_change, show_list, show_one};
use super::output::{Column, Format, clean, field};
use super::server::Server;

const PATH: [&str; 3] = ["api", "admin", "apps"];
const NOUN: Noun = Noun { one: "app", many: "apps" };

/// Commands about apps.
#[derive(Subcommand, Clone, Debug)]
pub enum AppsCommand {
    /// Make an app
    Create(Create),
    /// List apps
    List(Page),
    /// Show one app
    Get(Named),
    /// Change an app; what is not named stays
    Update(Update),
    /// Delete an app that has no clients any more
    Delete(Named),
}

/// An app by its identifier.
#[derive(Args, Clone, Debug)]
pub struct Named {
    /// The app
    #[arg(value_name = "APP_ID", value_parser = app_id)]
    id: Uuid,
}

/// A new app.
#[derive(Args, Clone, Debug)]
pub struct Create {
    /// Name, shown on the consent page
    #[arg(long)]
    name: String,
    /// Description, shown on the consent page
    #[arg(long, default_value = "")]
    description: String,
    /// The user who looks after it
    #[arg(long, value_name = "USER_ID", value_parser = user_id)]
    owner: Option<Uuid>,
    #[command(flatten)]
    origins: Origins,
}

/// Who may read answers to its credentials.
#[derive(Args, Clone, Debug)]
struct Origins {
    /// Browser origins that may read answers to its credentials; separated by commas [default: as the server is
    /// configured]
    #[arg(long, value_name = "ORIGIN,…", value_delimiter = ',')]
    allowed_origins: Option<Vec<String>>,
}

/// A change of an app.
#[derive(Args, Clone, Debug)]
pub struct Update {
    #[command(flatten)]
    named: Named,
    /// Name, shown on the consent page
    #[arg(long)]
    name: Option<String>,
    /// Description, shown on the consent page
    #[arg(long)]
    description: Option<String>,
    /// Requests that its tokens may make in one window; 0 is no limit
    #[arg(long, value_name = "REQUESTS")]
    rate_limit: Option<u32>,
    /// Length of the window in seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    rate_limit_window: Option<u32>,
    #[command(flatten)]
    origins: Origins,
}

const COLUMNS: [Column; 6] = [
    Column { title: "App ID", cell: |app| field(app, "id") },
    Column { title: "Name", cell: |app| field(app, "name") },
    Column { title: "Description", cell: |app| field(app, "description") },
    Column { title: "Owner", cell: |app| field(app, "ownerUserId") },
    Column { title: "Rate Limit", cell: rate_limit },
    Column { title: "Created", cell: |app| field(app, "createdAt") },
];

const DETAILS: [Column; 7] = [
    Column { title: "App ID", cell: |app| field(app, "id") },
    Column { title: "Name", cell: |app| field(app, "name") },
    Column { title: "Description", cell: |app| field(app, "description") },
    Column { title: "Owner", cell: |app| field(app, "ownerUserId") },
    Column { title: "Rate Limit", cell: rate_limit },
    Column { title: "Allowed Origins", cell: |app| field(app, "allowedOrigins") },
    Column { title: "Created", cell: |app| field(app, "createdAt") },
];

/// Settings that an update sends back unless a flag changes them.
const KEPT: [&str; 5] = ["name", "description", "rateLimitRps", "rateLimitWindowSeconds", "allowedOrigins"];

impl AppsCommand {
    /// Does it.
    pub async fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let server = Server::with_token(context)?;
        let console = &mut context.console;
        match self {
            Self::Create(create) => {
                let body = server.send_json(Method::POST, &PATH, &create.body()).await?;
                if console.format != Format::Table {
                    return show_one(console, &body, &DETAILS);
                }
                let (id, name) = (field(&body.json, "id"), field(&body.json, "name"));
                console.line(&format!("App created: {} ({})", clean(&id), clean(&name)))
            }
            Self::List(page) => show_list(console, &server.get(&PATH, &page.query()).await?, &NOUN, &COLUMNS),
            Self::Get(named) => {
                let id = named.id.to_string();
                show_one(console, &server.get(&one(&id), &[]).await?, &DETAILS)
            }
            Self::Update(update) => {
                let changes = update.changes()?;
                let id = update.named.id.to_string();
                let body = merged(&server.get(&one(&id), &[]).await?.json, changes);
                let body = server.send_json(Method::PUT, &one(&id), &body).await?;
                show_change(console, &body, &DETAILS, &format!("App {id} updated."))
            }
            Self::Delete(named) => {
                let id = named.id.to_string();
                let body = server.send_empty(Method::DELETE, &one(&id)).await?;
                show_change(console, &body, &COLUMNS, &format!("App {id} deleted."))
            }
        }
    }
}

impl Create {
    fn body(&self) -> Value {
        let mut body = json!({"name": self.name, "description": self.description, "ownerUserId": self.owner});
        if let Some(origins) = self.origins.list() {
            body["allowedOrigins"] = origins;
        }
        body
    }
}

impl Origins {
    fn list(&self) -> Option<Value> {
        self.allowed_origins.as_ref().map(|list| json!(words(list)))
    }
}

impl Update {
    fn changes(&self) -> Result<Map<String, Value>, Failure> {
        let texts = [("name", &self.name), ("description", &self.description)];
        let numbers = [("rateLimitRps", self.rate_limit), ("rateLimitWindowSeconds", self.rate_limit_window)];
        let mut changes = Map::new();
        changes.extend(
            texts.iter().filter_map(|(name, text)| Some(((*name).to_owned(), json!(text.as_ref()?)))),
        );
        changes.extend(
            numbers.iter().filter_map(|(name, number)| Some(((*name).to_owned(), json!((*number)?)))),
        );
        changes.extend(self.origins.list().map(|list| ("allowedOrigins".to_owned(), list)));
        if changes.is_empty() {
            return Err(Failure::usage("there is nothing to change")
                .hint("`ayb apps update --help` lists what can be"));
        }
        Ok(changes)
    }
}

fn one(id: &str) -> [&str; 4] {
    [PATH[0], PATH[1], PATH[2], id]
}

fn merged(current: &Value, changes: Map<String, Value>) -> Value {
    let kept = KEPT.iter().filter_map(|name| Some(((*name).to_owned(), current.get(*name)?.clone())));
    Value::Object(kept.chain(changes).collect())
}

fn rate_limit(app: &Value) -> String {
    match app["rateLimitRps"].as_u64() {
        None | Some(0) => "none".to_owned(),
        Some(requests) => format!("{requests} per {} s", app["rateLimitWindowSeconds"]),
    }
}
