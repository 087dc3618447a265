//! The examples of the RFCs and hostile variations of them, from `vectors/jose`.

use ayb_protocol::jose::jws::{self, JwsError};
use ayb_protocol::jose::jwt::{ExpectedType, JwtError, Verifier};
use ayb_protocol::jose::{Algorithm, HmacKey, Jwk, KeySet, VerifyingKey, base64url};
use ayb_protocol::time::{Seconds, Timestamp};
use serde_json::Value;

use super::{keys, list, text, vectors};

#[test]
fn signed_examples_of_the_rfcs_verify() {
    for example in list(&vectors("jws.json"), "signed") {
        let algorithm = Algorithm::parse(text(example, "alg")).unwrap();
        let token = text(example, "compact");
        let payload = if algorithm.is_hmac() {
            let key = HmacKey::from_secret(algorithm, &keys::bytes(&example["key"], "k")).unwrap();
            jws::verify_hmac(token, &key)
        } else {
            let jwk = Jwk::parse(keys::public(&example["key"])).unwrap();
            jws::verify(token, &VerifyingKey::from_jwk(&jwk).unwrap())
        };
        assert_eq!(
            payload.as_deref(),
            Ok(text(example, "payload").as_bytes()),
            "{}",
            text(example, "source")
        );
    }
}

#[test]
fn deterministic_examples_are_signed_to_the_same_bytes() {
    for example in list(&vectors("jws.json"), "signed") {
        if example["deterministic"] != Value::Bool(true) {
            continue;
        }
        let algorithm = Algorithm::parse(text(example, "alg")).unwrap();
        let parts = jws::split(text(example, "compact"), jws::MAX_LENGTH).unwrap();
        let message = parts.signing_input.as_bytes();
        let signature = if algorithm.is_hmac() {
            HmacKey::from_secret(algorithm, &keys::bytes(&example["key"], "k")).unwrap().sign(message)
        } else {
            keys::signing_key(algorithm, &example["key"]).sign(message).unwrap()
        };
        assert_eq!(base64url::encode(signature), parts.signature, "{}", text(example, "source"));
    }
}

#[test]
fn changed_examples_do_not_verify() {
    for example in list(&vectors("jws.json"), "signed") {
        let algorithm = Algorithm::parse(text(example, "alg")).unwrap();
        if algorithm.is_hmac() {
            continue;
        }
        let jwk = Jwk::parse(keys::public(&example["key"])).unwrap();
        let key = VerifyingKey::from_jwk(&jwk).unwrap();
        let parts = jws::split(text(example, "compact"), jws::MAX_LENGTH).unwrap();
        let message = parts.signing_input.as_bytes();
        let signature = base64url::decode(parts.signature).unwrap();
        assert!(key.verify(algorithm, message, &signature));

        for bit in 0..signature.len() * 8 {
            let mut changed = signature.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.verify(algorithm, message, &changed), "bit {bit} of {algorithm}");
        }
        for length in 0..signature.len() {
            assert!(!key.verify(algorithm, message, &signature[..length]), "length {length} of {algorithm}");
        }
        assert!(!key.verify(algorithm, message, &[signature.as_slice(), &[0]].concat()));
        assert!(!key.verify(algorithm, message, &[&[0], signature.as_slice()].concat()));
        assert!(!key.verify(algorithm, &message[1..], &signature));
        for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm) {
            assert!(!key.verify(other, message, &signature), "{other} for {algorithm}");
        }
    }
}

#[test]
fn examples_that_are_not_spoken_are_refused() {
    let document = vectors("jws.json");
    let rsa = &list(&document, "signed")[1]["key"];
    let key = VerifyingKey::from_jwk(&Jwk::parse(keys::public(rsa)).unwrap()).unwrap();
    for example in list(&document, "refused") {
        let expected = match text(example, "reason") {
            "Algorithm" => JwsError::Algorithm,
            "Critical" => JwsError::Critical,
            "Signature" => JwsError::Signature,
            other => panic!("{other}"),
        };
        assert_eq!(jws::verify(text(example, "compact"), &key), Err(expected), "{}", text(example, "source"));
    }
}

#[test]
fn keys_of_the_rfcs_are_read_and_printed() {
    for example in list(&vectors("jwk.json"), "keys") {
        let source = text(example, "source");
        match Jwk::parse(example["jwk"].to_string()) {
            Ok(jwk) => {
                assert_eq!(example["read"], Value::Bool(true), "{source}");
                assert_eq!(
                    serde_json::from_str::<Value>(&jwk.to_json()).unwrap(),
                    example["jwk"],
                    "{source}"
                );
                assert_eq!(Jwk::parse(jwk.to_json()), Ok(jwk.clone()), "{source}");
                if let Some(thumbprint) = example["thumbprint"].as_str() {
                    assert_eq!(jwk.thumbprint(), thumbprint, "{source}");
                }
            }
            Err(reason) => {
                assert_eq!(example["read"], Value::Bool(false), "{source}");
                assert_eq!(format!("{reason:?}"), text(example, "reason"), "{source}");
            }
        }
    }
}

#[test]
fn hostile_keys_are_refused_for_their_reason() {
    for case in list(&vectors("jwk.json"), "hostile") {
        let reason = Jwk::parse(text(case, "text")).map_err(|reason| format!("{reason:?}"));
        assert_eq!(reason, Err(text(case, "reason").to_owned()), "{}", text(case, "name"));
        // The same key by the other door, inside a larger document that serde reads.
        assert!(serde_json::from_str::<Jwk>(text(case, "text")).is_err(), "{}", text(case, "name"));
    }
}

#[test]
fn a_key_set_leaves_out_what_it_cannot_use_and_says_why() {
    let document = vectors("jwk.json");
    let examples = list(&document, "keys");
    let items: Vec<_> = examples.iter().map(|example| example["jwk"].clone()).collect();
    let set = KeySet::parse(serde_json::json!({"keys": items, "more": 1}).to_string()).unwrap();
    let readable = examples.iter().filter(|example| example["read"] == Value::Bool(true)).count();
    assert_eq!((set.keys().len(), set.refused().len()), (readable, examples.len() - readable));
    assert_eq!(KeySet::parse(set.to_json()).unwrap().keys(), set.keys());
    for name in ["\"d\"", "\"p\"", "\"k\"", "\"qi\""] {
        assert!(!set.to_json().contains(name), "{name}");
    }
}

#[test]
fn claims_are_judged_as_the_vectors_say() {
    let document = vectors("jwt.json");
    let key = secret(&document);
    let verifier = verifier(&document, ExpectedType::Is("JWT".into()));
    for case in list(&document, "claims") {
        let token = jws::sign_hmac(&key, text(case, "typ"), text(case, "claims").as_bytes());
        let verdict = verifier.verify_hmac(&token, &key, now(&document)).map(|_| ());
        assert_eq!(name(verdict), text(case, "expect"), "{}", text(case, "name"));
    }
}

#[test]
fn headers_are_judged_as_the_vectors_say() {
    let document = vectors("jwt.json");
    let key = secret(&document);
    let verifier = verifier(&document, ExpectedType::Any);
    let payload = base64url::encode(text(&list(&document, "claims")[0], "claims"));
    for case in list(&document, "headers") {
        let input = format!("{}.{payload}", base64url::encode(text(case, "header")));
        let token = format!("{input}.{}", base64url::encode(key.sign(input.as_bytes())));
        let verdict = verifier.verify_hmac(&token, &key, now(&document)).map(|_| ());
        assert_eq!(name(verdict), text(case, "expect"), "{}", text(case, "name"));
    }
}

fn secret(document: &Value) -> HmacKey {
    HmacKey::from_secret(Algorithm::HS256, &keys::bytes(&document["key"], "k")).unwrap()
}

fn verifier(document: &Value, typ: ExpectedType) -> Verifier {
    let settings = &document["verifier"];
    Verifier::new([Algorithm::HS256], typ)
        .with_issuer(text(settings, "issuer"))
        .with_audience(text(settings, "audience"))
        .with_leeway(Seconds(settings["leeway"].as_u64().unwrap()))
}

fn now(document: &Value) -> Timestamp {
    Timestamp::from_seconds(document["verifier"]["now"].as_i64().unwrap())
}

fn name(verdict: Result<(), JwtError>) -> String {
    match verdict {
        Ok(()) => "ok".to_owned(),
        Err(JwtError::Claim(claim)) => format!("Claim {claim}"),
        Err(reason) => format!("{reason:?}"),
    }
}
