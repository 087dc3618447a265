//! `ayb keys`: the keys that sign tokens.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::json;

use super::context::Context;
use super::failure::Failure;
use super::listing::{Noun, show_list};
use super::output::{Column, Format, field};
use super::server::Server;

const PATH: [&str; 3] = ["api", "admin", "keys"];
const NOUN: Noun = Noun { one: "key", many: "keys" };

/// Commands about signing keys.
#[derive(Subcommand, Clone, Debug)]
pub enum KeysCommand {
    /// List the keys: next (published, not signing yet), active (signing), retired (kept for its tokens)
    List,
    /// Begin a rotation: the next key is published now and signs after a day (auth.oauth_provider.key_publish_ahead_seconds)
    Rotate(Rotate),
}

/// How to rotate.
#[derive(Args, Clone, Debug)]
pub struct Rotate {
    /// Let the next key sign at once. Programs that keep an older key set refuse new tokens until they fetch it again. The
    /// old key stays published until its tokens are dead
    #[arg(long)]
    now: bool,
    /// Let fresh keys sign at once and take every other key out of the key set, the next one too: for keys that somebody
    /// may have copied. APIs that verify signatures refuse what they signed
    #[arg(long, conflicts_with = "now")]
    withdraw: bool,
}

const COLUMNS: [Column; 6] = [
    Column { title: "Key ID", cell: |key| field(key, "kid") },
    Column { title: "Algorithm", cell: |key| field(key, "algorithm") },
    Column { title: "State", cell: |key| field(key, "state") },
    Column { title: "Published", cell: |key| field(key, "publishedAt") },
    Column { title: "Active since", cell: |key| field(key, "activatedAt") },
    Column { title: "Published until", cell: |key| field(key, "expiresAt") },
];

impl KeysCommand {
    /// Does it.
    pub async fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let server = Server::with_token(context)?;
        let body = match &self {
            Self::List => server.get(&PATH, &[]).await?,
            Self::Rotate(rotate) => {
                let path = [&PATH[..], &["rotate"]].concat();
                server
                    .send_json(Method::POST, &path, &json!({"now": rotate.now, "withdraw": rotate.withdraw}))
                    .await?
            }
        };
        if let (Self::Rotate(rotate), Format::Table) = (&self, context.console.format) {
            let sentence = match rotate {
                Rotate { withdraw: true, .. } => {
                    "Fresh keys sign from now on, and no other is left. Every server of this database follows within half a \
                     minute; programs that keep the key set believe the old ones until they fetch it again."
                }
                Rotate { now: true, .. } => {
                    "The next keys sign from now on. Every server of this database follows within half a minute."
                }
                Rotate { now: false, .. } => {
                    "The next keys are published. They take over by themselves when everybody has seen them."
                }
            };
            context.console.line(sentence)?;
        }
        show_list(&mut context.console, &body, &NOUN, &COLUMNS)
    }
}
