//! Judges and signs tokens for `tests/interop/jose`: one JSON document in, one out.
//!
//! In: `{"verify": [{token, keys or secret, algorithms, typ, issuer, audience, leeway, now}],
//! "sign": [{alg, pkcs8, typ, claims}]}`. Out: `{"verify": ["ok" or the reason], "sign": [{token, jwk}]}`.

use std::error::Error;

use ayb_protocol::jose::jwt::{self, ExpectedType, JwtError, Verifier};
use ayb_protocol::jose::{Algorithm, HmacKey, KeySet, SigningKey, VerifyingKeys, base64url};
use ayb_protocol::time::{Seconds, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Work {
    verify: Vec<Case>,
    sign: Vec<Order>,
}

#[derive(Deserialize)]
struct Case {
    token: String,
    /// A JWK Set, as text: what a member twice means must not be lost on the way here.
    keys: Option<String>,
    /// A shared secret in base64url.
    secret: Option<String>,
    algorithms: Vec<Algorithm>,
    typ: Option<String>,
    issuer: Option<String>,
    audience: Option<String>,
    #[serde(default)]
    leeway: u64,
    now: i64,
}

#[derive(Deserialize)]
struct Order {
    alg: Algorithm,
    pkcs8: String,
    typ: String,
    claims: Value,
}

fn main() -> Result<(), Box<dyn Error>> {
    let work: Work = serde_json::from_reader(std::io::stdin())?;
    let verdicts: Vec<String> = work.verify.iter().map(judge).collect();
    let signed: Result<Vec<Value>, Box<dyn Error>> = work.sign.iter().map(sign).collect();
    println!("{}", json!({"verify": verdicts, "sign": signed?}));
    Ok(())
}

fn judge(case: &Case) -> String {
    let typ = match &case.typ {
        Some(typ) => ExpectedType::Is(typ.clone().into()),
        None => ExpectedType::Any,
    };
    let mut verifier = Verifier::new(case.algorithms.clone(), typ).with_leeway(Seconds(case.leeway));
    if let Some(issuer) = &case.issuer {
        verifier = verifier.with_issuer(issuer);
    }
    if let Some(audience) = &case.audience {
        verifier = verifier.with_audience(audience);
    }
    match verify(case, &verifier) {
        Ok(()) => "ok".to_owned(),
        Err(reason) => reason,
    }
}

fn verify(case: &Case, verifier: &Verifier) -> Result<(), String> {
    let now = Timestamp::from_seconds(case.now);
    let reason = |reason: JwtError| format!("{reason:?}");
    if let Some(secret) = &case.secret {
        let algorithm = *case.algorithms.first().ok_or("no algorithm")?;
        let secret = base64url::decode(secret).map_err(|error| error.to_string())?;
        let key = HmacKey::from_secret(algorithm, &secret).map_err(|error| format!("{error:?}"))?;
        return verifier.verify_hmac(&case.token, &key, now).map(|_| ()).map_err(reason);
    }
    let set =
        KeySet::parse(case.keys.as_deref().unwrap_or_default()).map_err(|error| format!("{error:?}"))?;
    verifier.verify(&case.token, &VerifyingKeys::from_key_set(&set), now).map(|_| ()).map_err(reason)
}

fn sign(order: &Order) -> Result<Value, Box<dyn Error>> {
    let key = SigningKey::from_pkcs8(order.alg, &base64url::decode(&order.pkcs8)?)?;
    let token = jwt::sign(&key, &order.typ, &order.claims)?;
    Ok(
        json!({"token": token, "jwk": key.public_jwk().to_json(), "thumbprint": key.public_jwk().thumbprint()}),
    )
}
