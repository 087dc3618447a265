//! Flags that every command takes.

use std::convert::Infallible;
use std::path::PathBuf;

use clap::Args;

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
