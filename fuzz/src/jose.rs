//! JOSE: nothing panics, and what is accepted has one meaning.

use std::sync::LazyLock;

use ayb_protocol::jose::jws::{self, Header};
use ayb_protocol::jose::jwt::{ExpectedType, Expiry, Unverified, Verifier};
use ayb_protocol::jose::{Algorithm, HmacKey, Jwk, KeySet, VerifyingKey, VerifyingKeys, base64url};
use ayb_protocol::time::{Seconds, Timestamp};

/// A token splits into parts that join to the same token, and each decoded part encodes to the same text.
pub fn jws_compact(input: &[u8]) {
    let Ok(token) = std::str::from_utf8(input) else { return };
    let Ok(parts) = jws::split(token, jws::MAX_LENGTH) else { return };
    assert!(token.len() <= jws::MAX_LENGTH);
    assert_eq!(format!("{}.{}.{}", parts.header, parts.payload, parts.signature), token);
    for part in [parts.header, parts.payload, parts.signature] {
        if let Ok(bytes) = base64url::decode(part) {
            assert_eq!(base64url::encode(bytes), part);
        }
    }
    if let Ok(header) = Header::parse(parts.header) {
        assert!(header.member("crit").is_none() && header.member("zip").is_none());
    }
}

/// A key that is read is printed to a text that reads as the same key, and never holds private members.
pub fn jwk(input: &[u8]) {
    let Ok(jwk) = Jwk::parse(input) else { return };
    let text = jwk.to_json();
    assert_eq!(Jwk::parse(&text).as_ref(), Ok(&jwk));
    assert_eq!(Jwk::parse(&text).map(|again| again.thumbprint()), Ok(jwk.thumbprint()));
    if let Ok(key) = VerifyingKey::from_jwk(&jwk) {
        for algorithm in Algorithm::ALL {
            assert_eq!(key.fits(algorithm), jwk.fits(algorithm));
            assert!(!key.verify(algorithm, b"message", b"signature"));
        }
    }
}

/// A set that is read is printed to a text that reads as the same keys, and both finders agree.
pub fn key_set(input: &[u8]) {
    let Ok(set) = KeySet::parse(input) else { return };
    let again = KeySet::parse(set.to_json());
    assert_eq!(again.as_ref().map(KeySet::keys), Ok(set.keys()));
    assert_eq!(again.map(|set| set.refused().len()), Ok(0));
    let ready = VerifyingKeys::from_key_set(&set);
    let kids = set.keys().iter().map(Jwk::kid).chain([None, Some("")]);
    for kid in kids {
        for algorithm in Algorithm::ALL {
            assert_eq!(set.find(kid, algorithm).is_some(), ready.find(kid, algorithm).is_some());
        }
    }
}

struct Peer {
    verifier: Verifier,
    keys: VerifyingKeys,
    secret: HmacKey,
}

/// The keys of RFC 7515 A.1, A.2 and A.3 and RFC 8037 A.2.
static PEER: LazyLock<Option<Peer>> = LazyLock::new(|| {
    const SECRET: &str =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    const SET: &str = concat!(
        r#"{"keys":[{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw"#,
        "-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHS",
        "XndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DW",
        r#"NmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"},{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg"#,
        r#"8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},{"kty":"OKP","crv":"Ed"#,
        r#"25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
    );
    Some(Peer {
        verifier: Verifier::new(Algorithm::ALL, ExpectedType::Any)
            .with_expiry(Expiry::Optional)
            .with_leeway(Seconds(60)),
        keys: VerifyingKeys::from_key_set(&KeySet::parse(SET).ok()?),
        secret: HmacKey::from_secret(Algorithm::HS256, &base64url::decode(SECRET).ok()?).ok()?,
    })
});

/// The time at which [`jwt_verify`] reads tokens: before the examples of RFC 7515 expire.
const NOW: Timestamp = Timestamp::from_seconds(1_300_819_000);

/// A token that verifies is also read unverified, and says the same. Returns whether it verified.
pub fn jwt_verify(input: &[u8]) -> bool {
    let Ok(token) = std::str::from_utf8(input) else { return false };
    let Some(peer) = PEER.as_ref() else { return false };
    let signed = peer.verifier.verify(token, &peer.keys, NOW);
    let authenticated = peer.verifier.verify_hmac(token, &peer.secret, NOW);
    assert!(signed.is_err() || authenticated.is_err(), "one token, two kinds of key");
    let Ok(claims) = signed.or(authenticated) else { return false };
    let unverified = Unverified::parse(token);
    assert_eq!(unverified.as_ref().ok().and_then(Unverified::issuer), claims.issuer());
    assert!(claims.expires_at().is_none_or(|end| NOW < end.plus(Seconds(60))));
    true
}
