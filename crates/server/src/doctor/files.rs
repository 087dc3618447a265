//! Files: the data folder, the master key, the certificate.

use std::path::Path;

use super::Finding;
use crate::config::{Config, EmailBackend, MasterKey};
use crate::http::tls::{TlsFiles, TlsIdentity};

/// Looks at the files.
pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![data_folder(&config.server.data_dir), master_key(config)];
    findings.extend(certificate(config));
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

fn master_key(config: &Config) -> Finding {
    const SUBJECT: &str = "master key";
    let provider = &config.auth.provider;
    let path = &provider.master_key_file;
    if provider.master_key.is_some() && !path.exists() {
        return Finding::good(SUBJECT, "comes from the configuration");
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
        Ok(_) => readable_by_others(path),
    }
}

fn readable_by_others(path: &Path) -> Finding {
    const SUBJECT: &str = "master key";
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let open = std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0);
        if open {
            let hint = format!("chmod 600 {}", path.display());
            return Finding::doubtful(
                SUBJECT,
                format!("{} can be read by other users", path.display()),
                hint,
            );
        }
    }
    Finding::good(
        SUBJECT,
        format!("{} is there, for its owner only; keep a backup apart from the database", path.display()),
    )
}

fn certificate(config: &Config) -> Option<Finding> {
    let (certificate, private_key) =
        (config.server.tls_cert_file.clone()?, config.server.tls_key_file.clone()?);
    Some(match TlsIdentity::load(TlsFiles { certificate, private_key }) {
        Ok(_) => Finding::good("TLS", "certificate and key fit each other"),
        Err(error) => Finding::bad("TLS", error.to_string(), error.hint()),
    })
}

fn mail(config: &Config) -> Option<Finding> {
    let reachable = !config.server.listens_on_loopback();
    (config.email.backend == EmailBackend::Log && reachable).then(|| {
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
