use std::io::{self, Write};

use ayb_server::cli::{self, CommandLine, Exit, Format, StartFlags, Streams};
use ayb_server::config::{self, Environment, Sources};
use clap::{Args, CommandFactory, FromArgMatches, Parser};

use super::run::{ayb, ayb_with};

#[test]
fn the_definition_of_the_command_line_is_sound() {
    CommandLine::command().debug_assert();
}

#[test]
fn version_comes_in_every_format() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(ayb(&["version"]), format!("ayb {version}\n"));
    assert_eq!(ayb(&["--version"]), format!("ayb {version}\n"));
    assert_eq!(ayb(&["version", "--json"]), format!("{{\"version\":\"{version}\"}}\n"));
    assert_eq!(ayb(&["version", "--output", "csv"]), format!("Version\r\n{version}\r\n"));
}

#[test]
fn the_output_flags_agree_or_are_refused() {
    for (arguments, format) in [
        (&["ayb", "version"][..], Format::Table),
        (&["ayb", "--json", "version"], Format::Json),
        (&["ayb", "version", "--output", "json"], Format::Json),
        (&["ayb", "--output", "csv", "version"], Format::Csv),
    ] {
        assert_eq!(CommandLine::try_parse_from(arguments).unwrap().flags.format(), format);
    }
    assert_eq!(ayb_with(&["version", "--json", "--output", "csv"], &[], "").exit, Exit::Usage);
    assert_eq!(ayb_with(&["version", "--output", "xml"], &[], "").exit, Exit::Usage);
}

#[test]
fn help_is_a_result_and_names_the_exit_codes() {
    let help = ayb(&["--help"]);
    assert!(help.contains("Exit codes:") && help.contains("5  not found"), "{help}");
    let nothing = ayb_with(&[], &[], "");
    assert_eq!(nothing.exit, Exit::Usage);
    assert!(nothing.err.contains("Usage: ayb"));
}

#[test]
fn mistakes_name_the_nearest_command_and_flag() {
    let command = ayb_with(&["usres"], &[], "");
    assert_eq!(command.exit, Exit::Usage);
    assert!(command.err.contains("users"), "{}", command.err);
    let flag = ayb_with(&["users", "list", "--pagee", "1"], &[], "");
    assert!(flag.err.contains("--page"), "{}", flag.err);
}

#[test]
fn an_id_that_is_none_is_told_its_form_and_where_ids_are() {
    let uuid = "is a UUID such as ";
    for (arguments, form, list) in [
        (&["users", "get", "ada"][..], uuid, "`ayb users list`"),
        (&["apps", "get", "shop"], uuid, "`ayb apps list`"),
        (&["apps", "create", "--name", "n", "--owner", "ada"], uuid, "`ayb users list`"),
        (&["apikeys", "revoke", "ayb_key"], uuid, "`ayb apikeys list`"),
        (&["apikeys", "list", "--user", "ada"], uuid, "`ayb users list`"),
        (&["apikeys", "create", "ada", "--name", "n"], uuid, "`ayb users list`"),
        (
            &["oauth", "clients", "get", "ayb_cid_1"],
            "`ayb_cid_` and 48 hexadecimal digits",
            "`ayb oauth clients list`",
        ),
        (
            &[
                "oauth",
                "clients",
                "create",
                "x",
                "--name",
                "n",
                "--redirect-uris",
                "https://a.example",
                "--scopes",
                "*",
            ],
            uuid,
            "`ayb apps list`",
        ),
    ] {
        let ran = ayb_with(arguments, &[], "");
        assert_eq!(ran.exit, Exit::Usage, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(form) && ran.err.contains(list), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn output_that_nobody_reads_any_more_is_no_failure() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut err = Vec::new();
    let streams = Streams { out: &mut Closed, err: &mut err, input: &mut io::empty(), interactive: false };
    assert_eq!(cli::run(["ayb", "version"], Environment::default(), streams), Exit::Done);
    assert!(err.is_empty());
}

/// P-236: what one run was given must not show up in the next.
#[test]
fn list_flags_do_not_leak_from_one_run_to_the_next() {
    let app = "0199c0de-0000-7000-8000-000000000001";
    let parse = |uris: &str, scopes: &str| {
        let arguments = [
            "ayb",
            "oauth",
            "clients",
            "create",
            app,
            "--name",
            "n",
            "--redirect-uris",
            uris,
            "--scopes",
            scopes,
        ];
        format!("{:?}", CommandLine::try_parse_from(arguments).unwrap().command)
    };
    let first = parse("https://a.example,https://b.example", "readonly,openid");
    assert!(first.contains("https://a.example") && first.contains("readonly"));
    let second = parse("https://c.example", "*");
    assert!(
        second.contains(r#"redirect_uris: ["https://c.example"]"#) && second.contains(r#"scopes: ["*"]"#),
        "{second}"
    );
    assert_eq!(first, parse("https://a.example,https://b.example", "readonly,openid"));
}

#[test]
fn the_flags_of_start_are_the_last_layer() {
    let command = StartFlags::augment_args(clap::Command::new("start"));
    let matches =
        command.try_get_matches_from(["start", "--port", "9001", "--host", "::", "--demo"]).unwrap();
    let flags = StartFlags::from_arg_matches(&matches).unwrap();
    let mut sources = Sources { directory: "/nowhere".into(), ..Sources::default() };
    flags.add_to(&mut sources);
    let config = config::load(&sources).unwrap();
    assert!(flags.demo);
    assert_eq!((config.server.port, config.server.host.to_string()), (9001, "::".to_owned()));
    assert_eq!(config.server.public_url, "http://localhost:9001");
}
