//! `ayb auth status`.

use ayb_client::TokenSet;
use serde_json::{Value, json};

use super::profile::{Profile, Profiles, storage_key};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::output::Format;
use crate::clock::Clock;

const TITLES: [&str; 7] = ["Profile", "Issuer", "Account", "Client", "Token", "Renews", "Key"];

/// Shows where somebody is signed in. No secret is in it, and nobody is asked over the network.
pub(super) async fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let profiles = Profiles::open(context)?;
    let all = profiles.all()?;
    if all.is_empty() {
        return match context.console.format {
            Format::Json => context.console.line(&json!({"profiles": []}).to_string()),
            Format::Csv => context.console.rows(&TITLES, &[]),
            Format::Table => context.console.line("No profiles. `ayb auth login <issuer>` makes one."),
        };
    }
    let key = profiles.key_place()?.map_or("file", super::profile::KeyPlace::word);
    let storage = profiles.storage(context);
    let mut items = Vec::new();
    for (name, profile) in &all {
        let tokens = match &storage {
            Ok(storage) => match Profiles::build(profile, storage.clone(), context) {
                Ok(client) => {
                    client.tokens_for(&storage_key(name)).get_current_tokens().await.map_err(|_| ())
                }
                Err(_) => Err(()),
            },
            Err(_) => Err(()),
        };
        items.push(item(name, profile, &tokens, key));
    }
    let console = &mut context.console;
    if console.format == Format::Json {
        return console.line(&json!({"profiles": items}).to_string());
    }
    let names = ["profile", "issuer", "account", "clientId", "token", "renews", "key"];
    let row = |item: &Value| names.iter().map(|name| crate::cli::output::field(item, name)).collect();
    console.rows(&TITLES, &items.iter().map(row).collect::<Vec<_>>())
}

/// `Err` are tokens that cannot be read: the key is not here.
fn item(name: &str, profile: &Profile, tokens: &Result<Option<TokenSet>, ()>, key: &str) -> Value {
    let set = tokens.as_ref().ok().and_then(Option::as_ref);
    let end = set.and_then(|set| set.expires_at);
    let state = match (tokens, set) {
        (Err(()), _) => "locked".to_owned(),
        (_, None) => "none".to_owned(),
        (_, Some(set)) if set.is_expired(Clock::system().now()) => "expired".to_owned(),
        _ => match end.and_then(|end| jiff::Timestamp::from_second(end.as_seconds()).ok()) {
            Some(end) => format!("until {end}"),
            None => "without end".to_owned(),
        },
    };
    json!({
        "profile": name,
        "issuer": profile.issuer,
        "account": profile.account,
        "clientId": profile.client_id,
        "scopes": set.map(TokenSet::scopes),
        "token": state,
        "expiresAt": end.map(ayb_client::Timestamp::as_seconds),
        "renews": set.map(|set| set.refresh_token.is_some()),
        "key": key,
    })
}
