//! `ayb oauth clients`: the programs that may ask for tokens.

use ayb_protocol::ids::ClientId;
use ayb_provider::client::MAX_SECRET_OVERLAP;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::context::Context;
use super::failure::Failure;
use super::flags::{app_id, client_id, words};
use super::listing::{Noun, Page, show_change, show_list, show_one};
use super::output::{Column, Format, clean, field};
use super::server::{Body, Server};

const PATH: [&str; 4] = ["api", "admin", "oauth", "clients"];
const NOUN: Noun = Noun { one: "OAuth client", many: "OAuth clients" };

/// Commands about OAuth clients.
#[derive(Subcommand, Clone, Debug)]
pub enum ClientsCommand {
    /// Register a client of an app; its secret is shown once
    Create(Create),
    /// List clients
    List(Page),
    /// Show one client
    Get(Named),
    /// Change a client; what is not named stays
    Update(Update),
    /// Revoke a client and, with it, all its tokens
    Delete(Named),
    /// Give a client a new secret, shown once; the old one stops working, at once or after a while
    RotateSecret(RotateSecret),
}

/// A client by its name.
#[derive(Args, Clone, Debug)]
pub struct Named {
    /// The client, such as ayb_cid_…
    #[arg(value_name = "CLIENT_ID", value_parser = client_id)]
    client_id: ClientId,
}

/// A new secret.
#[derive(Args, Clone, Debug)]
pub struct RotateSecret {
    #[command(flatten)]
    named: Named,
    /// Seconds for which the old secret works beside the new one, at most a week
    #[arg(long, value_name = "SECONDS", default_value_t = 0,
        value_parser = clap::value_parser!(u64).range(..=MAX_SECRET_OVERLAP.0))]
    overlap: u64,
}

/// A new client.
#[derive(Args, Clone, Debug)]
pub struct Create {
    /// The app that the client belongs to
    #[arg(value_name = "APP_ID", value_parser = app_id)]
    app_id: Uuid,
    /// Name, shown on the consent page
    #[arg(long)]
    name: String,
    /// confidential clients have a secret, public ones cannot keep one
    #[arg(long = "type", value_name = "TYPE", value_parser = ["confidential", "public"], default_value = "confidential")]
    client_type: String,
    /// Where answers may go; separated by commas
    #[arg(long, value_name = "URI,…", value_delimiter = ',', required = true)]
    redirect_uris: Vec<String>,
    /// What the client may ask for; separated by commas
    #[arg(long, value_name = "SCOPE,…", value_delimiter = ',', required = true, value_parser = SCOPES)]
    scopes: Vec<String>,
    #[command(flatten)]
    settings: Settings,
}

/// A change of a client.
#[derive(Args, Clone, Debug)]
pub struct Update {
    #[command(flatten)]
    named: Named,
    /// Name, shown on the consent page
    #[arg(long)]
    name: Option<String>,
    /// Where answers may go; separated by commas; replaces the list
    #[arg(long, value_name = "URI,…", value_delimiter = ',')]
    redirect_uris: Option<Vec<String>>,
    /// What the client may ask for; separated by commas; replaces the list
    #[arg(long, value_name = "SCOPE,…", value_delimiter = ',', value_parser = SCOPES)]
    scopes: Option<Vec<String>>,
    #[command(flatten)]
    settings: Settings,
    /// Give it refresh tokens again
    #[arg(long, conflicts_with = "no_refresh_tokens")]
    refresh_tokens: bool,
}

/// What new and changed clients can choose.
#[derive(Args, Clone, Debug)]
struct Settings {
    /// Form of its access tokens: opaque for this server's API, jwt for the APIs of others
    #[arg(long, value_name = "FORMAT", value_parser = ["opaque", "jwt"])]
    token_format: Option<String>,
    /// Algorithm of its ID tokens and JWT access tokens
    #[arg(long, value_name = "ALG", value_parser = ["RS256", "ES256", "EdDSA"])]
    signing_alg: Option<String>,
    /// `aud` of its JWT access tokens [default: the client id]
    #[arg(long)]
    audience: Option<String>,
    /// Browser origins that may read its answers; separated by commas [default: as the server is configured]
    #[arg(long, value_name = "ORIGIN,…", value_delimiter = ',')]
    allowed_origins: Option<Vec<String>>,
    /// Where a logout may lead; separated by commas
    #[arg(long, value_name = "URI,…", value_delimiter = ',')]
    post_logout_redirect_uris: Option<Vec<String>>,
    /// Give it no refresh tokens
    #[arg(long)]
    no_refresh_tokens: bool,
    /// Seconds in which a lost refresh answer may be asked for again [default: 0, never]
    #[arg(long, value_name = "SECONDS")]
    refresh_grace_seconds: Option<u32>,
}

const SCOPES: [&str; 7] = ["readonly", "readwrite", "*", "openid", "profile", "email", "offline_access"];

/// Settings that an update sends back unless a flag changes them.
const KEPT: [&str; 10] = [
    "name",
    "redirectUris",
    "scopes",
    "tokenFormat",
    "signingAlg",
    "audience",
    "allowedOrigins",
    "postLogoutRedirectUris",
    "refreshTokens",
    "refreshGraceSeconds",
];

const COLUMNS: [Column; 7] = [
    Column { title: "Client ID", cell: |client| field(client, "clientId") },
    Column { title: "Name", cell: |client| field(client, "name") },
    Column { title: "App ID", cell: |client| field(client, "appId") },
    Column { title: "Type", cell: |client| field(client, "clientType") },
    Column { title: "Scopes", cell: |client| field(client, "scopes") },
    Column { title: "Created", cell: |client| field(client, "createdAt") },
    Column { title: "Status", cell: status },
];

const DETAILS: [Column; 20] = [
    Column { title: "Client ID", cell: |client| field(client, "clientId") },
    Column { title: "Name", cell: |client| field(client, "name") },
    Column { title: "App ID", cell: |client| field(client, "appId") },
    Column { title: "Type", cell: |client| field(client, "clientType") },
    Column { title: "Scopes", cell: |client| field(client, "scopes") },
    Column { title: "Redirect URIs", cell: |client| field(client, "redirectUris") },
    Column { title: "Post-logout Redirect URIs", cell: |client| field(client, "postLogoutRedirectUris") },
    Column { title: "Allowed Origins", cell: |client| field(client, "allowedOrigins") },
    Column { title: "Token Format", cell: |client| field(client, "tokenFormat") },
    Column { title: "Signing Algorithm", cell: |client| field(client, "signingAlg") },
    Column { title: "Audience", cell: |client| field(client, "audience") },
    Column { title: "Refresh Tokens", cell: |client| field(client, "refreshTokens") },
    Column { title: "Refresh Grace Seconds", cell: |client| field(client, "refreshGraceSeconds") },
    Column { title: "Created", cell: |client| field(client, "createdAt") },
    Column { title: "Status", cell: status },
    Column { title: "Previous Secret Until", cell: |client| field(client, "previousSecretExpiresAt") },
    Column { title: "Active Access Tokens", cell: |client| field(client, "activeAccessTokenCount") },
    Column { title: "Active Refresh Tokens", cell: |client| field(client, "activeRefreshTokenCount") },
    Column { title: "Grants", cell: |client| field(client, "totalGrants") },
    Column { title: "Last Token Issued", cell: |client| field(client, "lastTokenIssuedAt") },
];

const CREATED: [Column; 5] = [
    Column { title: "Client ID", cell: |body| field(&body["client"], "clientId") },
    Column { title: "Name", cell: |body| field(&body["client"], "name") },
    Column { title: "Type", cell: |body| field(&body["client"], "clientType") },
    Column { title: "Scopes", cell: |body| field(&body["client"], "scopes") },
    Column { title: "Client Secret", cell: |body| field(body, "clientSecret") },
];

const ROTATED: [Column; 1] =
    [Column { title: "New Client Secret", cell: |body| field(body, "clientSecret") }];

impl ClientsCommand {
    /// Does it.
    pub async fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let server = Server::with_token(context)?;
        let console = &mut context.console;
        match self {
            Self::Create(create) => {
                let body = server.send_json(Method::POST, &PATH, &create.body()).await?;
                show_created(context, &body)
            }
            Self::List(page) => show_list(console, &server.get(&PATH, &page.query()).await?, &NOUN, &COLUMNS),
            Self::Get(named) => show_one(console, &server.get(&named.path(), &[]).await?, &DETAILS),
            Self::Update(update) => {
                let changes = update.changes()?;
                let path = update.named.path();
                let body = merged(&server.get(&path, &[]).await?.json, changes);
                let body = server.send_json(Method::PUT, &path, &body).await?;
                let sentence = format!("OAuth client {} updated.", update.named.client_id);
                show_change(console, &body, &DETAILS, &sentence)
            }
            Self::Delete(named) => {
                let body = server.send_empty(Method::DELETE, &named.path()).await?;
                show_change(console, &body, &DETAILS, &format!("OAuth client {} revoked.", named.client_id))
            }
            Self::RotateSecret(RotateSecret { named, overlap }) => {
                let path = [&named.path()[..], &["rotate-secret"]].concat();
                let body = server.send_json(Method::POST, &path, &json!({"overlapSeconds": overlap})).await?;
                show_one(console, &body, &ROTATED)?;
                console.say(ONCE)
            }
        }
    }
}

/// The note beside a secret.
const ONCE: &str = "Save the secret now: it is shown only this once.";

fn show_created(context: &mut Context<'_>, body: &Body) -> Result<(), Failure> {
    let console = &mut context.console;
    if console.format != Format::Table {
        return show_one(console, body, &CREATED);
    }
    let client = &body.json["client"];
    let text = |name: &str| clean(&field(client, name));
    console.line(&format!("OAuth client created: {} ({})", text("clientId"), text("name")))?;
    console.line(&format!("Type: {}", text("clientType")))?;
    console.line(&format!("Scopes: {}", text("scopes")))?;
    if let Some(secret) = body.json["clientSecret"].as_str() {
        console.line(&format!("Client Secret: {}", clean(secret)))?;
        console.line(ONCE)?;
    }
    Ok(())
}

impl Named {
    fn path(&self) -> [&str; 5] {
        [PATH[0], PATH[1], PATH[2], PATH[3], self.client_id.as_str()]
    }
}

impl Create {
    fn body(&self) -> Value {
        let mut body = self.settings.changes();
        body.insert("appId".to_owned(), json!(self.app_id));
        body.insert("name".to_owned(), json!(self.name));
        body.insert("clientType".to_owned(), json!(self.client_type));
        body.insert("redirectUris".to_owned(), json!(words(&self.redirect_uris)));
        body.insert("scopes".to_owned(), json!(self.scopes));
        Value::Object(body)
    }
}

impl Update {
    fn changes(&self) -> Result<Map<String, Value>, Failure> {
        let mut changes = self.settings.changes();
        let lists = [("redirectUris", &self.redirect_uris), ("scopes", &self.scopes)];
        for (name, list) in lists {
            changes.extend(list.as_ref().map(|list| (name.to_owned(), json!(words(list)))));
        }
        changes.extend(self.name.as_ref().map(|name| ("name".to_owned(), json!(name))));
        changes.extend(self.refresh_tokens.then(|| ("refreshTokens".to_owned(), json!(true))));
        if changes.is_empty() {
            return Err(Failure::usage("there is nothing to change")
                .hint("`ayb oauth clients update --help` lists what can be"));
        }
        Ok(changes)
    }
}

impl Settings {
    fn changes(&self) -> Map<String, Value> {
        let texts = [
            ("tokenFormat", &self.token_format),
            ("signingAlg", &self.signing_alg),
            ("audience", &self.audience),
        ];
        let lists = [
            ("allowedOrigins", &self.allowed_origins),
            ("postLogoutRedirectUris", &self.post_logout_redirect_uris),
        ];
        let mut changes = Map::new();
        changes.extend(
            texts.iter().filter_map(|(name, text)| Some(((*name).to_owned(), json!(text.as_ref()?)))),
        );
        changes.extend(
            lists.iter().filter_map(|(name, list)| Some(((*name).to_owned(), json!(words(list.as_ref()?))))),
        );
        changes.extend(self.no_refresh_tokens.then(|| ("refreshTokens".to_owned(), json!(false))));
        changes
            .extend(self.refresh_grace_seconds.map(|grace| ("refreshGraceSeconds".to_owned(), json!(grace))));
        changes
    }
}

fn merged(current: &Value, changes: Map<String, Value>) -> Value {
    let kept = KEPT.iter().filter_map(|name| Some(((*name).to_owned(), current.get(*name)?.clone())));
    Value::Object(kept.chain(changes).collect())
}

fn status(client: &Value) -> String {
    if client["revokedAt"].is_null() { "active" } else { "revoked" }.to_owned()
}
