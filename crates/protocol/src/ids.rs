//! Identifiers. Each thing has its own type, so that two of them cannot be mixed up.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl $name {
            /// Reads the usual text form; `None` when it is not a UUID.
            pub fn parse(text: &str) -> Option<Self> {
                Uuid::try_parse(text).ok().map(Self)
            }
        }
    };
}

uuid_id! {
    /// A person with an account; the `sub` of tokens.
    UserId
}
uuid_id! {
    /// An app: the owner's product, to which clients belong.
    AppId
}
uuid_id! {
    /// One authorization: everything that one consent (or one machine sign-in) led to. Tokens of a grant die together.
    GrantId
}
uuid_id! {
    /// A signed-in session of a person (browser or API) or of the administrator.
    SessionId
}

uuid_id! {
    /// An API key of a person; the key itself is a secret.
    ApiKeyId
}

/// The public name of a client: `ayb_cid_` and 24 random bytes in lowercase hex.
#[derive(Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize)]
#[serde(transparent)]
pub struct ClientId(String);

impl ClientId {
    /// What every client id starts with.
    pub const PREFIX: &'static str = "ayb_cid_";
    /// Bytes behind the prefix.
    pub const BYTES: usize = 24;

    /// Reads the whole form only; anything shorter, longer or in capitals is not a client id.
    pub fn parse(text: &str) -> Option<Self> {
        let tail = text.strip_prefix(Self::PREFIX)?;
        let well_formed =
            tail.len() == 2 * Self::BYTES && tail.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        well_formed.then(|| Self(text.to_owned()))
    }

    /// Makes a client id from its bytes: random ones for a new client.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let mut text = String::with_capacity(Self::PREFIX.len() + 2 * bytes.len());
        text.push_str(Self::PREFIX);
        text.push_str(&crate::hex::encode(bytes));
        Self(text)
    }

    /// The bytes that [`Self::from_bytes`] takes.
    pub fn bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        if let Ok(decoded) = crate::hex::decode(&self.0[Self::PREFIX.len()..]) {
            bytes.copy_from_slice(&decoded);
        }
        bytes
    }

    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn generated_client_ids_have_the_published_form_and_differ() {
        let mut seen = HashSet::new();
        for i in 0..10_000u32 {
            let mut random = [0u8; 24];
            random[..4].copy_from_slice(&i.to_be_bytes());
            random[20..].copy_from_slice(&i.wrapping_mul(2_654_435_761).to_be_bytes());
            let id = ClientId::from_bytes(&random);
            assert_eq!(id.bytes(), random);
            assert_eq!(ClientId::parse(id.as_str()).as_ref(), Some(&id));
            let digits = id.as_str().strip_prefix("ayb_cid_").unwrap();
            assert_eq!(digits.len(), 48);
            assert!(digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')), "{digits}");
            assert!(seen.insert(id));
        }
    }

    #[test]
    fn near_misses_are_not_client_ids() {
        let good = format!("ayb_cid_{}", "a1".repeat(24));
        assert!(ClientId::parse(&good).is_some());
        let near_misses = [
            String::new(),
            good[..good.len() - 1].to_owned(),
            format!("{good}0"),
            good.to_uppercase(),
            good.replace("a1", "A1"),
            good.replace("a1", "g1"),
            good.replace("ayb_cid_", "ayb_cs_0"),
            format!(" {good}"),
            format!("{good}\n"),
        ];
        for text in near_misses {
            assert!(ClientId::parse(&text).is_none(), "{text:?}");
        }
    }
}
