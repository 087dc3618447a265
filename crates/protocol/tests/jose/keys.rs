//! Private keys for tests: from the JWKs of the RFCs to the PKCS#8 that the crate reads.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    RsaKeyPair,
};
use ayb_protocol::jose::{Algorithm, SigningKey, base64url};
use serde_json::Value;

/// The PKCS#8 of a private JWK.
pub(crate) fn pkcs8(jwk: &Value) -> Vec<u8> {
    match (jwk["kty"].as_str(), jwk["crv"].as_str()) {
        (Some("RSA"), _) => rsa(jwk),
        (Some("EC"), Some("P-256")) => ec(jwk, &ECDSA_P256_SHA256_FIXED_SIGNING),
        (Some("EC"), Some("P-384")) => ec(jwk, &ECDSA_P384_SHA384_FIXED_SIGNING),
        (Some("OKP"), Some("Ed25519")) => {
            let pair = Ed25519KeyPair::from_seed_and_public_key(&bytes(jwk, "d"), &bytes(jwk, "x")).unwrap();
            pair.to_pkcs8v1().unwrap().as_ref().to_vec()
        }
        other => panic!("no private key of type {other:?}"),
    }
}

/// The signing key of a private JWK.
pub(crate) fn signing_key(algorithm: Algorithm, jwk: &Value) -> SigningKey {
    SigningKey::from_pkcs8(algorithm, &pkcs8(jwk)).unwrap()
}

/// The public half of a private JWK, as JSON text.
pub(crate) fn public(jwk: &Value) -> String {
    let mut members = jwk.as_object().unwrap().clone();
    for name in ["d", "p", "q", "dp", "dq", "qi"] {
        members.remove(name);
    }
    Value::Object(members).to_string()
}

/// A base64url member.
pub(crate) fn bytes(jwk: &Value, name: &str) -> Vec<u8> {
    base64url::decode(jwk[name].as_str().unwrap()).unwrap()
}

fn ec(jwk: &Value, algorithm: &'static aws_lc_rs::signature::EcdsaSigningAlgorithm) -> Vec<u8> {
    let point = [vec![4], bytes(jwk, "x"), bytes(jwk, "y")].concat();
    let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &bytes(jwk, "d"), &point).unwrap();
    pair.to_pkcs8v1().unwrap().as_ref().to_vec()
}

fn rsa(jwk: &Value) -> Vec<u8> {
    let pair = RsaKeyPair::from_components(&KeyPairComponents {
        public_key: PublicKeyComponents { n: bytes(jwk, "n"), e: bytes(jwk, "e") },
        d: bytes(jwk, "d"),
        p: bytes(jwk, "p"),
        q: bytes(jwk, "q"),
        dP: bytes(jwk, "dp"),
        dQ: bytes(jwk, "dq"),
        qInv: bytes(jwk, "qi"),
    })
    .unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    der.as_ref().to_vec()
}

/// A P-384 key, which the RFCs have no example of: the scalar 1, whose point is the curve's base point.
pub(crate) fn p384() -> Vec<u8> {
    let mut scalar = [0; 48];
    scalar[47] = 1;
    // RFC 5208 around RFC 5915 without the optional public key, which the reader computes.
    let algorithm = [
        0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00,
        0x22,
    ];
    let private_key = [[0x30, 53, 0x02, 0x01, 0x01, 0x04, 48].as_slice(), &scalar].concat();
    let octets = [[0x04, private_key.len() as u8].as_slice(), &private_key].concat();
    let body = [[0x02, 0x01, 0x00].as_slice(), &algorithm, &octets].concat();
    [[0x30, body.len() as u8].as_slice(), &body].concat()
}
