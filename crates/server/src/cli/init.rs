//! `ayb init`: a configuration to start from.

use std::io;
use std::path::PathBuf;

use clap::Args;

use super::context::Context;
use super::failure::Failure;
use crate::config::{MasterKey, SecretText, secret_file, template::template};
use crate::entropy::{Entropy, EntropyError};

/// Where the configuration goes.
#[derive(Args, Clone, Debug)]
pub struct InitCommand {
    /// Folder to write ayb.toml to
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

impl InitCommand {
    /// Writes `ayb.toml` with fresh secrets and provider mode on; never replaces one.
    pub fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let path = self.dir.join("ayb.toml");
        let text = fresh().map_err(|error| Failure::failed(error.to_string()))?;
        let written = std::fs::create_dir_all(&self.dir).and_then(|()| secret_file::create(&path, &text));
        let shown = path.display();
        written.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Failure::failed(format!("{shown} exists already and stays as it is"))
                    .hint("`ayb config set` changes single keys; --dir names another folder")
            }
            _ => Failure::failed(format!("cannot write {shown}")).because(error.to_string()),
        })?;
        context
            .console
            .say(&format!("Wrote {shown} with fresh secrets and provider mode on. Only you can read it."))?;
        context
            .console
            .say("Next: set server.public_url in it to the address that browsers will use, then `ayb start`.")
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
