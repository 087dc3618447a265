//! Secrets and their hashes: two types, and only hashes reach the store.
//!
//! A secret's text never appears in `Debug`, and there is no `Display`. Codes and tokens also say where their row is
//! (`docs/decisions/0008-tokens-that-find-their-row.md`): eight of their bytes are the row's key, masked with a keyed
//! hash of the rest, so that they look random and leak no count. Secrets of sessions and links name their row in the same
//! way, and a tag vouches for the name: it can be trusted before the store is asked.

use crate::{hex, jose, jose::MacKey};
use std::fmt;
use std::marker::PhantomData;
use uuid::Uuid;
use zeroize::Zeroizing;

/// What kind of secret a string is; each kind has its own prefix and length.
pub trait Kind: Send + Sync + 'static {
    /// What the text starts with.
    const PREFIX: &'static str;
    /// Bytes behind the prefix, written as lowercase hex.
    const BYTES: usize;
    /// The name for `Debug`.
    const NAME: &'static str;
}

/// A kind whose secret carries the time-ordered key of its row; the row lives and dies with the secret.
pub trait Located: Kind {}

/// A kind whose secret carries the whole identifier of its row; the row may outlive the secret (rotation).
pub trait Named: Kind {}

/// Where the masked name in a [`Named`] secret ends, and the randomness begins.
const NAME_END: usize = 16;
/// Bytes of the tag at its end: 96 bits, which can only be guessed by asking the server.
const TAG: usize = 12;

macro_rules! kind {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum $name {}
        impl Kind for $name {
            const PREFIX: &'static str = $prefix;
            const BYTES: usize = $bytes;
            const NAME: &'static str = stringify!($name);
        }
    };
}

kind! {
    /// An authorization code: 32 bytes, no prefix.
    Code, "", 32
}
kind! {
    /// An opaque access token.
    Access, "ayb_at_", 32
}
kind! {
    /// A refresh token.
    Refresh, "ayb_rt_", 48
}
kind! {
    /// The secret of a confidential client.
    ClientSecret, "ayb_cs_", 32
}
kind! {
    /// The cookie of a browser session.
    BrowserSession, "ayb_bs_", 48
}
kind! {
    /// The refresh token of a session of the account API (`/api/auth/refresh`); not an OAuth token.
    SessionRefresh, "ayb_sr_", 48
}
kind! {
    /// The bearer token of the administrator.
    Admin, "ayb_adm_", 48
}
kind! {
    /// A person's API key. Its prefix is the beginning of all others, but no other kind reads as this one: what follows
    /// here are digits only.
    ApiKey, "ayb_", 24
}
kind! {
    /// A link sent by mail: password reset or e-mail verification.
    MailLink, "ayb_ml_", 48
}

impl Located for Code {}
impl Located for Access {}
impl Located for Refresh {}
impl Named for BrowserSession {}
impl Named for SessionRefresh {}
impl Named for Admin {}
impl Named for MailLink {}

/// A secret string of one kind. It is wiped from memory when dropped.
pub struct Secret<K> {
    text: Zeroizing<String>,
    kind: PhantomData<K>,
}

impl<K: Kind> Secret<K> {
    /// Reads a secret; `None` unless prefix, length and alphabet are exactly right.
    pub fn parse(text: &str) -> Option<Self> {
        let tail = text.strip_prefix(K::PREFIX)?;
        let well_formed =
            tail.len() == K::BYTES * 2 && tail.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        well_formed.then(|| Self::from_text(text.to_owned()))
    }

    /// Makes a secret out of randomness that `fill` writes into the buffer it is given.
    pub fn generate(fill: impl FnOnce(&mut [u8])) -> Self {
        let mut bytes = Zeroizing::new(vec![0u8; K::BYTES]);
        fill(&mut bytes);
        Self::from_bytes(&bytes)
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        let mut text = String::with_capacity(K::PREFIX.len() + bytes.len() * 2);
        text.push_str(K::PREFIX);
        hex::encode_into(bytes, &mut text);
        Self::from_text(text)
    }

    fn from_text(text: String) -> Self {
        Self { text: Zeroizing::new(text), kind: PhantomData }
    }

    fn bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(hex::decode(&self.text[K::PREFIX.len()..]).unwrap_or_else(|_| vec![0; K::BYTES]))
    }

    /// The text itself, to be handed to its owner and to nobody else.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The text itself, taken out.
    pub fn into_text(self) -> Zeroizing<String> {
        self.text
    }

    /// SHA-256 of the whole text, which is what the store keeps.
    pub fn hash(&self) -> SecretHash<K> {
        SecretHash::of(&self.text)
    }
}

impl<K: Located> Secret<K> {
    /// Makes a secret that carries `row`; the rest is randomness that `fill` writes.
    pub fn generate_at(row: RowKey, mask: &MaskKey, fill: impl FnOnce(&mut [u8])) -> Self {
        let mut bytes = Zeroizing::new(vec![0u8; K::BYTES]);
        fill(&mut bytes[8..]);
        let masked = row.0 ^ mask.mask::<K>(&bytes[8..]);
        bytes[..8].copy_from_slice(&masked.to_be_bytes());
        Self::from_bytes(&bytes)
    }

    /// The identifier of the row that this secret belongs to, and the hash to compare with the row's. Any well-formed
    /// string gives them; whether the row exists, and whether its hash is this one, only the store can say.
    pub fn locate(&self, mask: &MaskKey) -> (Uuid, SecretHash<K>) {
        let bytes = self.bytes();
        let mut head = [0u8; 8];
        head.copy_from_slice(&bytes[..8]);
        let row = u64::from_be_bytes(head) ^ mask.mask::<K>(&bytes[8..]);
        self.at(RowKey(row))
    }

    /// What [`Self::locate`] gives, for a secret whose row is known already.
    pub fn at(&self, row: RowKey) -> (Uuid, SecretHash<K>) {
        let hash = self.hash();
        (row.row_id(&hash.0), hash)
    }
}

impl<K: Named> Secret<K> {
    /// Makes a secret that names the row `id`: the masked name, randomness that `fill` writes, and a tag over both.
    pub fn generate_for(id: Uuid, mask: &MaskKey, fill: impl FnOnce(&mut [u8])) -> Self {
        let mut bytes = Zeroizing::new(vec![0u8; K::BYTES]);
        let tag_start = K::BYTES - TAG;
        fill(&mut bytes[NAME_END..tag_start]);
        let tag = mask.tag::<K>(id, &bytes[NAME_END..tag_start]);
        bytes[tag_start..].copy_from_slice(&tag);
        let masked = id.as_u128() ^ mask.wide_mask::<K>(&bytes[NAME_END..]);
        bytes[..NAME_END].copy_from_slice(&masked.to_be_bytes());
        Self::from_bytes(&bytes)
    }

    /// The identifier of the row that this secret names; `None` unless it was made here for that very row. Whether the
    /// row still exists, and whether this is its latest secret, only the store can say.
    pub fn named_row(&self, mask: &MaskKey) -> Option<Uuid> {
        let bytes = self.bytes();
        let mut head = [0u8; NAME_END];
        head.copy_from_slice(&bytes[..NAME_END]);
        let id = Uuid::from_u128(u128::from_be_bytes(head) ^ mask.wide_mask::<K>(&bytes[NAME_END..]));
        let (random, tag) = bytes[NAME_END..].split_at(K::BYTES - NAME_END - TAG);
        jose::constant_time_eq(mask.tag::<K>(id, random), tag).then_some(id)
    }
}

impl<K> Clone for Secret<K> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), kind: PhantomData }
    }
}

impl<K: Kind> fmt::Debug for Secret<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret<{}>(redacted)", K::NAME)
    }
}

/// The time-ordered key of a row: 48 bits of Unix milliseconds, then a 16-bit counter.
///
/// Ordered keys keep inserts at the end of the table's tree, whatever its size.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct RowKey(pub u64);

impl RowKey {
    /// The row's identifier: a UUID of version 7 (RFC 9562 §5.7) whose last bits come from the secret's hash, so
    /// that two processes that draw the same key in the same millisecond still get different rows.
    pub fn row_id(self, hash: &[u8; 32]) -> Uuid {
        let key = self.0.to_be_bytes();
        let counter = u16::from_be_bytes([key[6], key[7]]);
        let mut id = [0u8; 16];
        id[..6].copy_from_slice(&key[..6]);
        id[6] = 0x70 | (counter >> 12) as u8;
        id[7] = (counter >> 4) as u8;
        id[8] = 0x80 | ((counter & 0x0f) << 2) as u8 | (hash[0] & 0x03);
        id[9..].copy_from_slice(&hash[1..8]);
        Uuid::from_bytes(id)
    }

    /// The key that a row identifier was made from.
    pub fn from_row_id(id: Uuid) -> Self {
        let id = id.as_bytes();
        let counter = u16::from(id[6] & 0x0f) << 12 | u16::from(id[7]) << 4 | u16::from(id[8] >> 2 & 0x0f);
        let [hi, lo] = counter.to_be_bytes();
        Self(u64::from_be_bytes([id[0], id[1], id[2], id[3], id[4], id[5], hi, lo]))
    }
}

/// The server's key that hides row keys inside secrets, and vouches for the names in them. It protects a count, and
/// sessions from being ended by others, but no secret: nothing opens without the hash that the store keeps.
pub struct MaskKey(MacKey);

impl MaskKey {
    /// Uses 32 random bytes as the key.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(MacKey::new(bytes))
    }

    fn mask<K: Kind>(&self, rest: &[u8]) -> u64 {
        (self.wide_mask::<K>(rest) >> 64) as u64
    }

    fn wide_mask<K: Kind>(&self, rest: &[u8]) -> u128 {
        let hash = self.0.sign([K::PREFIX.as_bytes(), rest]);
        let mut head = [0u8; 16];
        head.copy_from_slice(&hash[..16]);
        u128::from_be_bytes(head)
    }

    /// What is signed here is longer than what makes a mask, so that neither answers for the other.
    fn tag<K: Named>(&self, id: Uuid, random: &[u8]) -> [u8; TAG] {
        let hash = self.0.sign([K::PREFIX.as_bytes(), b"names", id.as_bytes(), random]);
        let mut tag = [0u8; TAG];
        tag.copy_from_slice(&hash[..TAG]);
        tag
    }
}

impl fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskKey(redacted)")
    }
}

/// SHA-256 of a secret of kind `K`. Comparing two hashes takes the same time wherever they differ.
pub struct SecretHash<K>([u8; 32], PhantomData<K>);

impl<K> SecretHash<K> {
    /// Hashes a text. For a JWT access token the text is the whole token.
    pub fn of(text: &str) -> Self {
        Self(jose::sha256(text.as_bytes()), PhantomData)
    }

    /// Takes the bytes of a stored hash.
    pub fn from_stored(bytes: [u8; 32]) -> Self {
        Self(bytes, PhantomData)
    }

    /// The bytes, to be stored.
    pub fn to_stored(self) -> [u8; 32] {
        self.0
    }

    /// The hash without its kind, where a row may hold one kind or the other.
    pub fn untyped(self) -> SecretHash<()> {
        SecretHash(self.0, PhantomData)
    }
}

impl<K> PartialEq for SecretHash<K> {
    fn eq(&self, other: &Self) -> bool {
        jose::constant_time_eq(self.0, other.0)
    }
}
impl<K> Eq for SecretHash<K> {}
impl<K> Clone for SecretHash<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for SecretHash<K> {}

impl<K> fmt::Debug for SecretHash<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask() -> MaskKey {
        MaskKey::from_bytes(&[7; 32])
    }

    #[test]
    fn secrets_have_the_published_forms() {
        let access = Secret::<Access>::generate(|b| b.fill(0xab));
        assert_eq!(access.expose(), format!("ayb_at_{}", "ab".repeat(32)));
        let refresh = Secret::<Refresh>::generate(|b| b.fill(1));
        assert_eq!(refresh.expose(), format!("ayb_rt_{}", "01".repeat(48)));
        let key = Secret::<ApiKey>::generate(|b| b.fill(3));
        assert_eq!(key.expose(), format!("ayb_{}", "03".repeat(24)));
        let secret = Secret::<ClientSecret>::generate(|b| b.fill(4));
        assert_eq!(secret.expose(), format!("ayb_cs_{}", "04".repeat(32)));
        let code = Secret::<Code>::generate(|b| b.fill(2));
        assert_eq!(code.expose(), "02".repeat(32));
        assert_eq!(hex::encode(access.hash().to_stored()).len(), 64);
    }

    #[test]
    fn a_token_says_where_its_row_is() {
        let row = RowKey(0x0192_3456_789a_bcde);
        let token = Secret::<Access>::generate_at(row, &mask(), |b| b.fill(9));
        let (id, hash) = token.locate(&mask());
        assert_eq!((id, hash), token.at(row));
        assert_eq!(RowKey::from_row_id(id), row);
        assert_eq!(id.get_version_num(), 7);
        let again = Secret::<Access>::parse(token.expose()).expect("well formed");
        assert_eq!(again.locate(&mask()).0, id);
        assert_ne!(again.locate(&MaskKey::from_bytes(&[8; 32])).0, id);
    }

    #[test]
    fn row_ids_are_ordered_like_their_keys_and_differ_by_secret() {
        let low = RowKey(5 << 16 | 0xffff).row_id(&[0xff; 32]);
        let high = RowKey(6 << 16).row_id(&[0; 32]);
        assert!(low < high);
        assert!(RowKey(6 << 16).row_id(&[0xff; 32]) < RowKey(6 << 16 | 1).row_id(&[0; 32]));
        assert_ne!(RowKey(1).row_id(&[1; 32]), RowKey(1).row_id(&[2; 32]));
    }

    #[test]
    fn consecutive_rows_do_not_show_in_the_token() {
        let tokens: Vec<String> = (0..2u8)
            .map(|i| {
                let row = RowKey(1000 + u64::from(i));
                Secret::<Access>::generate_at(row, &mask(), |b| b.fill(i)).expose()[7..23].to_owned()
            })
            .collect();
        assert_ne!(tokens[0][..14], tokens[1][..14]);
    }

    #[test]
    fn a_session_secret_names_its_row_across_rotations() {
        let id = Uuid::from_u128(0x0192_3456_789a_7bcd_8ef0_1234_5678_9abc);
        let first = Secret::<SessionRefresh>::generate_for(id, &mask(), |b| b.fill(1));
        let second = Secret::<SessionRefresh>::generate_for(id, &mask(), |b| b.fill(2));
        assert_ne!(first.expose(), second.expose());
        assert_eq!((first.named_row(&mask()), second.named_row(&mask())), (Some(id), Some(id)));
        assert_eq!(first.expose().len(), "ayb_sr_".len() + 96);
        assert_eq!(first.named_row(&MaskKey::from_bytes(&[8; 32])), None);
    }

    #[test]
    fn nobody_makes_a_secret_that_names_another_row() {
        let (own, victim) = (Uuid::from_u128(1 << 80 | 5), Uuid::from_u128(1 << 80 | 6));
        let secret = Secret::<SessionRefresh>::generate_for(own, &mask(), |b| b.fill(1));
        let mut forged = secret.bytes();
        let difference = (own.as_u128() ^ victim.as_u128()).to_be_bytes();
        forged.iter_mut().zip(difference).for_each(|(byte, other)| *byte ^= other);
        assert_eq!(Secret::<SessionRefresh>::from_bytes(&forged).named_row(&mask()), None);
        for at in 0..SessionRefresh::BYTES {
            let mut changed = secret.bytes();
            changed[at] ^= 1;
            assert_eq!(Secret::<SessionRefresh>::from_bytes(&changed).named_row(&mask()), None, "byte {at}");
        }
        let cookie = Secret::<BrowserSession>::from_bytes(&secret.bytes());
        assert_eq!(cookie.named_row(&mask()), None, "nor one of another kind");
    }

    #[test]
    fn one_kind_is_never_read_as_another() {
        let refresh = Secret::<Refresh>::generate(|b| b.fill(1));
        assert!(Secret::<Access>::parse(refresh.expose()).is_none());
        assert!(Secret::<Code>::parse(refresh.expose()).is_none());
        let access = format!("ayb_at_{}", "ab".repeat(32));
        for text in [
            access.to_uppercase(),
            format!("{access}a"),
            access[..70].to_owned(),
            access.replace("ayb_at_", "ayb_AT_"),
            access.replace('b', "B"),
            format!("{}é", &access[..69]),
        ] {
            assert!(Secret::<Access>::parse(&text).is_none(), "{text}");
        }
    }

    #[test]
    fn nothing_with_a_longer_prefix_is_an_api_key() {
        let digits = "ab".repeat(ApiKey::BYTES);
        assert!(Secret::<ApiKey>::parse(&format!("ayb_{digits}")).is_some());
        for prefix in
            ["ayb_at_", "ayb_rt_", "ayb_cs_", "ayb_cid_", "ayb_bs_", "ayb_sr_", "ayb_adm_", "ayb_ml_"]
        {
            for digits in [&digits[..], &digits[prefix.len() - 4..]] {
                assert!(Secret::<ApiKey>::parse(&format!("{prefix}{digits}")).is_none(), "{prefix}");
            }
        }
    }

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        let access = Secret::<Access>::generate(|b| b.fill(0xab));
        let shown = format!("{:?} {:?} {:?}", access, access.hash(), mask());
        assert!(!shown.contains("abab") && !shown.contains(&hex::encode(access.hash().to_stored())));
    }
}
