//! The fuzz targets about messages over mutated seeds, so that every run exercises them, without nightly and without
//! chance.

use std::path::Path;

use crate::mutate;

#[path = "../../../fuzz/src/messages.rs"]
#[expect(unreachable_pub, reason = "the same file is a library of the fuzz workspace")]
mod targets;

/// Runs a target over `fuzz/seeds/<name>.txt`, one seed a line, and over mutations of them.
fn run(name: &str, target: fn(&[u8])) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../fuzz/seeds/{name}.txt"));
    let text = std::fs::read_to_string(path).unwrap();
    mutate::over(&text.lines().collect::<Vec<_>>(), target);
}

#[test]
fn mutated_parameters_mean_one_thing() {
    run("params", targets::params);
}

#[test]
fn mutated_authorization_requests_stay_bounded_and_answerable() {
    run("authorize_request", targets::authorize_request);
}

#[test]
fn mutated_client_credentials_are_one_method_and_stay_hidden() {
    run("client_credentials", targets::client_credentials);
}

#[test]
fn mutated_token_requests_keep_their_secrets() {
    run("token_request", targets::token_request);
}

#[test]
fn mutated_logout_requests_are_read_as_they_are() {
    run("logout_request", targets::logout_request);
}

#[test]
fn mutated_addresses_match_only_what_leads_to_the_same_place() {
    run("redirect_uri", targets::redirect_uri);
}

#[test]
fn mutated_scopes_print_as_they_read() {
    run("scope", targets::scope);
}

#[test]
fn mutated_lists_of_tables_survive_storage() {
    run("allowed_tables", targets::allowed_tables);
}

#[test]
fn mutated_wishes_for_claims_survive_storage() {
    run("claims_request", targets::claims_request);
}
