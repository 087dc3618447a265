//! Flags that every command takes.

use std::convert::Infallible;
use std::path::PathBuf;

use ayb_protocol::ids::ClientId;
use clap::Args;
use uuid::Uuid;

use super::output::Format;
use crate::config::SecretText;

/// Flags that every command takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    /// Configuration file [default: ./ayb.toml, then ayb.toml in the data folder] [variable: AYB_CONFIG]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    pub config: Option<PathBuf>,
    /// Folder of the embedded database and the server's own files [variable: AYB_DATA_DIR]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub data_dir: Option<PathBuf>,
    /// The running server [default: http://127.0.0.1:8090, or as configured here] [variable: AYB_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = "Everywhere")]
    pub url: Option<String>,
    /// The administrator's token; better in AYB_ADMIN_TOKEN or saved by `ayb admin login`, where others cannot see it
    #[arg(long, global = true, value_name = "TOKEN", value_parser = secret, help_heading = "Everywhere")]
    pub admin_token: Option<SecretText>,
    /// Send the token over http to another machine, where the network can read it
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub allow_plain_http: bool,
    /// Form of the output
    #[arg(long, global = true, value_enum, value_name = "FORM", help_heading = "Everywhere")]
    pub output: Option<Format>,
    /// Short for --output json
    #[arg(long, global = true, conflicts_with = "output", help_heading = "Everywhere")]
    pub json: bool,
}

impl Flags {
    /// The form of the output.
    pub fn format(&self) -> Format {
        if self.json { Format::Json } else { self.output.unwrap_or_default() }
    }
}

/// A list as meant: blanks around the commas and empty places do not count, so that `--allowed-origins ""` empties it.
pub fn words(list: &[String]) -> Vec<&str> {
    list.iter().map(|word| word.trim()).filter(|word| !word.is_empty()).collect()
}

/// Takes a secret from the command line.
pub fn secret(text: &str) -> Result<SecretText, Infallible> {
    Ok(SecretText::new(text.to_owned()))
}

/// Takes the identifier of an app from the command line.
pub fn app_id(text: &str) -> Result<Uuid, String> {
    identifier(text, "an app", "ayb apps list")
}

/// Takes the identifier of an account from the command line.
pub fn user_id(text: &str) -> Result<Uuid, String> {
    identifier(text, "a user", "ayb users list")
}

/// Takes the identifier of an API key from the command line.
pub fn key_id(text: &str) -> Result<Uuid, String> {
    identifier(text, "an API key", "ayb apikeys list")
}

fn identifier(text: &str, whose: &str, list: &str) -> Result<Uuid, String> {
    let form = "is a UUID such as 01981a2b-3c4d-7e5f-8a9b-0c1d2e3f4a5b";
    Uuid::parse_str(text).map_err(|_| format!("the id of {whose} {form}; `{list}` shows them"))
}

/// Takes the identifier of a client from the command line.
pub fn client_id(text: &str) -> Result<ClientId, &'static str> {
    ClientId::parse(text).ok_or(
        "a client id is `ayb_cid_` and 48 hexadecimal digits in lower case; `ayb oauth clients list` shows them",
    )
}
