//! The master key: one secret outside the database, from which every key that must not lie inside it is derived.

use std::io::{ErrorKind, Write};
use std::path::Path;

use ayb_protocol::jose;
use zeroize::Zeroizing;

use crate::config::{MasterKey, OAuthProviderConfig};
use crate::entropy::Entropy;

/// What a derived key is for. Each purpose has a key of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// Encrypts signing keys at rest.
    SealSigningKeys,
    /// Protects forms.
    Csrf,
    /// Signs the progress of an authorization request into its address.
    Progress,
    /// Derives the successor of a refresh token, for clients that may ask for a lost answer again.
    Successor,
    /// Names in the database those whom a limit counts, so that addresses cannot be guessed from the names.
    Limits,
    /// Signs session tokens where `auth.jwt_secret` is not set.
    SessionTokens,
}

impl Purpose {
    const fn label(self) -> &'static str {
        match self {
            Self::SealSigningKeys => "ayb seal signing keys v1",
            Self::Csrf => "ayb forms v1",
            Self::Progress => "ayb progress v1",
            Self::Successor => "ayb refresh successor v1",
            Self::Limits => "ayb limits v1",
            Self::SessionTokens => "ayb session tokens v1",
        }
    }
}

/// The key for one purpose: HMAC-SHA-256 of its label under the master key (the expand step of RFC 5869 for one block).
pub fn derive(master: &MasterKey, purpose: Purpose) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(jose::hmac_sha256(master.bytes(), purpose.label()))
}

/// The configured master key, or the one in its file; the file is made when there is none. `sealed` says that the database
/// holds what was sealed with one: a new key would open nothing of that, and hide that the old one is missing.
///
/// # Errors
/// When the file can neither be read nor made, holds something else, or is missing although it is needed.
pub fn load_or_create(
    config: &OAuthProviderConfig,
    sealed: bool,
    entropy: &Entropy,
) -> anyhow::Result<MasterKey> {
    if let Some(key) = &config.master_key {
        return Ok(key.clone());
    }
    let path = &config.master_key_file;
    match std::fs::read_to_string(path) {
        Ok(text) => read(&Zeroizing::new(text), path),
        Err(error) if error.kind() == ErrorKind::NotFound && sealed => Err(anyhow::anyhow!(
            "the signing keys in the database are sealed, and the master key file {} is not there\n\
             hint: restore it from a backup, or set auth.oauth_provider.master_key or master_key_file",
            path.display()
        )),
        Err(error) if error.kind() == ErrorKind::NotFound => create(path, entropy),
        Err(error) => Err(anyhow::anyhow!(
            "cannot read the master key file {}: {error}\nhint: give the user that runs ayb the right to read it",
            path.display()
        )),
    }
}

fn read(text: &str, path: &Path) -> anyhow::Result<MasterKey> {
    MasterKey::parse(text.trim()).ok_or_else(|| {
        anyhow::anyhow!(
            "the master key file {} does not hold 32 bytes in hex or base64\nhint: restore it from a backup",
            path.display()
        )
    })
}

fn create(path: &Path, entropy: &Entropy) -> anyhow::Result<MasterKey> {
    let key = MasterKey::from_bytes(entropy.bytes()?);
    let explain = |error| {
        anyhow::anyhow!(
            "cannot write the master key file {}: {error}\nhint: give the user that runs ayb the right to write there",
            path.display()
        )
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(explain)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = match options.open(path) {
        Ok(file) => file,
        // Another process of this server was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return read(&Zeroizing::new(std::fs::read_to_string(path)?), path);
        }
        Err(error) => return Err(explain(error)),
    };
    file.write_all(key.to_hex().expose().as_bytes()).and_then(|()| file.sync_all()).map_err(explain)?;
    Ok(key)
}
