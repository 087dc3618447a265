use std::fs;

use ayb_server::config::{self, Environment, Sources};

fn complaint(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ayb.toml");
    fs::write(&path, bytes).unwrap();
    let sources = Sources { file: Some(path), directory: folder.path().to_owned(), ..Sources::default() };
    config::load(&sources).unwrap_err().to_string()
}

#[test]
fn hostile_documents_are_refused_with_a_line_and_without_their_content() {
    let deep_array = format!("x = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_table = format!("x = {}1{}", "{ a = ".repeat(50_000), "}".repeat(50_000));
    let long_key = format!("{} = 1", "k".repeat(200_000));
    let dotted = format!("{} = 1", vec!["a"; 10_000].join("."));
    let many = "server.port = 1\n".repeat(20_000);
    for text in [
        "jwt_secret = hunter2",
        "[auth\njwt_secret = \"hunter2\"",
        "[auth]\njwt_secret = \"hunter2",
        "[auth]\njwt_secret = \"hunter2\\q\"",
        "[auth]\njwt_secret = '''hunter2",
        "[auth]\nenabled = true\nenabled = false",
        "[auth]\n[auth]\n",
        "[[auth]]\njwt_secret = \"hunter2\"",
        "[auth]\njwt_secret = [\"hunter2\"]",
        "[auth]\njwt_secret = { hunter2 = 1 }",
        "[auth]\ntoken_duration = 9223372036854775808",
        "[auth]\ntoken_duration = 1e9",
        "[auth]\ntoken_duration = nan",
        "[auth]\ntoken_duration = 1979-05-27",
        "[auth]\nenabled = \"true\"",
        "[auth]\nenabled = 1",
        "[server]\nport = \"8090\"",
        "[server]\nport = 65536",
        "[server]\nport = -1",
        "[server]\ncors_allowed_origins = \"*\"",
        "[server]\ncors_allowed_origins = [1]",
        "[server]\ncors_allowed_origins = [[\"*\"]]",
        "[server]\nhost = \"\"",
        "[server]\nhost = \"127.0.0.1\\u0000\"",
        "[server]\nhost = \"127.0.0.1\\nport = 1\"",
        "[server]\npublic_url = \"https://evil.example/\\u001b[2J\"",
        "\"auth.jwt_secret\" = \"hunter2\"",
        "\"auth\".\"jwt_secret\".x = \"hunter2\"",
        "\"\" = 1",
        "\"\\u001b[31m\" = 1",
        "auth.oauth_provider = true",
        "\0",
        "\u{feff}\u{feff}x",
        "=",
        "]",
        deep_array.as_str(),
        deep_table.as_str(),
        long_key.as_str(),
        dotted.as_str(),
        many.as_str(),
    ] {
        let error = complaint(text.as_bytes());
        let start: String = text.chars().take(60).collect();
        assert!(error.contains("ayb.toml:"), "{start:?} gave {error}");
        assert!(!error.contains("hunter2"), "{start:?} gave {error}");
        assert!(!error.contains('\u{1b}') && !error.contains('\0'), "{start:?} gave {error:?}");
        assert!(error.len() < 10_000, "{start:?} gave {} bytes", error.len());
    }
}

#[test]
fn files_that_are_no_text_are_refused() {
    assert!(complaint(b"x = \"\xff\xfe\"").contains("is not UTF-8 text"));
    assert!(complaint(&vec![b'#'; (1 << 20) + 1]).contains("is longer than 1 MiB"));
    let folder = tempfile::tempdir().unwrap();
    let sources = Sources { file: Some(folder.path().to_owned()), ..Sources::default() };
    assert!(config::load(&sources).unwrap_err().to_string().contains("cannot be read"));
}

#[test]
fn a_byte_order_mark_is_no_problem() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ayb.toml"), "\u{feff}[server]\nport = 1\n").unwrap();
    let sources = Sources { directory: folder.path().to_owned(), ..Sources::default() };
    assert_eq!(config::load(&sources).unwrap().server.port, 1);
}

#[cfg(unix)]
#[test]
fn variables_that_are_no_unicode_are_refused_and_foreign_ones_ignored() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let bad = OsStr::from_bytes(b"\xff");
    let folder = tempfile::tempdir().unwrap();
    let sources = |name: &OsStr| Sources {
        environment: Environment::from_pairs([(name, bad)]),
        directory: folder.path().to_owned(),
        ..Sources::default()
    };
    let ours = config::load(&sources(OsStr::new("AYB_SERVER_HOST"))).unwrap_err();
    assert!(ours.to_string().contains("`server.host` is not Unicode text"));
    assert!(config::load(&sources(OsStr::new("LESS"))).is_ok());
    assert!(config::load(&sources(OsStr::from_bytes(b"AYB_\xff"))).is_ok());
}
