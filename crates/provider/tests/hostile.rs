//! The fuzz targets about what the rules read themselves over mutated seeds, without nightly and without chance.

use std::path::Path;

#[path = "../../../fuzz/src/mutate.rs"]
#[expect(unreachable_pub, reason = "the same file is a library of the fuzz workspace")]
mod mutate;
#[path = "../../../fuzz/src/rules.rs"]
#[expect(unreachable_pub, reason = "the same file is a library of the fuzz workspace")]
mod targets;

/// Runs a target over `fuzz/seeds/<name>.txt`, one seed a line, and over mutations of them.
fn run(name: &str, target: fn(&[u8])) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../fuzz/seeds/{name}.txt"));
    let text = std::fs::read_to_string(path).unwrap();
    mutate::over(&text.lines().collect::<Vec<_>>(), target);
}

#[test]
fn mutated_bearer_strings_are_of_one_kind() {
    run("bearer", targets::bearer);
}

#[test]
fn mutated_input_of_people_has_one_spelling() {
    run("email", targets::email);
}

#[test]
fn mutated_registrations_hold_safe_values_only() {
    run("registration", targets::registration);
}

#[test]
fn mutated_filters_mean_one_thing_and_are_bounded() {
    run("filter", targets::filter);
}
