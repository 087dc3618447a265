//! The address of a PostgreSQL server. The driver reads it, but for what it does not know about TLS.

use std::path::PathBuf;

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use url::form_urlencoded;

use super::tls::{Tls, Trust};
use crate::error::StoreError;

/// A server and how to speak to it.
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: Tls,
}

impl Address {
    /// Reads `postgres://user:password@host:port/database?sslmode=…&sslrootcert=…`.
    ///
    /// `sslmode` is `disable`, `prefer` (the default), `require` (encrypted, certificate unchecked as in libpq) or
    /// `verify-full`; `sslrootcert` names a PEM file, and without it the system's authorities count. An
    /// `sslrootcert` beside `require` checks the certificate as well.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut root, mut rest) = (None, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let parsed = form_urlencoded::parse(pair.as_bytes()).next();
            match parsed {
                Some((name, value)) if name == "sslmode" => mode = Some(value.into_owned()),
                Some((name, value)) if name == "sslrootcert" => root = Some(value.into_owned()),
                _ => rest.push(pair),
            }
        }
        // The driver's complaint could quote the password.
        let refused = |_| StoreError::unavailable("the address of the PostgreSQL server cannot be read");
        let mut config: Config = format!("{base}?{}", rest.join("&")).parse().map_err(refused)?;
        let (mode, trust) = security(mode.as_deref(), root)?;
        config.ssl_mode(mode);
        Ok(Self { config, tls: Tls::new(&trust)? })
    }
}

fn security(mode: Option<&str>, root: Option<String>) -> Result<(SslMode, Trust), StoreError> {
    let authorities = match root {
        Some(file) if file != "system" => Some(Trust::File(PathBuf::from(file))),
        Some(_) => Some(Trust::System),
        None => None,
    };
    match mode {
        Some("disable") => Ok((SslMode::Disable, Trust::Anyone)),
        None | Some("prefer") => Ok((SslMode::Prefer, Trust::Anyone)),
        Some("require") => Ok((SslMode::Require, authorities.unwrap_or(Trust::Anyone))),
        Some("verify-full") => Ok((SslMode::Require, authorities.unwrap_or(Trust::System))),
        Some(_) => Err(StoreError::unavailable("sslmode is disable, prefer, require or verify-full")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_security_of_an_address_is_never_less_than_it_says() {
        let file = || Some("ca.pem".to_owned());
        let cases = [
            (None, None, Some((SslMode::Prefer, Trust::Anyone))),
            (Some("disable"), None, Some((SslMode::Disable, Trust::Anyone))),
            (Some("require"), None, Some((SslMode::Require, Trust::Anyone))),
            (Some("require"), file(), Some((SslMode::Require, Trust::File("ca.pem".into())))),
            (Some("verify-full"), None, Some((SslMode::Require, Trust::System))),
            (Some("verify-full"), file(), Some((SslMode::Require, Trust::File("ca.pem".into())))),
            (Some("verify-ca"), None, None),
            (Some("allow"), None, None),
            (Some(""), None, None),
        ];
        for (mode, root, expected) in cases {
            assert_eq!(security(mode, root).ok(), expected, "{mode:?}");
        }
    }

    #[test]
    fn an_unreadable_address_is_refused_without_its_password() {
        for url in [
            "postgres://u:hunter2@h:port/db",
            "postgres://u:hunter2@h/db?sslcert=x",
            "postgres://u:hunter2@h/d?a",
        ] {
            let error = Address::parse(url).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains("cannot be read") && !error.contains("hunter2"), "{url}: {error}");
        }
    }

    #[test]
    fn sockets_and_other_parameters_pass_through() {
        let address =
            Address::parse("postgres:///db?host=%2Ftmp%2Fsock&sslmode=prefer&user=ada&port=5433").unwrap();
        assert_eq!(address.config.get_dbname(), Some("db"));
        assert_eq!(address.config.get_user(), Some("ada"));
        assert_eq!(address.config.get_ports(), [5433]);
        assert_eq!(address.config.get_hosts().len(), 1);
    }
}
