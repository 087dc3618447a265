//! Profiles: where somebody is signed in, in a file that holds no secret; and the key of the files that hold the tokens.
//!
//! Everything is in the folder `ayb/auth` of the user's configuration folder: `profiles.json`, the encrypted `tokens`, and `key`
//! where the key is in a file.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::path::{Path, PathBuf};

use ayb_client::{
    ClientCredentials, KeySource, OAuth2, OAuth2Config, ProviderConfig, SecretString, TokenStorageConfig,
    TokenStorageKey,
};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::failures::failed;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::password;
use crate::config::secret_file;
use crate::entropy::Entropy;

/// The variable with the passphrase of the tokens.
const PASSPHRASE: &str = "AYB_TOKENS_PASSPHRASE";

/// The variable with the secret of a client that has one.
const CLIENT_SECRET: &str = "AYB_CLIENT_SECRET";

/// Where the key of the tokens is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum KeyPlace {
    /// In the key ring of the system
    Keyring,
    /// In a file that only its owner can read
    File,
    /// In somebody's head; scripts have it in AYB_TOKENS_PASSPHRASE
    Passphrase,
}

impl KeyPlace {
    /// The word in the output.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::File => "file",
            Self::Passphrase => "passphrase",
        }
    }
}

/// Where somebody is signed in. Nothing in it is a secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Profile {
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource: Option<String>,
    /// Who signed in, as the ID token says: the email address, or the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) account: Option<String>,
    token_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    jwks_uri: Option<String>,
    auth_methods: Option<Vec<String>>,
}

impl Profile {
    /// What has to be known to renew and revoke without asking for the metadata each time.
    pub(super) fn of(provider: &ProviderConfig, issuer: &str, client_id: &str, scopes: &[String]) -> Self {
        Self {
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            scopes: scopes.to_vec(),
            resource: None,
            account: None,
            token_endpoint: provider.token_endpoint.as_ref().map(Url::to_string),
            revocation_endpoint: provider.revocation_endpoint.as_ref().map(Url::to_string),
            jwks_uri: provider.jwks_uri.as_ref().map(Url::to_string),
            auth_methods: provider.auth_methods.clone(),
        }
    }

    fn provider(&self) -> ProviderConfig {
        let url = |text: &Option<String>| text.as_deref().and_then(|text| Url::parse(text).ok());
        ProviderConfig {
            issuer: Some(self.issuer.clone()),
            token_endpoint: url(&self.token_endpoint),
            revocation_endpoint: url(&self.revocation_endpoint),
            jwks_uri: url(&self.jwks_uri),
            auth_methods: self.auth_methods.clone(),
            ..ProviderConfig::default()
        }
    }
}

/// The form of `profiles.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Written {
    version: u8,
    key: Option<KeyPlace>,
    profiles: BTreeMap<String, Profile>,
}

/// The profiles of one user.
pub(super) struct Profiles {
    folder: PathBuf,
}

/// The name under which a profile's tokens are kept.
pub(super) fn storage_key(profile: &str) -> TokenStorageKey {
    TokenStorageKey::new("ayb").user(profile).provider("auth")
}

/// How the client proves itself: with the secret of the environment, if there is one.
pub(super) fn credentials(context: &Context<'_>, client_id: &str) -> ClientCredentials {
    match context.environment.text(CLIENT_SECRET) {
        Some(secret) => ClientCredentials::with_secret(client_id, secret),
        None => ClientCredentials::public(client_id),
    }
}

impl Profiles {
    /// Those in the user's configuration folder, which is made if it is not there.
    pub(super) fn open(context: &Context<'_>) -> Result<Self, Failure> {
        let folder = context.user_folder().ok_or_else(|| {
            Failure::failed("there is no folder to keep tokens in").hint("set HOME or XDG_CONFIG_HOME")
        })?;
        let folder = folder.join("auth");
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder).map_err(|error| unusable(&folder, &error))?;
        Ok(Self { folder })
    }

    fn file(&self) -> PathBuf {
        self.folder.join("profiles.json")
    }

    fn read(&self) -> Result<Written, Failure> {
        let path = self.file();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Written::default()),
            Err(error) => return Err(unusable(&path, &error)),
        };
        let broken = |error: serde_json::Error| {
            Failure::failed(format!("{} cannot be read", path.display()))
                .because(error.to_string())
                .hint("remove it and sign in again; tokens that it named stay encrypted beside it")
        };
        serde_json::from_str(&text).map_err(broken)
    }

    /// Changes the file; whoever else does waits.
    fn change<T>(&self, change: impl FnOnce(&mut Written) -> Result<T, Failure>) -> Result<T, Failure> {
        let _changing = self.lock()?;
        let mut written = self.read()?;
        let result = change(&mut written)?;
        written.version = 1;
        let text = serde_json::to_string_pretty(&written).unwrap_or_default();
        secret_file::replace(&self.file(), &text).map_err(|error| unusable(&self.file(), &error))?;
        Ok(result)
    }

    fn lock(&self) -> Result<File, Failure> {
        let path = self.folder.join("profiles.lock");
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let locked = file.and_then(|file| file.lock().map(|()| file));
        locked.map_err(|error| unusable(&path, &error))
    }

    /// The profile of this name.
    pub(super) fn named(&self, name: &str) -> Result<Profile, Failure> {
        self.read()?.profiles.remove(name).ok_or_else(|| {
            Failure::new(Exit::NotFound, format!("there is no profile `{name}`"))
                .hint("`ayb auth status` shows them; `ayb auth login` makes one")
        })
    }

    /// All of them.
    pub(super) fn all(&self) -> Result<BTreeMap<String, Profile>, Failure> {
        Ok(self.read()?.profiles)
    }

    /// Where the key is; nothing before the first sign-in.
    pub(super) fn key_place(&self) -> Result<Option<KeyPlace>, Failure> {
        Ok(self.read()?.key)
    }

    /// Keeps a profile.
    pub(super) fn keep(&self, name: &str, profile: Profile) -> Result<(), Failure> {
        self.change(|written| {
            written.profiles.insert(name.to_owned(), profile);
            Ok(())
        })
    }

    /// Forgets a profile.
    pub(super) fn forget(&self, name: &str) -> Result<(), Failure> {
        self.change(|written| {
            written.profiles.remove(name);
            Ok(())
        })
    }

    /// Decides where the key is, before anybody signs in, and has it there. A place that was chosen earlier stays.
    pub(super) fn settle_key(&self, wanted: Option<KeyPlace>) -> Result<(KeyPlace, Option<String>), Failure> {
        self.change(|written| {
            let has_profiles = !written.profiles.is_empty();
            let (place, remark) = match (written.key.filter(|_| has_profiles), wanted) {
                (Some(kept), Some(wanted)) if kept != wanted => {
                    return Err(Failure::usage(format!(
                        "the key of the tokens is in the {} already",
                        kept.word()
                    ))
                    .hint("log out of every profile before the key changes its place"));
                }
                (Some(kept), _) => (kept, None),
                (None, Some(KeyPlace::Keyring)) => (probed()?, None),
                (None, Some(wanted)) => (wanted, None),
                (None, None) => match probed() {
                    Ok(place) => (place, None),
                    Err(failure) => {
                        let why = failure.cause.unwrap_or_default();
                        let place = self.key_file().display().to_string();
                        (
                            KeyPlace::File,
                            Some(format!("no key ring ({why}): the key of the tokens is in {place}")),
                        )
                    }
                },
            };
            if place == KeyPlace::File {
                self.make_key_file()?;
            }
            written.key = Some(place);
            Ok((place, remark))
        })
    }

    fn key_file(&self) -> PathBuf {
        self.folder.join("key")
    }

    /// Called under the lock, so nobody reads half a key.
    fn make_key_file(&self) -> Result<(), Failure> {
        let path = self.key_file();
        if path.exists() {
            return Ok(());
        }
        let drawn = Entropy::open().and_then(|entropy| entropy.bytes::<32>());
        let key = drawn.map_err(|error| Failure::failed("no key can be drawn").because(error.to_string()))?;
        let key = Zeroizing::new(key);
        let text = Zeroizing::new(format!("{}\n", ayb_protocol::hex::encode(*key)));
        secret_file::create(&path, &text).map_err(|error| unusable(&path, &error))
    }

    fn key(&self, place: KeyPlace, context: &mut Context<'_>) -> Result<KeySource, Failure> {
        match place {
            KeyPlace::Keyring => keyring::source(),
            KeyPlace::File => {
                let path = self.key_file();
                let text = std::fs::read_to_string(&path).map_err(|error| {
                    unusable(&path, &error).hint("without the key the tokens are lost; sign in again")
                })?;
                let broken = |_| Failure::failed(format!("{} holds no key", path.display()));
                KeySource::from_text(&SecretString::from(text)).map_err(broken)
            }
            KeyPlace::Passphrase => {
                if let Some(passphrase) = context.environment.text(PASSPHRASE) {
                    return Ok(KeySource::Passphrase(passphrase.into()));
                }
                if !context.console.interactive {
                    return Err(Failure::usage("the passphrase of the tokens is not known")
                        .hint(format!("set {PASSPHRASE}")));
                }
                let asked = password::ask(&mut context.console, "Passphrase of the tokens")?;
                Ok(KeySource::Passphrase(asked.expose().into()))
            }
        }
    }

    /// Where the tokens are kept.
    pub(super) fn storage(&self, context: &mut Context<'_>) -> Result<TokenStorageConfig, Failure> {
        let place = self.key_place()?.unwrap_or(KeyPlace::File);
        Ok(TokenStorageConfig::File { path: self.folder.join("tokens"), key: self.key(place, context)? })
    }

    /// The client of a profile. It asks for nothing yet.
    pub(super) fn client(&self, name: &str, context: &mut Context<'_>) -> Result<(Profile, OAuth2), Failure> {
        let profile = self.named(name)?;
        let storage = self.storage(context)?;
        let client = Self::build(&profile, storage, context);
        Ok((profile, client.map_err(|error| failed("the tokens cannot be opened", name, &error))?))
    }

    /// The client of a profile over an open storage.
    pub(super) fn build(
        profile: &Profile,
        storage: TokenStorageConfig,
        context: &Context<'_>,
    ) -> Result<OAuth2, ayb_client::OAuth2Error> {
        let mut config = OAuth2Config::new(profile.provider(), credentials(context, &profile.client_id));
        config.resource.clone_from(&profile.resource);
        config.default_scopes.clone_from(&profile.scopes);
        config.storage = storage;
        OAuth2::builder(config).build()
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("{} cannot be used", path.display())).because(error.to_string())
}

fn probed() -> Result<KeyPlace, Failure> {
    keyring::probe().map(|()| KeyPlace::Keyring)
}

#[cfg(feature = "keyring")]
mod keyring {
    use ayb_client::KeySource;

    use crate::cli::failure::Failure;

    const SERVICE: &str = "ayb";

    pub(super) fn probe() -> Result<(), Failure> {
        KeySource::probe_keyring(SERVICE).map_err(|error| {
            Failure::failed("the key ring cannot be used")
                .because(error.to_string())
                .hint("choose another place with --key file or --key passphrase")
        })
    }

    #[expect(clippy::unnecessary_wraps, reason = "without the feature there is none")]
    pub(super) fn source() -> Result<KeySource, Failure> {
        Ok(KeySource::keyring(SERVICE, "tokens"))
    }
}

#[cfg(not(feature = "keyring"))]
mod keyring {
    use ayb_client::KeySource;

    use crate::cli::failure::Failure;

    fn none() -> Failure {
        Failure::failed("the key ring cannot be used")
            .because("this program was built without it")
            .hint("build it with `--features keyring`, or choose --key file or --key passphrase")
    }

    pub(super) fn probe() -> Result<(), Failure> {
        Err(none())
    }

    pub(super) fn source() -> Result<KeySource, Failure> {
        Err(none())
    }
}
