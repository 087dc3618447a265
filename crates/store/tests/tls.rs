//! TLS to PostgreSQL, against a server of the system's that has a certificate of ours.

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::time::Duration;

use ayb_store::db::{Db, DbOptions};
use ayb_testkit::cluster::Cluster;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// Writes an authority and a certificate for `localhost` into the server's folder and answers with the authority.
fn certify(data: &Path) -> String {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap().pem();
    let server_key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(params, key);
    let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let server = server.signed_by(&server_key, &issuer).unwrap().pem();
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(data).unwrap());
    for (name, text) in [("server.crt", server), ("server.key", server_key.serialize_pem())] {
        let file = data.join(name);
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        chown(&file, Some(owner), None).unwrap();
    }
    authority
}

async fn connect(url: &str) -> Result<Option<bool>, String> {
    let options = DbOptions { deadline: Duration::from_secs(3), ..DbOptions::default() };
    let db = Db::open(url, options).await.map_err(|error| error.to_string())?;
    let row = db.one("select ssl from pg_stat_ssl where pid = pg_backend_pid()", &[]).await;
    Ok(row.map_err(|error| error.to_string())?.map(|row| row.bool(0).unwrap()))
}

#[tokio::test]
async fn certificates_are_checked_as_far_as_the_address_says() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = format!("-c listen_addresses=127.0.0.1 -c port={port} -c ssl=on");
    let Some(cluster) = Cluster::prepare(&settings) else {
        assert!(ayb_testkit::postgres().await.is_none());
        return;
    };
    let authority = certify(&cluster.data());
    cluster.restart();
    let folder = tempfile::tempdir().unwrap();
    let trusted = folder.path().join("trusted.pem");
    std::fs::write(&trusted, authority).unwrap();
    let stranger = folder.path().join("stranger.pem");
    let key = KeyPair::generate().unwrap();
    std::fs::write(&stranger, CertificateParams::new(vec![]).unwrap().self_signed(&key).unwrap().pem())
        .unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let (trusted, stranger, empty) = (trusted.display(), stranger.display(), empty.display());

    let by_name = format!("postgres://ayb@localhost:{port}/postgres");
    let by_number = format!("postgres://ayb@127.0.0.1:{port}/postgres");
    let cases = [
        (format!("{by_name}?sslmode=disable"), Some(false)),
        (by_name.clone(), Some(true)),
        (format!("{by_name}?sslmode=prefer"), Some(true)),
        (format!("{by_name}?sslmode=require"), Some(true)),
        (format!("{by_number}?sslmode=require"), Some(true)),
        (format!("{by_name}?sslmode=verify-full&sslrootcert={trusted}"), Some(true)),
        (format!("{by_name}?sslmode=require&sslrootcert={trusted}"), Some(true)),
        (format!("{by_number}?sslmode=verify-full&sslrootcert={trusted}"), None),
        (format!("{by_name}?sslmode=verify-full&sslrootcert={stranger}"), None),
        (format!("{by_name}?sslmode=require&sslrootcert={stranger}"), None),
        (format!("{by_name}?sslmode=verify-full&sslrootcert={empty}"), None),
        (format!("{by_name}?sslmode=verify-full"), None),
    ];
    for (url, expected) in cases {
        let outcome = connect(&url).await;
        assert_eq!(outcome.clone().ok().flatten(), expected, "{url}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_taken_unless_the_address_forbids_it() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let Some(_cluster) = Cluster::start(&format!("-c listen_addresses=127.0.0.1 -c port={port}")) else {
        assert!(ayb_testkit::postgres().await.is_none());
        return;
    };
    let url = format!("postgres://ayb@localhost:{port}/postgres");
    assert_eq!(connect(&url).await, Ok(Some(false)));
    assert!(connect(&format!("{url}?sslmode=require")).await.is_err());
    assert!(connect(&format!("{url}?sslmode=verify-full")).await.is_err());
}
