//! Files: the data folder, the master key.

use std::path::Path;

use super::{Finding, rights};
use crate::config::layers::MASTER_KEY;
use crate::config::{Config, EmailBackend, MasterKey, Settings};

/// Looks at the files.
pub(super) fn examine(config: &Config, settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![data_folder(&config.server.data_dir), master_key(config, settings)];
    findings.extend(mail(config));
    findings.extend(secrets(config));
    findings
}

fn data_folder(folder: &Path) -> Finding {
    const SUBJECT: &str = "data folder";
    let shown = folder.display();
    if !folder.exists() {
        return Finding::good(SUBJECT, format!("{shown} does not exist yet; `ayb start` makes it"));
    }
    let probe = folder.join(".ayb-doctor");
    let written = std::fs::write(&probe, b"probe").and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => Finding::good(SUBJECT, format!("{shown} can be written")),
        Err(error) => Finding::bad(
            SUBJECT,
            format!("{shown} cannot be written: {error}"),
            "give the user that runs ayb the right to write there, or choose another --data-dir",
        ),
    }
}

fn master_key(config: &Config, settings: &Settings) -> Finding {
    const SUBJECT: &str = "master key";
    let path = &config.auth.provider.master_key_file;
    if rights::master_key_is_a_setting(config, settings) {
        let place = settings.origin(MASTER_KEY);
        return Finding::good(SUBJECT, format!("is set by {place}; keep a backup apart from the database"));
    }
    match std::fs::read_to_string(path) {
        Err(_) if !path.exists() => {
            Finding::good(SUBJECT, format!("{} does not exist yet; `ayb start` makes it", path.display()))
        }
        Err(error) => Finding::bad(
            SUBJECT,
            format!("{} cannot be read: {error}", path.display()),
            "give the user that runs ayb the right to read it",
        ),
        Ok(text) if MasterKey::parse(text.trim()).is_none() => Finding::bad(
            SUBJECT,
            format!("{} does not hold 32 bytes in hex or base64", path.display()),
            "restore the file from a backup: without it the signing keys cannot be opened",
        ),
        Ok(_) => rights::open_file(SUBJECT, path, "is there").unwrap_or_else(|| {
            let text = format!("{} is there, for its owner only", path.display());
            Finding::good(SUBJECT, format!("{text}; keep a backup apart from the database"))
        }),
    }
}

fn mail(config: &Config) -> Option<Finding> {
    let for_others = !config.server.is_for_this_machine();
    (config.email.backend == EmailBackend::Log && for_others).then(|| {
        Finding::doubtful(
            "mail",
            "is printed to the log, so nobody can reset a password",
            "set email.backend = \"smtp\" and the smtp_ keys",
        )
    })
}

fn secrets(config: &Config) -> Option<Finding> {
    let secret = config.auth.jwt_secret.as_ref()?;
    let few = secret.expose().bytes().collect::<std::collections::BTreeSet<_>>().len() < 10;
    few.then(|| {
        Finding::doubtful(
            "auth.jwt_secret",
            "looks like it was typed, not drawn",
            "`ayb init` writes a random one",
        )
    })
}
