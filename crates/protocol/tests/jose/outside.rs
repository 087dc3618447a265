//! Test data from outside that may lie beside the checkout: Wycheproof and the JOSE cookbook. A run without it says so.

use std::collections::BTreeSet;
use std::path::PathBuf;

use ayb_protocol::jose::{Algorithm, HmacKey, Jwk, KeySet, VerifyingKeys, base64url, jws};
use serde_json::Value;

use super::{keys, list, text, workspace};

/// Where this crate is meant to differ from Wycheproof, and why.
const EXCEPTIONS: [(&str, &[u64], &str); 6] = [
    ("json_web_signature_test.json", &[346, 350], "the key's alg is PS256, the token's PS384: alg binds"),
    (
        "json_web_signature_test.json",
        &[367, 370],
        "the file lost the padding: the text is that of the valid 357",
    ),
    ("json_web_signature_test.json", &[347, 351], "ES512 on P-521 is not spoken"),
    ("json_web_signature_test.json", &[372, 373], "base64url is strict: no character outside the alphabet"),
    ("json_web_key_test.json", &[2], "a set holds public keys: secrets are not found by a kid"),
    ("json_web_crypto_test.json", &[48], "a set holds public keys: secrets are not found by a kid"),
];

/// The folder of outside test data, or a visible line that there is none.
fn outside(name: &str) -> Option<PathBuf> {
    let folder = workspace().join("../shared/data").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: no {name} beside the checkout (../shared/data/{name})");
    None
}

#[test]
fn wycheproof_agrees() {
    let Some(folder) = outside("wycheproof") else { return };
    let mut judged = 0;
    for file in ["json_web_signature_test.json", "json_web_key_test.json", "json_web_crypto_test.json"] {
        let document: Value = serde_json::from_slice(&std::fs::read(folder.join(file)).unwrap()).unwrap();
        let mut differing = BTreeSet::new();
        for group in list(&document, "testGroups") {
            for test in list(group, "tests") {
                if test.get("jws").is_none() {
                    continue;
                }
                judged += 1;
                // One test has the JSON form of a JWS: an object, taken here as its text.
                let token = test["jws"].as_str().map_or_else(|| test["jws"].to_string(), str::to_owned);
                if accepts(group, &token) != (test["result"] == "valid") {
                    differing.insert(test["tcId"].as_u64().unwrap());
                }
            }
        }
        let expected: BTreeSet<u64> = EXCEPTIONS
            .iter()
            .filter(|(of, ..)| *of == file)
            .flat_map(|(_, tests, _)| tests.iter().copied())
            .collect();
        assert_eq!(differing, expected, "{file}");
    }
    assert_eq!(judged, 401 + 26 + 49);
}

/// Whether this crate accepts a token with the key or keys of a Wycheproof group.
fn accepts(group: &Value, token: &str) -> bool {
    let private = match group["private"]["keys"].as_array().map(Vec::as_slice) {
        Some([only]) => only,
        _ => &group["private"],
    };
    if private["kty"] == "oct" {
        let Some(algorithm) = private["alg"].as_str().and_then(Algorithm::parse) else { return false };
        let Ok(key) = HmacKey::from_secret(algorithm, &keys::bytes(private, "k")) else { return false };
        return jws::verify_hmac(token, &key).is_ok();
    }
    let public = group.get("public").unwrap_or(private);
    let set = if public.get("keys").is_some() {
        public.to_string()
    } else {
        serde_json::json!({"keys": [public]}).to_string()
    };
    let keys = VerifyingKeys::from_key_set(&KeySet::parse(set).unwrap());
    let Ok(parts) = jws::split(token, jws::MAX_LENGTH) else { return false };
    let Ok(header) = jws::Header::parse(parts.header) else { return false };
    keys.find(header.kid.as_deref(), header.alg).is_some_and(|key| jws::verify(token, key).is_ok())
}

#[test]
fn cookbook_signatures_verify() {
    let Some(folder) = outside("jose-cookbook") else { return };
    let mut judged = Vec::new();
    for name in [
        "jws/4_1.rsa_v15_signature.json",
        "jws/4_2.rsa-pss_signature.json",
        "jws/4_3.ecdsa_signature.json",
        "jws/4_4.hmac-sha2_integrity_protection.json",
        "curve25519/jws.json",
    ] {
        let document: Value = serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap();
        let token = text(&document["output"], "compact");
        let key = &document["input"]["key"];
        let Some(algorithm) = Algorithm::parse(text(&document["input"], "alg")) else {
            // ES512: refused by its header, and its key by its curve.
            let parts = jws::split(token, jws::MAX_LENGTH).unwrap();
            assert_eq!(jws::Header::parse(parts.header), Err(jws::JwsError::Algorithm));
            assert!(Jwk::parse(keys::public(key)).is_err());
            continue;
        };
        let payload = if algorithm.is_hmac() {
            let key = HmacKey::from_secret(algorithm, &keys::bytes(key, "k")).unwrap();
            jws::verify_hmac(token, &key)
        } else {
            let set = format!("{{\"keys\":[{}]}}", keys::public(key));
            let keys = VerifyingKeys::from_key_set(&KeySet::parse(set).unwrap());
            jws::verify(token, keys.find(None, algorithm).unwrap())
        };
        assert_eq!(payload.as_deref(), Ok(text(&document["input"], "payload").as_bytes()), "{name}");
        if document["reproducible"] == Value::Bool(true) && !algorithm.is_hmac() {
            let message = text(&document["signing"], "sig-input").as_bytes();
            let signature = keys::signing_key(algorithm, key).sign(message).unwrap();
            assert_eq!(base64url::encode(signature), text(&document["signing"], "sig"), "{name}");
        }
        judged.push(algorithm);
    }
    assert_eq!(judged, [Algorithm::RS256, Algorithm::PS384, Algorithm::HS256, Algorithm::EdDSA]);
}
