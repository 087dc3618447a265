//! `ayb init`: a configuration to start from.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use super::context::Context;
use super::failure::Failure;
use crate::config::{MasterKey, SecretText, secret_file, template::template};
use crate::entropy::{Entropy, EntropyError};

/// Where the configuration goes.
#[derive(Args, Clone, Debug)]
pub struct InitCommand {
    /// Folder to write ayb.toml to [default: the working directory, or the file that --config names]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl InitCommand {
    /// Writes the configuration file with fresh secrets and provider mode on; never replaces one.
    pub fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let path = self.file(context)?;
        let text = fresh().map_err(|error| Failure::failed(error.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let written = std::fs::create_dir_all(folder).and_then(|()| secret_file::create(&path, &text));
        let shown = path.display();
        written.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::failed(format!(
                "{shown} exists already and stays as it is"
            ))
            .hint("`ayb config set` changes single keys; --config names another file, --dir another folder"),
            _ => Failure::failed(format!("cannot write {shown}"))
                .because(error.to_string())
                .hint("--config names another file, --dir another folder"),
        })?;
        context
            .console
            .say(&format!("Wrote {shown} with fresh secrets and provider mode on. Only you can read it."))?;
        let start = match &context.flags.config {
            Some(file) => format!("ayb start --config {}", file.display()),
            None => "ayb start".to_owned(),
        };
        context.console.say(&format!(
            "Next: set server.public_url in it to the address that browsers will use, then `{start}`."
        ))
    }

    /// Where the configuration goes: to the folder that was named, else to the file that every other command would read.
    fn file(&self, context: &Context<'_>) -> Result<PathBuf, Failure> {
        let sources = context.sources();
        match &self.dir {
            Some(_) if sources.file.is_some() => {
                Err(Failure::usage("--dir and --config both say where to write")
                    .hint("leave one of them out"))
            }
            Some(dir) => Ok(dir.join("ayb.toml")),
            None => Ok(sources.named_file().unwrap_or_else(|| sources.default_file())),
        }
    }
}

fn fresh() -> Result<String, EntropyError> {
    let entropy = Entropy::open()?;
    let jwt_secret = SecretText::new(ayb_protocol::hex::encode(entropy.bytes::<32>()?));
    let master_key = MasterKey::from_bytes(entropy.bytes()?).to_hex();
    let on = SecretText::new("true".to_owned());
    Ok(template(&[
        ("auth.jwt_secret", &jwt_secret),
        ("auth.oauth_provider.enabled", &on),
        ("auth.oauth_provider.master_key", &master_key),
    ]))
}
