//! The certificate that the server shows, and the authorities that it trusts.

use std::path::Path;
use std::time::Duration;

use ayb_protocol::time::{Seconds, Timestamp};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};
use url::Url;

use super::Finding;
use crate::config::{Config, ServerConfig};
use crate::http::tls::{TlsFiles, TlsIdentity};

const SUBJECT: &str = "TLS";
const AUTHORITIES: &str = "outbound CA file";
/// A certificate that ends sooner should have been renewed by now.
const SOON: Seconds = Seconds(14 * 24 * 60 * 60);
const RENEW: &str = "renew it, and write the new chain and key to the configured files: a running server takes them by itself";

/// Looks at the certificate that the server shows, if it speaks TLS, and at the authorities that it trusts besides the
/// usual ones.
pub(super) fn examine(config: &Config, now: Timestamp) -> Vec<Finding> {
    let mut findings = own(&config.server, now);
    findings.extend(config.server.outbound_ca_file.as_deref().map(authorities));
    findings
}

fn own(server: &ServerConfig, now: Timestamp) -> Vec<Finding> {
    let (Some(certificate), Some(private_key)) = (server.tls_cert_file.clone(), server.tls_key_file.clone())
    else {
        return Vec::new();
    };
    let identity = match TlsIdentity::load(TlsFiles { certificate, private_key }) {
        Ok(identity) => identity,
        Err(error) => return vec![Finding::bad(SUBJECT, error.to_string(), error.hint())],
    };
    let mut findings = vec![Finding::good(SUBJECT, "certificate and key fit each other")];
    for (number, certificate) in identity.chain().iter().enumerate() {
        let name = match number {
            0 => "the certificate".to_owned(),
            number => format!("certificate {} of the chain", number + 1),
        };
        findings.push(period(&name, certificate, now));
    }
    findings.extend(identity.chain().first().map(|certificate| names(certificate, server)));
    findings
}

/// Whether a certificate is in its time, and stays there for a while.
fn period(name: &str, certificate: &CertificateDer<'_>, now: Timestamp) -> Finding {
    let Some((begin, end)) = validity(certificate) else {
        let hint = "order a new one: clients may refuse it";
        return Finding::doubtful(SUBJECT, format!("the dates of {name} cannot be read"), hint);
    };
    if now > end {
        return Finding::bad(SUBJECT, format!("{name} ended on {}", shown(end)), RENEW);
    }
    if now < begin {
        let hint = "is the clock of this machine right? Clients refuse the certificate until then";
        return Finding::bad(SUBJECT, format!("{name} begins on {} only", shown(begin)), hint);
    }
    if now.plus(SOON) > end {
        let days = end.seconds_since(now).0 / (24 * 60 * 60);
        let text = format!("{name} ends in {days} days, on {}", shown(end));
        return Finding::doubtful(SUBJECT, text, RENEW);
    }
    Finding::good(SUBJECT, format!("{name} is good until {}", shown(end)))
}

/// Whether the certificate is for the name that clients use. Behind a proxy the name that counts is the proxy's.
fn names(certificate: &CertificateDer<'_>, server: &ServerConfig) -> Finding {
    let url = Url::parse(&server.public_url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let Ok(expected) = ServerName::try_from(host.trim_matches(['[', ']'])) else {
        let hint = "set server.public_url to the address that clients use";
        return Finding::doubtful(SUBJECT, format!("no certificate can be for {host}"), hint);
    };
    let checked =
        ParsedCertificate::try_from(certificate).and_then(|parsed| verify_server_name(&parsed, &expected));
    let presented = match checked {
        Ok(()) => return Finding::good(SUBJECT, format!("the certificate is for {host}")),
        Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. })) => {
            presented
        }
        Err(_) => Vec::new(),
    };
    let said = presented.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ");
    let said = if said.is_empty() { "no name" } else { &said };
    let text = format!("the certificate is for {said}, and not for {host} of server.public_url");
    if server.trusted_proxies.is_empty() {
        let hint = "order one for that name, or correct server.public_url: clients refuse the connection";
        return Finding::bad(SUBJECT, text, hint);
    }
    Finding::doubtful(SUBJECT, text, "good if clients reach only the proxy, and the proxy takes this name")
}

/// A name as the TLS library tells it, such as `DnsName("id.example.com")`, without that frame.
fn plain(name: &str) -> String {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner.trim_end_matches(')'));
    inner.trim_matches('"').escape_debug().to_string()
}

/// The authorities of `server.outbound_ca_file`.
fn authorities(path: &Path) -> Finding {
    let shown = path.display();
    let bad = |what: String, hint: &str| Finding::bad(AUTHORITIES, format!("{shown} {what}"), hint);
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) => {
            let hint = "correct server.outbound_ca_file, or give the user that runs ayb the right to read it";
            return bad(format!("cannot be read: {error}"), hint);
        }
    };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let form = "it must hold certificates of authorities in PEM form";
    let mut store = RootCertStore::empty();
    match found.map(|found| store.add_parsable_certificates(found)) {
        Err(error) => bad(format!("is not in PEM form: {error}"), form),
        Ok((0, 0)) => bad("holds no certificate".to_owned(), form),
        Ok((1, 0)) => Finding::good(AUTHORITIES, format!("{shown} holds a certificate")),
        Ok((good, 0)) => Finding::good(AUTHORITIES, format!("{shown} holds {good} certificates")),
        Ok((good, broken)) => {
            bad(format!("holds {} certificates, {broken} of which cannot be used", good + broken), form)
        }
    }
}

/// From when until when a certificate is valid. The TLS library tells these dates only when it refuses a certificate for
/// them, which it does before it looks for an authority: it is asked about the first and the last moment of all.
fn validity(certificate: &CertificateDer<'_>) -> Option<(Timestamp, Timestamp)> {
    let parsed = ParsedCertificate::try_from(certificate).ok()?;
    let refusal = |at: Duration| {
        let (nobody, at) = (RootCertStore::empty(), UnixTime::since_unix_epoch(at));
        match verify_server_cert_signed_by_trust_anchor(&parsed, &nobody, &[], at, &[]).err()? {
            Error::InvalidCertificate(refusal) => Some(refusal),
            _ => None,
        }
    };
    let CertificateError::NotValidYetContext { not_before, .. } = refusal(Duration::ZERO)? else {
        return None;
    };
    let CertificateError::ExpiredContext { not_after, .. } = refusal(Duration::from_secs(u64::MAX))? else {
        return None;
    };
    Some((timestamp(not_before)?, timestamp(not_after)?))
}

fn timestamp(time: UnixTime) -> Option<Timestamp> {
    i64::try_from(time.as_secs()).ok().map(Timestamp::from_seconds)
}

/// The day, in UTC.
fn shown(time: Timestamp) -> String {
    jiff::Timestamp::from_second(time.as_seconds())
        .map(|time| time.strftime("%Y-%m-%d").to_string())
        .unwrap_or_default()
}
