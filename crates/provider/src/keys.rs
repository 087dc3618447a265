//! The life of signing keys: published before they sign and until their last token is dead, and remembered for the hints
//! of sessions after that.

use crate::client::SigningAlg;
use ayb_protocol::time::{Seconds, Timestamp};

/// A signing key as stored; the private part is encrypted.
#[derive(Clone, Eq, PartialEq)]
pub struct KeyRecord {
    /// Its identifier: the thumbprint of the public key (RFC 7638).
    pub kid: String,
    /// What it signs with.
    pub algorithm: SigningAlg,
    /// Where in its life it is.
    pub state: KeyState,
    /// The private key in PKCS#8, encrypted.
    pub sealed: Vec<u8>,
    /// The public key as JSON (RFC 7517).
    pub public_jwk: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when everybody can read its public part.
    pub published_at: Timestamp,
    /// When it began to sign.
    pub activated_at: Option<Timestamp>,
    /// When it stopped signing.
    pub retired_at: Option<Timestamp>,
    /// When its last token is dead: it is published no longer, and only remembered ([`KeyPolicy::remember`]).
    pub expires_at: Option<Timestamp>,
}

impl KeyRecord {
    /// Whether everybody can read its public part now.
    pub fn is_published(&self, now: Timestamp) -> bool {
        self.state != KeyState::Retired || self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}

impl std::fmt::Debug for KeyRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRecord({}, {:?}, {:?})", self.kid, self.algorithm, self.state)
    }
}

/// Where in its life a key is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyState {
    /// Published, not signing yet.
    Next,
    /// Signing.
    Active,
    /// Published for the tokens that it signed, and remembered when they are dead.
    Retired,
}

impl KeyState {
    /// The word in tables and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Next, Self::Active, Self::Retired].into_iter().find(|state| state.as_str() == word)
    }
}

/// How long keys live.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyPolicy {
    /// How long a key signs; none means until somebody asks for a rotation.
    pub rotate_after: Option<Seconds>,
    /// How long a key is published before it signs; longer than anybody keeps the key set.
    pub publish_ahead: Seconds,
    /// How long a retired key stays published: the longest life of a token it may have signed, and a margin.
    pub retain: Seconds,
    /// How long it is remembered after that: the longest life of a session. An expired ID token still says which session
    /// is meant (RP-Initiated Logout 1.0 §2), and can be believed only as long as its key is known.
    pub remember: Seconds,
}

/// Keys of one algorithm that are remembered at most, the latest, so that rotating often does not pile them up.
const MOST_REMEMBERED: usize = 100;

/// One change to the set of keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyChange {
    /// Store a new key.
    Add(KeyRecord),
    /// Let it sign.
    Activate(String),
    /// Stop it from signing; it is published until the time given.
    Retire(String, Timestamp),
    /// Forget it.
    Delete(String),
}

/// Whether an algorithm needs a new key now, so that the server can make one before it asks for the changes.
pub fn needs_fresh(
    keys: &[KeyRecord],
    algorithm: SigningAlg,
    policy: &KeyPolicy,
    rotation: Rotation,
    now: Timestamp,
) -> bool {
    if rotation == Rotation::Withdraw {
        return true;
    }
    let forced = rotation != Rotation::WhenDue;
    let of = |state| keys.iter().any(|key| key.algorithm == algorithm && key.state == state);
    if of(KeyState::Next) {
        return false;
    }
    !of(KeyState::Active) || forced || active(keys, algorithm).is_some_and(|key| is_aging(key, policy, now))
}

/// What has to change for one algorithm. `fresh` is a key made for it, used only when it is needed.
pub fn plan(
    keys: &[KeyRecord],
    algorithm: SigningAlg,
    fresh: Option<&KeyRecord>,
    policy: &KeyPolicy,
    rotation: Rotation,
    now: Timestamp,
) -> Vec<KeyChange> {
    let fresh = fresh.filter(|_| needs_fresh(keys, algorithm, policy, rotation, now));
    if rotation == Rotation::Withdraw {
        return fresh.map(|fresh| withdraw(keys, fresh, now)).unwrap_or_default();
    }
    let mut changes = forgotten(keys, algorithm, policy, now);
    let active = active(keys, algorithm);
    let Some(active) = active else {
        changes.extend(first(keys, algorithm, fresh, now));
        return changes;
    };
    let waiting = keys.iter().find(|key| key.algorithm == algorithm && key.state == KeyState::Next);
    let ready = |next: &KeyRecord| {
        rotation == Rotation::AtOnce || now >= next.published_at.plus(policy.publish_ahead)
    };
    match (waiting, fresh) {
        (Some(next), _) if ready(next) => changes.extend(hand_over(active, &next.kid, policy, now)),
        (None, Some(fresh)) => {
            changes.push(KeyChange::Add(KeyRecord {
                state: KeyState::Next,
                published_at: now,
                ..fresh.clone()
            }));
            if rotation == Rotation::AtOnce {
                changes.extend(hand_over(active, &fresh.kid, policy, now));
            }
        }
        _ => {}
    }
    changes
}

/// The set of keys after the changes.
pub fn changed(keys: &[KeyRecord], changes: &[KeyChange], now: Timestamp) -> Vec<KeyRecord> {
    let mut set = keys.to_vec();
    for change in changes {
        match change {
            KeyChange::Add(key) => set.push(key.clone()),
            KeyChange::Delete(kid) => set.retain(|key| key.kid != *kid),
            KeyChange::Activate(kid) => {
                for key in set.iter_mut().filter(|key| key.kid == *kid) {
                    (key.state, key.activated_at) = (KeyState::Active, Some(now));
                }
            }
            KeyChange::Retire(kid, expires_at) => {
                for key in set.iter_mut().filter(|key| key.kid == *kid) {
                    (key.state, key.retired_at) = (KeyState::Retired, Some(now));
                    key.expires_at = Some(*expires_at);
                }
            }
        }
    }
    set
}

/// When a key hands over to the next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rotation {
    /// When its time has come.
    WhenDue,
    /// The next key is published now and signs after the usual wait.
    Begin,
    /// The next key signs now; verifiers that keep an old key set will refuse its tokens for a while.
    AtOnce,
    /// A fresh key signs now, and no other stays: somebody may have copied them, the next one too. Whoever
    /// reads the key set again refuses what they signed.
    Withdraw,
}

/// The keys that verify nothing any more, not even a hint.
fn forgotten(
    keys: &[KeyRecord],
    algorithm: SigningAlg,
    policy: &KeyPolicy,
    now: Timestamp,
) -> Vec<KeyChange> {
    let hidden = keys.iter().filter(|key| key.algorithm == algorithm && !key.is_published(now));
    let mut hidden: Vec<_> = hidden.filter_map(|key| Some((key.expires_at?, key))).collect();
    hidden.sort_by_key(|(expires_at, _)| std::cmp::Reverse(*expires_at));
    let over = |(rank, (expires_at, _)): &(usize, (Timestamp, &KeyRecord))| {
        *rank >= MOST_REMEMBERED || now >= expires_at.plus(policy.remember)
    };
    hidden
        .into_iter()
        .enumerate()
        .filter(over)
        .map(|(_, (_, key))| KeyChange::Delete(key.kid.clone()))
        .collect()
}

fn active(keys: &[KeyRecord], algorithm: SigningAlg) -> Option<&KeyRecord> {
    keys.iter().find(|key| key.algorithm == algorithm && key.state == KeyState::Active)
}

fn is_aging(key: &KeyRecord, policy: &KeyPolicy, now: Timestamp) -> bool {
    let since = key.activated_at.unwrap_or(key.created_at);
    policy.rotate_after.is_some_and(|life| now.plus(policy.publish_ahead) >= since.plus(life))
}

/// The first key of an algorithm signs at once: nobody has kept an older set.
fn first(
    keys: &[KeyRecord],
    algorithm: SigningAlg,
    fresh: Option<&KeyRecord>,
    now: Timestamp,
) -> Option<KeyChange> {
    let waiting = keys.iter().find(|key| key.algorithm == algorithm && key.state == KeyState::Next);
    if let Some(waiting) = waiting {
        return Some(KeyChange::Activate(waiting.kid.clone()));
    }
    Some(sign_at_once(fresh?, now))
}

fn sign_at_once(fresh: &KeyRecord, now: Timestamp) -> KeyChange {
    KeyChange::Add(KeyRecord {
        state: KeyState::Active,
        published_at: now,
        activated_at: Some(now),
        ..fresh.clone()
    })
}

/// A fresh key in the place of all keys of its algorithm.
fn withdraw(keys: &[KeyRecord], fresh: &KeyRecord, now: Timestamp) -> Vec<KeyChange> {
    let old = keys.iter().filter(|key| key.algorithm == fresh.algorithm);
    old.map(|key| KeyChange::Delete(key.kid.clone())).chain([sign_at_once(fresh, now)]).collect()
}

fn hand_over(active: &KeyRecord, next: &str, policy: &KeyPolicy, now: Timestamp) -> [KeyChange; 2] {
    [KeyChange::Retire(active.kid.clone(), now.plus(policy.retain)), KeyChange::Activate(next.to_owned())]
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: KeyPolicy = KeyPolicy {
        rotate_after: Some(Seconds(1000)),
        publish_ahead: Seconds(100),
        retain: Seconds(50),
        remember: Seconds(30),
    };
    const RSA: SigningAlg = SigningAlg::RS256;

    fn key(kid: &str, state: KeyState, at: i64) -> KeyRecord {
        let at = Timestamp::from_seconds(at);
        KeyRecord {
            kid: kid.into(),
            algorithm: RSA,
            state,
            sealed: vec![],
            public_jwk: String::new(),
            created_at: at,
            published_at: at,
            activated_at: (state != KeyState::Next).then_some(at),
            retired_at: None,
            expires_at: (state == KeyState::Retired).then_some(at),
        }
    }

    fn words(keys: &[KeyRecord], rotation: Rotation, now: i64) -> Vec<String> {
        let now = Timestamp::from_seconds(now);
        let fresh = key("fresh", KeyState::Next, 0);
        let changes = plan(keys, RSA, Some(&fresh), &POLICY, rotation, now);
        let word = |change: KeyChange| match change {
            KeyChange::Add(key) => format!("add {} {}", key.kid, key.state.as_str()),
            KeyChange::Activate(kid) => format!("activate {kid}"),
            KeyChange::Retire(kid, at) => format!("retire {kid} until {}", at.as_seconds()),
            KeyChange::Delete(kid) => format!("delete {kid}"),
        };
        changes.into_iter().map(word).collect()
    }

    #[test]
    fn the_first_key_signs_at_once() {
        assert_eq!(words(&[], Rotation::WhenDue, 0), ["add fresh active"]);
    }

    #[test]
    fn the_next_key_is_published_before_it_signs_and_the_old_one_stays_until_its_hints_are_dead() {
        let mut keys = vec![key("a", KeyState::Active, 0)];
        assert_eq!(words(&keys, Rotation::WhenDue, 899), [""; 0]);
        assert_eq!(words(&keys, Rotation::WhenDue, 900), ["add fresh next"]);
        keys.push(key("b", KeyState::Next, 900));
        assert_eq!(words(&keys, Rotation::WhenDue, 999), [""; 0]);
        assert_eq!(words(&keys, Rotation::WhenDue, 1000), ["retire a until 1050", "activate b"]);
        let after = [key("a", KeyState::Retired, 1050), key("b", KeyState::Active, 1000)];
        assert_eq!(words(&after, Rotation::WhenDue, 1079), [""; 0]);
        assert_eq!(words(&after, Rotation::WhenDue, 1080), ["delete a"]);
        let published = |at| after.iter().map(move |key| key.is_published(Timestamp::from_seconds(at)));
        assert!(published(1049).eq([true, true]));
        assert!(published(1050).eq([false, true]), "its tokens are dead");
    }

    #[test]
    fn of_many_keys_the_latest_are_remembered() {
        let retired = |at: i64| key(&at.to_string(), KeyState::Retired, at);
        let mut keys = vec![key("a", KeyState::Active, 0)];
        keys.extend((1..=i64::try_from(MOST_REMEMBERED).unwrap() + 2).map(|_| retired(100)));
        keys.push(retired(99));
        keys.push(retired(101));
        let deleted = words(&keys, Rotation::WhenDue, 100);
        assert_eq!((deleted.len(), deleted.last().unwrap().as_str()), (3, "delete 99"));
    }

    #[test]
    fn a_rotation_by_hand_publishes_first_and_an_emergency_does_not_wait() {
        let keys = [key("a", KeyState::Active, 0)];
        assert_eq!(words(&keys, Rotation::Begin, 10), ["add fresh next"]);
        let at_once = ["add fresh next", "retire a until 60", "activate fresh"];
        assert_eq!(words(&keys, Rotation::AtOnce, 10), at_once);
        let waiting = [keys[0].clone(), key("b", KeyState::Next, 5)];
        assert_eq!(words(&waiting, Rotation::Begin, 10), [""; 0]);
        assert_eq!(words(&waiting, Rotation::AtOnce, 10), ["retire a until 60", "activate b"]);
    }

    #[test]
    fn keys_that_somebody_copied_leave_together() {
        let mut other = key("other", KeyState::Active, 0);
        other.algorithm = SigningAlg::ES256;
        let keys = [
            key("old", KeyState::Retired, 5),
            key("a", KeyState::Active, 0),
            other,
            key("b", KeyState::Next, 5),
        ];
        let all = ["delete old", "delete a", "delete b", "add fresh active"];
        assert_eq!(words(&keys, Rotation::Withdraw, 10), all);
        assert!(needs_fresh(&keys, RSA, &POLICY, Rotation::Withdraw, Timestamp::from_seconds(10)));
        let without_fresh = plan(&keys, RSA, None, &POLICY, Rotation::Withdraw, Timestamp::from_seconds(10));
        assert_eq!(without_fresh, [], "an algorithm is never left without a key");
    }

    #[test]
    fn without_a_life_span_a_key_signs_for_ever() {
        let policy = KeyPolicy { rotate_after: None, ..POLICY };
        let keys = [key("a", KeyState::Active, 0)];
        assert!(!needs_fresh(
            &keys,
            RSA,
            &policy,
            Rotation::WhenDue,
            Timestamp::from_seconds(i64::MAX / 2000)
        ));
    }
}
