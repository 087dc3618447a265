use ayb_server::{cli, config, openapi};

use super::run::ayb;

#[test]
fn the_reference_pages_are_printed() {
    assert_eq!(ayb(&["reference", "configuration"]).trim_end(), config::reference_markdown().trim_end());
    assert_eq!(ayb(&["reference", "cli"]).trim_end(), cli::reference_markdown().trim_end());
    assert_eq!(ayb(&["reference", "api"]).trim_end(), openapi::markdown().trim_end());
    let document: serde_json::Value = serde_json::from_str(&ayb(&["reference", "openapi"])).unwrap();
    assert_eq!(document, serde_json::to_value(openapi::document(openapi::Extent::FULL)).unwrap());
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
