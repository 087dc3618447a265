//! The fuzz targets over mutated vectors, so that every run exercises them, without nightly and without chance.

use super::{keys, list, text, vectors};
use crate::mutate::over;

#[path = "../../../../fuzz/src/jose.rs"]
#[expect(unreachable_pub, reason = "the same file is a library of the fuzz workspace")]
mod targets;

fn tokens() -> Vec<String> {
    let document = vectors("jws.json");
    let all = ["signed", "refused"].into_iter().flat_map(|part| list(&document, part));
    all.map(|example| text(example, "compact").to_owned()).collect()
}

fn jwks() -> Vec<String> {
    let document = vectors("jwk.json");
    let read = list(&document, "keys").iter().map(|example| example["jwk"].to_string());
    let hostile = list(&document, "hostile").iter().map(|case| text(case, "text").to_owned());
    let signed = vectors("jws.json");
    let signing = list(&signed, "signed").iter().map(|example| keys::public(&example["key"]));
    read.chain(hostile).chain(signing).collect()
}

#[test]
fn mutated_tokens_split_without_panic() {
    over(&tokens(), targets::jws_compact);
}

#[test]
fn mutated_keys_read_without_panic() {
    over(&jwks(), targets::jwk);
}

#[test]
fn mutated_key_sets_read_without_panic() {
    let sets: Vec<_> = jwks().chunks(6).map(|keys| format!("{{\"keys\":[{}]}}", keys.join(","))).collect();
    over(&sets, targets::key_set);
}

#[test]
fn mutated_tokens_do_not_verify() {
    let tokens = tokens();
    let mut accepted = std::collections::BTreeSet::new();
    over(&tokens, |input| {
        if targets::jwt_verify(input) {
            accepted.insert(String::from_utf8(input.to_vec()).unwrap());
        }
    });
    // The JWTs of RFC 7515 A.1, A.2 and A.3 as they are, and nothing that differs from them.
    let honest: std::collections::BTreeSet<_> = tokens[..3].iter().cloned().collect();
    assert_eq!(accepted, honest);
}
