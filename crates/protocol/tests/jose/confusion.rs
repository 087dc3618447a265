//! A token must not choose what kind of key checks it (RFC 8725 §2.1).

use ayb_protocol::jose::jwt::{self, ExpectedType, JwtError, Verifier};
use ayb_protocol::jose::{Algorithm, HmacKey, KeySet, VerifyingKeys, base64url};
use ayb_protocol::time::Timestamp;
use serde_json::json;

use super::round_trips::signing_keys;

const NOW: Timestamp = Timestamp::from_seconds(1_000_000_000);

fn everything() -> Verifier {
    Verifier::new(Algorithm::ALL, ExpectedType::Any)
}

#[test]
fn a_public_key_does_not_serve_as_an_hmac_secret() {
    for key in signing_keys() {
        let jwk = key.public_jwk();
        let set = VerifyingKeys::from_key_set(&KeySet::new(vec![jwk.clone()]));
        let members: serde_json::Value = serde_json::from_str(&jwk.to_json()).unwrap();
        let mut secrets = vec![jwk.to_json().into_bytes()];
        for name in ["n", "x"] {
            secrets.extend(members[name].as_str().map(|text| base64url::decode(text).unwrap()));
        }
        for secret in secrets {
            let hmac = HmacKey::from_secret(Algorithm::HS256, &secret).unwrap();
            let input = format!(
                "{}.{}",
                base64url::encode(format!("{{\"alg\":\"HS256\",\"kid\":\"{}\"}}", key.kid())),
                base64url::encode("{\"exp\":1000000060}")
            );
            let token = format!("{input}.{}", base64url::encode(hmac.sign(input.as_bytes())));
            assert_eq!(everything().verify(&token, &set, NOW).err(), Some(JwtError::UnknownKey));
        }
    }
}

#[test]
fn a_signed_token_does_not_pass_as_an_hmac() {
    let hmac = HmacKey::from_secret(Algorithm::HS256, &[7; 32]).unwrap();
    for key in signing_keys() {
        let token = jwt::sign(&key, "", &json!({"exp": 1_000_000_060})).unwrap();
        assert_eq!(everything().verify_hmac(&token, &hmac, NOW).err(), Some(JwtError::Algorithm));
    }
}

#[test]
fn an_algorithm_off_the_list_is_refused_before_any_key_is_looked_at() {
    for key in signing_keys() {
        let token = jwt::sign(&key, "", &json!({"exp": 1_000_000_060})).unwrap();
        let set = VerifyingKeys::from_key_set(&KeySet::new(vec![key.public_jwk()]));
        let others: Vec<_> = Algorithm::ALL.into_iter().filter(|other| *other != key.algorithm()).collect();
        let verifier = Verifier::new(others, ExpectedType::Any);
        assert_eq!(verifier.verify(&token, &set, NOW).err(), Some(JwtError::Algorithm));
        assert_eq!(
            Verifier::new([], ExpectedType::Any).verify(&token, &set, NOW).err(),
            Some(JwtError::Algorithm)
        );
    }
}

#[test]
fn a_header_renamed_to_another_algorithm_of_the_key_type_does_not_verify() {
    let keys = signing_keys();
    for key in &keys {
        // Without `alg` the published key could do every algorithm of its type.
        let open = key.public_jwk().to_json().replace(&format!(",\"alg\":\"{}\"", key.algorithm()), "");
        let set = VerifyingKeys::from_key_set(&KeySet::parse(format!("{{\"keys\":[{open}]}}")).unwrap());
        let token = jwt::sign(key, "", &json!({"exp": 1_000_000_060})).unwrap();
        assert!(everything().verify(&token, &set, NOW).is_ok());
        for other in Algorithm::ALL.into_iter().filter(|other| *other != key.algorithm()) {
            let (header, rest) = token.split_once('.').unwrap();
            let header = String::from_utf8(base64url::decode(header).unwrap()).unwrap();
            let header = header.replace(key.algorithm().as_str(), other.as_str());
            let renamed = format!("{}.{rest}", base64url::encode(header));
            let reason = everything().verify(&renamed, &set, NOW).err();
            assert!(matches!(reason, Some(JwtError::Signature | JwtError::UnknownKey)), "{reason:?}");
        }
    }
}

#[test]
fn a_der_signature_is_refused_where_fixed_length_is_meant() {
    let keys = signing_keys();
    let key = keys.iter().find(|key| key.algorithm() == Algorithm::ES256).unwrap();
    let set = VerifyingKeys::from_key_set(&KeySet::new(vec![key.public_jwk()]));
    let token = jwt::sign(key, "", &json!({"exp": 1_000_000_060})).unwrap();
    let (input, signature) = token.rsplit_once('.').unwrap();
    let (r, s) = {
        let fixed = base64url::decode(signature).unwrap();
        (fixed[..32].to_vec(), fixed[32..].to_vec())
    };
    let der = der_signature(&r, &s);
    let token = format!("{input}.{}", base64url::encode(der));
    assert_eq!(everything().verify(&token, &set, NOW).err(), Some(JwtError::Signature));
}

/// `SEQUENCE { INTEGER r, INTEGER s }`.
fn der_signature(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let start = number.iter().position(|byte| *byte != 0).unwrap();
        let mut content = number[start..].to_vec();
        if content[0] > 0x7f {
            content.insert(0, 0);
        }
        [vec![2, content.len() as u8], content].concat()
    };
    let body = [integer(r), integer(s)].concat();
    [vec![0x30, body.len() as u8], body].concat()
}
