use ayb_server::{cli, config};

use super::run::ayb;

#[test]
fn the_reference_pages_are_printed() {
    assert_eq!(ayb(&["reference", "configuration"]).trim_end(), config::reference_markdown().trim_end());
    assert_eq!(ayb(&["reference", "cli"]).trim_end(), cli::reference_markdown().trim_end());
}

#[test]
fn the_reference_of_commands_has_every_command_and_flag() {
    let text = cli::reference_markdown();
    for part in [
        "### `ayb oauth clients create`",
        "### `ayb users set-password`",
        "### `ayb config set`",
        "- `--redirect-uris <URI,…>`",
        "- `--admin-token <TOKEN>`",
        "- `3`: the server cannot be reached",
        "`readwrite`",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}
