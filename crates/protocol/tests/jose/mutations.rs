//! The fuzz targets over mutated vectors, so that every run exercises them, without nightly and without chance.

use super::{keys, list, text, vectors};

#[path = "../../../../fuzz/src/jose.rs"]
#[expect(unreachable_pub, reason = "the same file is a library of the fuzz workspace")]
mod targets;

const ROUNDS: usize = 400;

/// Marsaglia's xorshift: the same sequence on every machine.
struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// Changes a text in one of the ways in which hostile input differs from honest input.
    fn mutate(&mut self, seed: &[u8]) -> Vec<u8> {
        const SPLICES: [&str; 12] =
            ["\"", "{", "}", "[", ",", ".", "=", "\\u0000", "\u{e9}", "1e999", "\"kid\":\"\",", "-"];
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            match self.below(6) {
                0 => bytes.truncate(at),
                1 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                2 if at < bytes.len() => drop(bytes.remove(at)),
                3 => bytes.insert(at, self.next() as u8),
                4 => drop(bytes.splice(at..at, SPLICES[self.below(SPLICES.len())].bytes())),
                _ => {
                    let from = self.below(bytes.len());
                    let piece: Vec<u8> = bytes[from..].iter().take(self.below(40)).copied().collect();
                    drop(bytes.splice(at..at, piece));
                }
            }
        }
        bytes
    }
}

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

fn mutate_all(seeds: &[String], mut check: impl FnMut(&[u8])) {
    let mut random = Xorshift(0x9e37_79b9_7f4a_7c15);
    for seed in seeds {
        check(seed.as_bytes());
        for _ in 0..ROUNDS {
            check(&random.mutate(seed.as_bytes()));
        }
    }
}

#[test]
fn mutated_tokens_split_without_panic() {
    mutate_all(&tokens(), targets::jws_compact);
}

#[test]
fn mutated_keys_read_without_panic() {
    mutate_all(&jwks(), targets::jwk);
}

#[test]
fn mutated_key_sets_read_without_panic() {
    let sets: Vec<_> = jwks().chunks(6).map(|keys| format!("{{\"keys\":[{}]}}", keys.join(","))).collect();
    mutate_all(&sets, targets::key_set);
}

#[test]
fn mutated_tokens_do_not_verify() {
    let tokens = tokens();
    let mut accepted = std::collections::BTreeSet::new();
    mutate_all(&tokens, |input| {
        if targets::jwt_verify(input) {
            accepted.insert(String::from_utf8(input.to_vec()).unwrap());
        }
    });
    // The JWTs of RFC 7515 A.1, A.2 and A.3 as they are, and nothing that differs from them.
    let honest: std::collections::BTreeSet<_> = tokens[..3].iter().cloned().collect();
    assert_eq!(accepted, honest);
}
