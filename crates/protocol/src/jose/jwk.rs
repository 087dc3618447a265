//! Public JSON Web Keys (RFC 7517, RFC 7518 §6, RFC 8037 §2) and their thumbprints (RFC 7638).

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use super::json::{self, Members};
use super::public_key::{Curve, PublicKey};
use super::rsa::RsaPublicKey;
use super::{Algorithm, KeyError, base64url, sha256};

/// Members that hold private or shared key material (RFC 7518 §6.2.2, §6.3.2, §6.4.1, RFC 8037 §2).
const PRIVATE_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// What a key is published for (RFC 7517 §4.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub enum KeyUse {
    /// `sig`: signatures.
    Signature,
    /// `enc`: encryption.
    Encryption,
}

impl KeyUse {
    /// The value of the `use` member.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "sig",
            Self::Encryption => "enc",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Signature, Self::Encryption].into_iter().find(|key_use| key_use.as_str() == name)
    }
}

/// A public key that was read and checked: RSA of 2048 to 8192 bits, a point on P-256 or P-384, or Ed25519. It
/// never holds private material. Members that this crate does not know are ignored (RFC 7517 §4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Jwk {
    key: PublicKey,
    kid: Option<String>,
    key_use: Option<KeyUse>,
    alg: Option<Algorithm>,
    key_ops: Option<Vec<String>>,
}

impl Jwk {
    /// Reads a public key from JSON text.
    ///
    /// # Errors
    /// [`KeyError::Private`] when the text holds a private key, so that a caller can say that it has leaked; the other
    /// variants as documented there.
    pub fn parse(json: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let members = json::parse_object(json.as_ref()).ok_or(KeyError::Malformed)?;
        Self::from_members(&members)
    }

    pub(super) fn from_members(members: &Members) -> Result<Self, KeyError> {
        let key_type = required_text(members, "kty")?;
        if PRIVATE_MEMBERS.iter().any(|name| members.contains_key(*name)) {
            return Err(KeyError::Private);
        }
        let key = match key_type {
            "RSA" => rsa(members)?,
            "EC" => elliptic_curve(members)?,
            "OKP" => octet_pair(members)?,
            _ => return Err(KeyError::Type),
        };
        let key_use = match optional_text(members, "use")? {
            None => None,
            Some(name) => Some(KeyUse::parse(name).ok_or(KeyError::Use)?),
        };
        let alg = match optional_text(members, "alg")? {
            None => None,
            Some(name) => Some(Algorithm::parse(name).ok_or(KeyError::Algorithm)?),
        };
        if alg.is_some_and(|alg| !key.algorithms().contains(&alg)) {
            return Err(KeyError::Algorithm);
        }
        let kid = optional_text(members, "kid")?.map(str::to_owned);
        Ok(Self { key, kid, key_use, alg, key_ops: key_ops(members)? })
    }

    pub(super) fn from_public_key(key: PublicKey, alg: Algorithm) -> Self {
        Self { key, kid: None, key_use: Some(KeyUse::Signature), alg: Some(alg), key_ops: None }
    }

    /// The same key under another `kid`.
    #[must_use]
    pub fn with_kid(self, kid: impl Into<String>) -> Self {
        Self { kid: Some(kid.into()), ..self }
    }

    /// The key alone, without what it is called and meant for.
    #[must_use]
    pub fn bare(self) -> Self {
        Self { kid: None, key_use: None, alg: None, key_ops: None, ..self }
    }

    /// The `kid` member, which tells keys of one set apart.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The `use` member.
    pub const fn key_use(&self) -> Option<KeyUse> {
        self.key_use
    }

    /// The `alg` member: the only algorithm the key may be used with.
    pub const fn alg(&self) -> Option<Algorithm> {
        self.alg
    }

    /// The `key_ops` member (RFC 7517 §4.3).
    pub fn key_ops(&self) -> Option<&[String]> {
        self.key_ops.as_deref()
    }

    /// The `kty` member.
    pub const fn key_type(&self) -> &'static str {
        match self.key {
            PublicKey::Rsa(_) => "RSA",
            PublicKey::Ec { .. } => "EC",
            PublicKey::Ed25519(_) => "OKP",
        }
    }

    /// Whether the key may verify signatures at all, by its `use` and `key_ops`.
    pub fn may_verify(&self) -> bool {
        let by_use = self.key_use.is_none_or(|key_use| key_use == KeyUse::Signature);
        let by_ops =
            self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|operation| operation == "verify"));
        by_use && by_ops
    }

    /// Whether the key may verify signatures of `algorithm`: by its type, its `alg`, its `use` and its `key_ops`.
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.may_verify() && self.algorithms().contains(&algorithm)
    }

    pub(super) fn algorithms(&self) -> &[Algorithm] {
        match &self.alg {
            Some(alg) => std::slice::from_ref(alg),
            None => self.key.algorithms(),
        }
    }

    pub(super) const fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// The SHA-256 thumbprint in base64url: the hash of the required members in order of name (RFC 7638 §3).
    pub fn thumbprint(&self) -> String {
        let mut text = String::from("{");
        for (name, value) in required_members(&self.key) {
            let comma = if text.len() > 1 { "," } else { "" };
            // No value needs escaping: all are fixed names or base64url.
            text.push_str(&format!("{comma}\"{name}\":\"{value}\""));
        }
        text.push('}');
        base64url::encode(sha256(text))
    }

    /// The key as JSON text.
    pub fn to_json(&self) -> String {
        // Text keys and text values only: writing them cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The members that make the key, in order of name.
fn required_members(key: &PublicKey) -> Vec<(&'static str, String)> {
    match key {
        PublicKey::Rsa(rsa) => {
            vec![("e", base64url::encode(rsa.e())), ("kty", "RSA".into()), ("n", base64url::encode(rsa.n()))]
        }
        PublicKey::Ec { curve, point } => {
            let (x, y) = point[1..].split_at(curve.coordinate_len());
            vec![
                ("crv", curve.as_str().into()),
                ("kty", "EC".into()),
                ("x", base64url::encode(x)),
                ("y", base64url::encode(y)),
            ]
        }
        PublicKey::Ed25519(x) => {
            vec![("crv", "Ed25519".into()), ("kty", "OKP".into()), ("x", base64url::encode(x))]
        }
    }
}

fn rsa(members: &Members) -> Result<PublicKey, KeyError> {
    RsaPublicKey::from_components(required_bytes(members, "n")?, required_bytes(members, "e")?)
        .map(PublicKey::Rsa)
}

fn elliptic_curve(members: &Members) -> Result<PublicKey, KeyError> {
    let curve = Curve::parse(required_text(members, "crv")?).ok_or(KeyError::Type)?;
    let (x, y) = (required_bytes(members, "x")?, required_bytes(members, "y")?);
    // RFC 7518 §6.2.1.2: a coordinate always has its full length.
    if x.len() != curve.coordinate_len() || y.len() != curve.coordinate_len() {
        return Err(KeyError::Malformed);
    }
    PublicKey::from_point(curve, [&[4], x.as_slice(), &y].concat())
}

fn octet_pair(members: &Members) -> Result<PublicKey, KeyError> {
    match required_text(members, "crv")? {
        "Ed25519" => PublicKey::from_ed25519(&required_bytes(members, "x")?),
        _ => Err(KeyError::Type),
    }
}

fn key_ops(members: &Members) -> Result<Option<Vec<String>>, KeyError> {
    let Some(value) = members.get("key_ops") else { return Ok(None) };
    let Value::Array(items) = value else { return Err(KeyError::Malformed) };
    let mut operations = Vec::new();
    for item in items {
        let Value::String(operation) = item else { return Err(KeyError::Malformed) };
        // RFC 7517 §4.3: no operation twice.
        if operations.contains(operation) {
            return Err(KeyError::Malformed);
        }
        operations.push(operation.clone());
    }
    Ok(Some(operations))
}

fn optional_text<'a>(members: &'a Members, name: &str) -> Result<Option<&'a str>, KeyError> {
    json::optional_text(members, name).map_err(|_| KeyError::Malformed)
}

fn required_text<'a>(members: &'a Members, name: &str) -> Result<&'a str, KeyError> {
    optional_text(members, name)?.ok_or(KeyError::Malformed)
}

fn required_bytes(members: &Members, name: &str) -> Result<Vec<u8>, KeyError> {
    base64url::decode(required_text(members, name)?).map_err(|_| KeyError::Malformed)
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        for (name, value) in required_members(&self.key) {
            members.serialize_entry(name, &value)?;
        }
        if let Some(kid) = &self.kid {
            members.serialize_entry("kid", kid)?;
        }
        if let Some(key_use) = self.key_use {
            members.serialize_entry("use", key_use.as_str())?;
        }
        if let Some(alg) = self.alg {
            members.serialize_entry("alg", alg.as_str())?;
        }
        if let Some(key_ops) = &self.key_ops {
            members.serialize_entry("key_ops", key_ops)?;
        }
        members.end()
    }
}

impl<'de> Deserialize<'de> for Jwk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_members(&json::object(deserializer)?).map_err(de::Error::custom)
    }
}
