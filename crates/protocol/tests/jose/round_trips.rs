//! Tokens that this crate signs and reads again.

use ayb_protocol::jose::jwt::{self, ExpectedType, Expiry, JwtError, Unverified, Verifier};
use ayb_protocol::jose::{
    Algorithm, HmacKey, Jwk, KeyError, KeySet, SigningError, SigningKey, VerifyingKey, VerifyingKeys, jws,
};
use ayb_protocol::time::{Seconds, Timestamp};
use serde_json::{Value, json};

use super::{keys, list, vectors};

const NOW: Timestamp = Timestamp::from_seconds(1_000_000_000);

/// A key of the RFCs for each asymmetric algorithm; P-384 has none there, so its key is made from a fixed scalar.
pub(super) fn signing_keys() -> Vec<SigningKey> {
    let document = vectors("jws.json");
    let signed = list(&document, "signed");
    let example = |alg: &str| &signed.iter().find(|example| example["alg"] == alg).unwrap()["key"];
    Algorithm::ALL
        .into_iter()
        .filter(|algorithm| !algorithm.is_hmac())
        .map(|algorithm| match algorithm {
            Algorithm::ES256 => keys::signing_key(algorithm, example("ES256")),
            Algorithm::ES384 => SigningKey::from_pkcs8(algorithm, &keys::p384()).unwrap(),
            Algorithm::EdDSA => keys::signing_key(algorithm, example("EdDSA")),
            _ => keys::signing_key(algorithm, example("RS256")),
        })
        .collect()
}

fn claims() -> Value {
    json!({"iss": "https://issuer.example", "aud": ["api"], "sub": "ada", "exp": 1_000_000_060, "iat": 1_000_000_000})
}

fn verifier(algorithm: Algorithm) -> Verifier {
    Verifier::new([algorithm], ExpectedType::Is("at+jwt".into()))
        .with_issuer("https://issuer.example")
        .with_audience("api")
}

fn published(key: &SigningKey) -> VerifyingKeys {
    let text = KeySet::new(vec![key.public_jwk()]).to_json();
    VerifyingKeys::from_key_set(&KeySet::parse(text).unwrap())
}

#[test]
fn every_algorithm_signs_what_its_published_key_verifies() {
    for key in signing_keys() {
        let token = jwt::sign(&key, "at+jwt", &claims()).unwrap();
        let read = verifier(key.algorithm()).verify(&token, &published(&key), NOW).unwrap();
        assert_eq!(
            (read.subject(), read.issuer(), read.audience()),
            (Some("ada"), Some("https://issuer.example"), vec!["api"])
        );
        assert_eq!(read.expires_at(), Some(Timestamp::from_seconds(1_000_000_060)));
        assert_eq!(read.issued_at(), Some(NOW));
        assert_eq!(read.into_typed::<Value>().unwrap(), claims());
    }
}

#[test]
fn the_header_names_algorithm_type_and_key_only() {
    let key = &signing_keys()[0];
    let token = jwt::sign(key, "at+jwt", &claims()).unwrap();
    let header = ayb_protocol::jose::base64url::decode(token.split('.').next().unwrap()).unwrap();
    let expected = format!("{{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"{}\"}}", key.kid());
    assert_eq!(String::from_utf8(header).unwrap(), expected);
}

#[test]
fn names_in_the_header_are_escaped() {
    let key = signing_keys().pop().unwrap().with_kid("a\",\"alg\":\"none");
    let token = jwt::sign(&key, "t\"\\", &claims()).unwrap();
    let header = Unverified::parse(&token).unwrap().header().clone();
    assert_eq!(header.kid.as_deref(), Some("a\",\"alg\":\"none"));
    assert_eq!(header.typ.as_deref(), Some("t\"\\"));
}

#[test]
fn kid_is_the_thumbprint_until_the_operator_chooses_another() {
    for key in signing_keys() {
        assert_eq!(key.kid(), key.public_jwk().thumbprint());
        assert_eq!(key.public_jwk().kid(), Some(key.kid()));
        assert_eq!(key.public_jwk().alg(), Some(key.algorithm()));
        let chosen = key.with_kid("2026-11");
        assert_eq!((chosen.kid(), chosen.public_jwk().kid()), ("2026-11", Some("2026-11")));
    }
}

#[test]
fn debug_shows_no_private_key() {
    for key in signing_keys() {
        let expected = format!("SigningKey {{ alg: {:?}, kid: {:?}, .. }}", key.algorithm(), key.kid());
        assert_eq!(format!("{key:?}"), expected);
    }
}

#[test]
fn claims_show_no_values_in_debug() {
    let key = HmacKey::from_secret(Algorithm::HS256, &[7; 32]).unwrap();
    let token =
        jwt::sign_hmac(&key, "JWT", &json!({"email": "ada@example.org", "exp": 1_000_000_060})).unwrap();
    let verifier = Verifier::new([Algorithm::HS256], ExpectedType::Any);
    let read = verifier.verify_hmac(&token, &key, NOW).unwrap();
    assert_eq!(format!("{read:?}"), r#"Claims {"email", "exp"}"#);
}

#[test]
fn private_keys_of_another_kind_or_broken_ones_are_refused() {
    let document = vectors("jws.json");
    let signed = list(&document, "signed");
    let rsa = keys::pkcs8(&signed[1]["key"]);
    let p256 = keys::pkcs8(&signed[2]["key"]);
    let cases = [
        (Algorithm::HS256, rsa.as_slice(), KeyError::Algorithm),
        (Algorithm::ES256, &rsa, KeyError::Invalid),
        (Algorithm::EdDSA, &rsa, KeyError::Invalid),
        (Algorithm::RS256, &p256, KeyError::Invalid),
        (Algorithm::ES384, &p256, KeyError::Invalid),
        (Algorithm::RS256, &rsa[..rsa.len() - 1], KeyError::Invalid),
        (Algorithm::RS256, b"-----BEGIN PRIVATE KEY-----", KeyError::Invalid),
        (Algorithm::RS256, &[], KeyError::Invalid),
    ];
    for (index, (algorithm, der, expected)) in cases.into_iter().enumerate() {
        assert_eq!(SigningKey::from_pkcs8(algorithm, der).err(), Some(expected), "case {index}");
    }
}

#[test]
fn only_objects_are_claims() {
    let key = HmacKey::from_secret(Algorithm::HS256, &[7; 32]).unwrap();
    for claims in [json!([]), json!("text"), json!(1), json!(null)] {
        assert_eq!(jwt::sign_hmac(&key, "JWT", &claims), Err(SigningError::Claims));
    }
}

#[test]
fn several_audiences_may_be_accepted() {
    let key = HmacKey::from_secret(Algorithm::HS256, &[7; 32]).unwrap();
    let verifier = Verifier::new([Algorithm::HS256], ExpectedType::Any)
        .with_audience("issuer")
        .with_audience("endpoint");
    for (audience, accepted) in
        [(json!("issuer"), true), (json!(["x", "endpoint"]), true), (json!("x"), false), (json!([]), false)]
    {
        let token = jwt::sign_hmac(&key, "", &json!({"aud": audience, "exp": 1_000_000_060})).unwrap();
        assert_eq!(verifier.verify_hmac(&token, &key, NOW).is_ok(), accepted, "{audience}");
    }
}

#[test]
fn expiry_is_required_unless_stated() {
    let key = HmacKey::from_secret(Algorithm::HS256, &[7; 32]).unwrap();
    let verdict = |expiry, claims: Value| {
        let token = jwt::sign_hmac(&key, "", &claims).unwrap();
        let verifier = Verifier::new([Algorithm::HS256], ExpectedType::Any).with_expiry(expiry);
        verifier.verify_hmac(&token, &key, NOW).map(|_| ())
    };
    let cases = [
        (Expiry::Required, json!({}), Err(JwtError::Claim("exp"))),
        (Expiry::Required, json!({"exp": 1}), Err(JwtError::Expired)),
        (Expiry::Optional, json!({}), Ok(())),
        (Expiry::Optional, json!({"exp": 1}), Err(JwtError::Expired)),
        (Expiry::MayHavePassed, json!({}), Ok(())),
        (Expiry::MayHavePassed, json!({"exp": 1}), Ok(())),
        (Expiry::MayHavePassed, json!({"exp": "1"}), Err(JwtError::Claim("exp"))),
        (Expiry::MayHavePassed, json!({"exp": 1, "nbf": 1_000_000_001}), Err(JwtError::NotYetValid)),
    ];
    for (expiry, claims, expected) in cases {
        assert_eq!(verdict(expiry, claims.clone()), expected, "{expiry:?} {claims}");
    }
}

#[test]
fn an_absent_type_passes_only_where_that_is_stated() {
    let key = HmacKey::from_secret(Algorithm::HS256, &[7; 32]).unwrap();
    let verdict = |typ: &str, expected| {
        let token = jwt::sign_hmac(&key, typ, &json!({"exp": 1_000_000_060})).unwrap();
        Verifier::new([Algorithm::HS256], expected).verify_hmac(&token, &key, NOW).map(|_| ())
    };
    assert_eq!(verdict("", ExpectedType::Is("JWT".into())), Err(JwtError::Type));
    assert_eq!(verdict("", ExpectedType::IsOrAbsent("JWT".into())), Ok(()));
    assert_eq!(verdict("jwt", ExpectedType::IsOrAbsent("JWT".into())), Ok(()));
    assert_eq!(verdict("at+jwt", ExpectedType::IsOrAbsent("JWT".into())), Err(JwtError::Type));
    assert_eq!(verdict("at+jwt", ExpectedType::Any), Ok(()));
    assert_eq!(verdict("application/at+jwt", ExpectedType::Is("AT+JWT".into())), Ok(()));
    assert_eq!(verdict("application/a/b", ExpectedType::Is("a/b".into())), Err(JwtError::Type));
}

#[test]
fn leeway_never_overflows() {
    let key = HmacKey::from_secret(Algorithm::HS256, &[7; 32]).unwrap();
    let token =
        jwt::sign_hmac(&key, "", &json!({"exp": 253_402_300_799_i64, "nbf": -253_402_300_799_i64})).unwrap();
    let verifier = Verifier::new([Algorithm::HS256], ExpectedType::Any).with_leeway(Seconds(u64::MAX));
    for now in [i64::MIN, -1, 0, 1, i64::MAX - 1] {
        assert!(verifier.verify_hmac(&token, &key, Timestamp::from_millis(now)).is_ok(), "{now}");
    }
}

#[test]
fn tokens_beyond_the_limit_are_refused_before_they_are_read() {
    let key = HmacKey::from_secret(Algorithm::HS256, &[7; 32]).unwrap();
    let verifier = Verifier::new([Algorithm::HS256], ExpectedType::Any);
    let of_length = |length: usize| {
        let pad = |size: usize| {
            jws::sign_hmac(
                &key,
                "",
                format!("{{\"exp\":1000000060,\"x\":\"{}\"}}", "x".repeat(size)).as_bytes(),
            )
        };
        (0..).map(pad).find(|token| token.len() >= length).unwrap()
    };
    let fits = of_length(jws::MAX_LENGTH - 4);
    assert!(fits.len() <= jws::MAX_LENGTH);
    assert!(verifier.verify_hmac(&fits, &key, NOW).is_ok());
    let long = of_length(jws::MAX_LENGTH + 1);
    assert_eq!(verifier.verify_hmac(&long, &key, NOW).err(), Some(JwtError::TooLarge));
    assert_eq!(
        verifier.verify_hmac(&"\0".repeat(jws::MAX_LENGTH + 1), &key, NOW).err(),
        Some(JwtError::TooLarge)
    );
    assert_eq!(Unverified::parse(&long).err(), Some(JwtError::TooLarge));
}

#[test]
fn a_key_is_found_only_when_it_is_the_only_one() {
    let keys = signing_keys();
    let rsa = keys[0].public_jwk();
    let ec = keys[6].public_jwk();
    let named = |key: &Jwk, kid: &str| key.clone().with_kid(kid);
    let find = |set: &KeySet, kid, alg| {
        let found = set.find(kid, alg).is_some();
        assert_eq!(VerifyingKeys::from_key_set(set).find(kid, alg).is_some(), found);
        found
    };
    let set = KeySet::new(vec![named(&rsa, "a"), named(&ec, "a"), named(&ec, "b")]);
    assert!(find(&set, Some("a"), Algorithm::RS256));
    assert!(find(&set, Some("a"), Algorithm::ES256));
    assert!(find(&set, Some("b"), Algorithm::ES256));
    assert!(find(&set, None, Algorithm::RS256));
    assert!(!find(&set, None, Algorithm::ES256), "two would do");
    assert!(!find(&set, Some("c"), Algorithm::RS256));
    assert!(!find(&set, Some(""), Algorithm::RS256));
    assert!(!find(&set, Some("b"), Algorithm::RS256));
    assert!(!find(&set, Some("a"), Algorithm::PS256), "the key's alg is RS256");
    assert!(!find(&set, Some("a"), Algorithm::HS256));
    let twice = KeySet::new(vec![named(&ec, "a"), named(&ec, "a")]);
    assert!(!find(&twice, Some("a"), Algorithm::ES256));
}

#[test]
fn keys_that_are_not_for_verifying_do_not_verify() {
    let key = &signing_keys()[8];
    let jwk = key.public_jwk().to_json();
    for (member, usable) in [
        (r#""use":"enc""#, false),
        (r#""use":"sig""#, true),
        (r#""key_ops":["sign"]"#, false),
        (r#""key_ops":[]"#, false),
        (r#""key_ops":["encrypt","verify"]"#, true),
        (r#""use":"sig","key_ops":["encrypt"]"#, false),
    ] {
        let text = jwk.replace(r#""use":"sig""#, member);
        let jwk = Jwk::parse(&text).unwrap();
        assert_eq!(
            VerifyingKey::from_jwk(&jwk).err(),
            if usable { None } else { Some(KeyError::Use) },
            "{member}"
        );
        assert_eq!(KeySet::new(vec![jwk]).find(None, Algorithm::EdDSA).is_some(), usable, "{member}");
    }
}

#[test]
fn what_a_token_says_can_be_read_before_it_is_checked() {
    let key = HmacKey::from_secret(Algorithm::HS256, &[7; 32]).unwrap();
    let token =
        jwt::sign_hmac(&key, "JWT", &json!({"iss": "a", "sub": "b", "exp": "never", "n": 1})).unwrap();
    let unverified = Unverified::parse(&token).unwrap();
    assert_eq!(
        (unverified.issuer(), unverified.subject(), unverified.text("n")),
        (Some("a"), Some("b"), None)
    );
    assert_eq!(unverified.header().alg, Algorithm::HS256);
    assert!(!format!("{unverified:?}").contains("sub"));
}
