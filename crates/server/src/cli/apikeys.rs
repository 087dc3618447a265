//! `ayb apikeys`: what people give to their own programs.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::context::Context;
use super::failure::Failure;
use super::flags::{app_id, key_id, user_id};
use super::listing::{Noun, Page, show_change, show_list, show_one};
use super::output::{Column, Console, Format, clean, field};
use super::server::{Body, Server};

const PATH: [&str; 3] = ["api", "admin", "api-keys"];
const NOUN: Noun = Noun { one: "API key", many: "API keys" };

/// Commands about API keys.
#[derive(Subcommand, Clone, Debug)]
pub enum ApiKeysCommand {
    /// Make an API key of a user; the key is shown once
    Create(Create),
    /// List API keys
    List(List),
    /// Revoke an API key; it stops working at once
    Revoke(Named),
}

/// An API key by its identifier.
#[derive(Args, Clone, Debug)]
pub struct Named {
    /// The API key by its identifier, not the key itself
    #[arg(value_name = "KEY_ID", value_parser = key_id)]
    id: Uuid,
}

/// A new API key.
#[derive(Args, Clone, Debug)]
pub struct Create {
    /// The user that the key acts for
    #[arg(value_name = "USER_ID", value_parser = user_id)]
    user_id: Uuid,
    /// Name, for its owner to know it by
    #[arg(long)]
    name: String,
    /// What the key allows
    #[arg(long, value_parser = ["readonly", "readwrite", "*"], default_value = "readonly")]
    scope: String,
    /// The tables that it is limited to; separated by commas [default: every table]
    #[arg(long, value_name = "TABLE,…", value_delimiter = ',')]
    tables: Vec<String>,
    /// The app whose limit it shares
    #[arg(long, value_name = "APP_ID", value_parser = app_id)]
    app: Option<Uuid>,
    /// When it stops working by itself, such as 2030-01-01T00:00:00Z [default: never]
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
}

/// Which API keys.
#[derive(Args, Clone, Debug)]
pub struct List {
    /// Only those of this user
    #[arg(long, value_name = "USER_ID", value_parser = user_id)]
    user: Option<Uuid>,
    #[command(flatten)]
    page: Page,
}

const COLUMNS: [Column; 10] = [
    Column { title: "Key ID", cell: |key| field(key, "id") },
    Column { title: "Name", cell: |key| field(key, "name") },
    Column { title: "Key", cell: |key| format!("{}…", field(key, "keyPrefix")) },
    Column { title: "User ID", cell: |key| field(key, "userId") },
    Column { title: "Scope", cell: |key| field(key, "scope") },
    Column { title: "Tables", cell: tables },
    Column { title: "App ID", cell: |key| field(key, "appId") },
    Column { title: "Expires", cell: |key| field(key, "expiresAt") },
    Column { title: "Last Used", cell: |key| field(key, "lastUsedAt") },
    Column { title: "Status", cell: status },
];

const CREATED: [Column; 5] = [
    Column { title: "Key ID", cell: |body| field(&body["apiKey"], "id") },
    Column { title: "Name", cell: |body| field(&body["apiKey"], "name") },
    Column { title: "Scope", cell: |body| field(&body["apiKey"], "scope") },
    Column { title: "Tables", cell: |body| tables(&body["apiKey"]) },
    Column { title: "API Key", cell: |body| field(body, "key") },
];

impl ApiKeysCommand {
    /// Does it.
    pub async fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let server = Server::with_token(context)?;
        let console = &mut context.console;
        match self {
            Self::Create(create) => {
                let body = server.send_json(Method::POST, &PATH, &create.body()).await?;
                show_created(console, &body)
            }
            Self::List(list) => show_list(console, &server.get(&PATH, &list.query()).await?, &NOUN, &COLUMNS),
            Self::Revoke(named) => {
                let id = named.id.to_string();
                let body = server.send_empty(Method::DELETE, &[PATH[0], PATH[1], PATH[2], &id]).await?;
                show_change(console, &body, &COLUMNS, &format!("API key {id} revoked."))
            }
        }
    }
}

fn show_created(console: &mut Console<'_>, body: &Body) -> Result<(), Failure> {
    if console.format != Format::Table {
        return show_one(console, body, &CREATED);
    }
    let key = &body.json["apiKey"];
    let text = |name: &str| clean(&field(key, name));
    console.line(&format!("API key created: {} ({})", text("id"), text("name")))?;
    console.line(&format!("Scope: {}", text("scope")))?;
    console.line(&format!("Tables: {}", clean(&tables(key))))?;
    console.line(&format!("API Key: {}", clean(&field(&body.json, "key"))))?;
    console.line("Save the key now: it is shown only this once.")
}

impl Create {
    fn body(&self) -> Value {
        json!({
            "userId": self.user_id,
            "name": self.name,
            "scope": self.scope,
            "allowedTables": self.tables,
            "appId": self.app,
            "expiresAt": self.expires_at,
        })
    }
}

impl List {
    fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = self.page.query().to_vec();
        query.extend(self.user.map(|user| ("userId", user.to_string())));
        query
    }
}

fn tables(key: &Value) -> String {
    if key["allowedTables"].is_null() { "all".to_owned() } else { field(key, "allowedTables") }
}

fn status(key: &Value) -> String {
    if key["revokedAt"].is_null() { "active" } else { "revoked" }.to_owned()
}
