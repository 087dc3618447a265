//! Who besides their owner may read the files that hold secrets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Finding;
use crate::config::key::{self, Key};
use crate::config::layers::{MASTER_KEY, MASTER_KEY_FILE};
use crate::config::{Config, Origin, Settings};

/// Whether the master key stands in a setting. One that was read from a file of its own comes, as a setting, from that file
/// or from the line that names it.
pub(super) fn master_key_is_a_setting(config: &Config, settings: &Settings) -> bool {
    let file = Origin::File { path: config.auth.provider.master_key_file.clone(), line: 0 };
    let elsewhere = [file, settings.origin(MASTER_KEY_FILE)];
    settings.setting(MASTER_KEY).is_some() && !elsewhere.contains(&settings.origin(MASTER_KEY))
}

/// Looks at the configuration file, if it holds secrets, and at the key of the certificate.
pub(super) fn examine(config: &Config, settings: &Settings) -> Vec<Finding> {
    let mut findings: Vec<_> = files_with_secrets(config, settings)
        .into_iter()
        .filter_map(|(file, keys)| open_file("configuration", &file, &format!("holds {}", keys.join(", "))))
        .collect();
    let key = config.server.tls_key_file.as_deref();
    findings.extend(key.and_then(|file| open_file("TLS", file, "is the private key of the certificate")));
    findings
}

/// A finding when others than its owner may read a file.
pub(super) fn open_file(subject: &'static str, path: &Path, what: &str) -> Option<Finding> {
    let text = format!("{} {what}, and other users may read it", path.display());
    is_open(path).then(|| Finding::doubtful(subject, text, format!("chmod 600 {}", path.display())))
}

#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open(_: &Path) -> bool {
    false
}

/// The configuration files in which secrets stand, with the keys that they are the values of.
fn files_with_secrets(config: &Config, settings: &Settings) -> BTreeMap<PathBuf, Vec<&'static str>> {
    let mut files: BTreeMap<PathBuf, Vec<&'static str>> = BTreeMap::new();
    for key in key::keys().filter(|key| holds_secret(config, settings, key)) {
        if let Origin::File { path, .. } = settings.origin(key.name) {
            files.entry(path).or_default().push(key.name);
        }
    }
    files
}

fn holds_secret(config: &Config, settings: &Settings, key: &Key) -> bool {
    let elsewhere = key.name == MASTER_KEY && !master_key_is_a_setting(config, settings);
    !elsewhere && settings.shown(key) != settings.exposed(key)
}
