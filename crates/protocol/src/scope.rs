//! Scopes: one word about tables at most, and words about identity.

use crate::error::{ErrorCode, Refusal};
use std::fmt;

/// What a token may do with tables. The order is the rank: each word allows what the earlier ones allow.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum ResourceScope {
    /// `readonly`: read.
    Readonly,
    /// `readwrite`: read, create, change, delete.
    Readwrite,
    /// `*`: everything.
    Full,
}

impl ResourceScope {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Readonly => "readonly",
            Self::Readwrite => "readwrite",
            Self::Full => "*",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Readonly, Self::Readwrite, Self::Full].into_iter().find(|s| s.as_str() == word)
    }
}

/// What a client learns about the person (OpenID Connect Core §5.4, §11).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum IdentityScope {
    /// `openid`: who the person is; the request is an OpenID Connect request.
    Openid,
    /// `profile`: name and picture.
    Profile,
    /// `email`: e-mail address and whether it is verified.
    Email,
    /// `offline_access`: access while the person is away (OpenID Connect Core §11).
    OfflineAccess,
}

impl IdentityScope {
    /// All of them, in the order in which they are printed.
    pub const ALL: [Self; 4] = [Self::Openid, Self::Profile, Self::Email, Self::OfflineAccess];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Openid => "openid",
            Self::Profile => "profile",
            Self::Email => "email",
            Self::OfflineAccess => "offline_access",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == word)
    }
}

/// A set of scope words: at most one resource scope, any identity scopes. It is never empty when parsed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Default)]
pub struct Scope {
    resource: Option<ResourceScope>,
    identity: [bool; 4],
}

impl Scope {
    /// Reads words separated by single spaces (RFC 6749 §3.3).
    ///
    /// # Errors
    /// `invalid_scope` for an unknown word, for two resource scopes, and when there is no word.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let mut scope = Self::default();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            if let Some(identity) = IdentityScope::parse(word) {
                scope.identity[identity as usize] = true;
                continue;
            }
            let Some(resource) = ResourceScope::parse(word) else {
                return Err(Refusal::new(ErrorCode::InvalidScope, "The requested scope is unknown."));
            };
            if scope.resource.is_some_and(|known| known != resource) {
                return Err(Refusal::new(
                    ErrorCode::InvalidScope,
                    "Ask for one of readonly, readwrite and *, not for several.",
                ));
            }
            scope.resource = Some(resource);
        }
        if scope == Self::default() {
            return Err(Refusal::new(ErrorCode::InvalidScope, "The scope is missing."));
        }
        Ok(scope)
    }

    /// What it says about tables.
    pub fn resource(&self) -> Option<ResourceScope> {
        self.resource
    }

    /// Whether it holds an identity word.
    pub fn has(&self, word: IdentityScope) -> bool {
        self.identity[word as usize]
    }

    /// The identity words, in printing order.
    pub fn identity(&self) -> impl Iterator<Item = IdentityScope> + '_ {
        IdentityScope::ALL.into_iter().filter(|word| self.has(*word))
    }

    /// The same scope without one identity word.
    #[must_use]
    pub fn without(mut self, word: IdentityScope) -> Self {
        self.identity[word as usize] = false;
        self
    }

    /// Whether no word is left.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether everything in `other` is allowed by `self`: identity words one by one, tables by rank
    /// (`readonly` ≤ `readwrite` ≤ `*`). `*` says nothing about identity.
    pub fn covers(&self, other: &Scope) -> bool {
        other.resource <= self.resource && other.identity().all(|word| self.has(word))
    }

    /// Everything that either of the two allows.
    #[must_use]
    pub fn union(&self, other: &Scope) -> Scope {
        let mut identity = self.identity;
        for word in other.identity() {
            identity[word as usize] = true;
        }
        Scope { resource: self.resource.max(other.resource), identity }
    }

    /// The part of `self` that `other` does not cover.
    #[must_use]
    pub fn beyond(&self, other: &Scope) -> Scope {
        let mut rest = *self;
        if rest.resource <= other.resource {
            rest.resource = None;
        }
        for word in other.identity() {
            rest.identity[word as usize] = false;
        }
        rest
    }

    /// What `client` may have of this request.
    ///
    /// # Errors
    /// `invalid_scope` when a word is not registered for the client. `*` in the registration covers every resource
    /// scope; `offline_access` needs no registration and is dropped for a client without refresh tokens
    /// (OpenID Connect Core §11).
    pub fn narrow(self, client: &RegisteredScopes, refresh_tokens: bool) -> Result<GrantedScope, Refusal> {
        let resource_ok = self.resource.is_none_or(|asked| {
            client.resources.contains(&asked) || client.resources.contains(&ResourceScope::Full)
        });
        let identity_ok = self
            .identity()
            .all(|word| word == IdentityScope::OfflineAccess || client.identity.contains(&word));
        if !(resource_ok && identity_ok) {
            return Err(Refusal::new(
                ErrorCode::InvalidScope,
                "The requested scope is not registered for this client.",
            ));
        }
        let granted = if refresh_tokens { self } else { self.without(IdentityScope::OfflineAccess) };
        if granted.is_empty() {
            return Err(Refusal::new(
                ErrorCode::InvalidScope,
                "The requested scope is empty for this client.",
            ));
        }
        Ok(GrantedScope(granted))
    }
}

impl From<ResourceScope> for Scope {
    fn from(resource: ResourceScope) -> Self {
        Self { resource: Some(resource), ..Self::default() }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let identity = self.identity().map(IdentityScope::as_str);
        let words: Vec<&str> = identity.chain(self.resource.map(ResourceScope::as_str)).collect();
        f.write_str(&words.join(" "))
    }
}

/// A scope that was granted: it has passed [`Scope::narrow`], or was narrowed further from such a one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub struct GrantedScope(Scope);

impl GrantedScope {
    /// The words.
    pub fn scope(&self) -> &Scope {
        &self.0
    }

    /// Reads back what was granted earlier and stored. Only the store calls this, on its own columns.
    ///
    /// # Errors
    /// When the column does not hold a scope.
    pub fn from_stored(text: &str) -> Result<Self, Refusal> {
        Scope::parse(text).map(Self)
    }

    /// The part that `client` may still have, whose registration can have shrunk since; `None` when nothing of use is left.
    pub fn within(self, client: &RegisteredScopes) -> Option<Self> {
        let Self(Scope { resource, identity }) = self;
        let resource = resource.min(client.resources.iter().copied().max());
        let mut left = Scope { resource, identity };
        for word in IdentityScope::ALL {
            if word != IdentityScope::OfflineAccess && !client.has(word) {
                left = left.without(word);
            }
        }
        (!left.without(IdentityScope::OfflineAccess).is_empty()).then_some(Self(left))
    }

    /// A part of the granted scope (RFC 6749 §6: a refresh may ask for less, never for more).
    ///
    /// # Errors
    /// `invalid_scope` when `asked` goes beyond what was granted.
    pub fn narrow(&self, asked: Scope) -> Result<Self, Refusal> {
        if !self.0.covers(&asked) {
            return Err(Refusal::new(
                ErrorCode::InvalidScope,
                "The requested scope exceeds the granted scope.",
            ));
        }
        Ok(Self(asked))
    }
}

impl fmt::Display for GrantedScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The scope words that a client was registered with; unlike a request, it may hold several resource scopes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RegisteredScopes {
    resources: Vec<ResourceScope>,
    identity: Vec<IdentityScope>,
}

impl RegisteredScopes {
    /// Reads the words of a registration; repeated words count once.
    ///
    /// # Errors
    /// `invalid_scope` for an unknown word, and when there is none.
    pub fn parse<S: AsRef<str>>(words: &[S]) -> Result<Self, Refusal> {
        let mut scopes = Self::default();
        for word in words {
            let word = word.as_ref();
            match (ResourceScope::parse(word), IdentityScope::parse(word)) {
                (Some(resource), _) => scopes.resources.push(resource),
                (None, Some(identity)) => scopes.identity.push(identity),
                (None, None) => {
                    return Err(Refusal::new(
                        ErrorCode::InvalidScope,
                        "Scopes are readonly, readwrite, *, openid, profile, email and offline_access.",
                    ));
                }
            }
        }
        if scopes == Self::default() {
            return Err(Refusal::new(ErrorCode::InvalidScope, "At least one scope is needed."));
        }
        scopes.resources.sort_unstable();
        scopes.resources.dedup();
        scopes.identity.sort_unstable();
        scopes.identity.dedup();
        Ok(scopes)
    }

    /// The words, resource scopes first, each once.
    pub fn words(&self) -> Vec<String> {
        let resources = self.resources.iter().map(|s| s.as_str());
        resources.chain(self.identity.iter().map(|s| s.as_str())).map(str::to_owned).collect()
    }

    /// Whether the client speaks OpenID Connect.
    pub fn has(&self, word: IdentityScope) -> bool {
        self.identity.contains(&word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).expect(text)
    }

    #[test]
    fn words_are_read_and_printed_in_one_order() {
        for (text, printed) in [
            ("readonly", "readonly"),
            ("* openid", "openid *"),
            ("email openid profile openid", "openid profile email"),
            ("  readwrite  offline_access ", "offline_access readwrite"),
        ] {
            assert_eq!(scope(text).to_string(), printed);
        }
    }

    #[test]
    fn foreign_words_and_two_resource_scopes_are_refused() {
        for text in
            ["", " ", "api:read", "readonly readwrite", "* readonly", "OPENID", "openid\temail", "read"]
        {
            assert_eq!(Scope::parse(text).expect_err(text).code, ErrorCode::InvalidScope);
        }
        assert!(RegisteredScopes::parse(&["api:read"]).is_err());
        assert!(RegisteredScopes::parse::<&str>(&[]).is_err());
    }

    #[test]
    fn what_was_granted_shrinks_with_the_registration() {
        for (granted, registered, left) in [
            ("openid email readwrite", "openid email readwrite", "openid email readwrite"),
            ("openid email readwrite offline_access", "openid readonly", "openid offline_access readonly"),
            ("openid *", "openid readonly readwrite", "openid readwrite"),
            ("readonly", "readwrite", "readonly"),
            ("readonly", "*", "readonly"),
            ("openid profile", "readonly", ""),
            ("openid offline_access", "readonly", ""),
        ] {
            let registered = RegisteredScopes::parse(&registered.split(' ').collect::<Vec<_>>()).unwrap();
            let found = GrantedScope(scope(granted)).within(&registered);
            assert_eq!(found.map(|left| left.to_string()).unwrap_or_default(), left, "{granted}");
        }
    }

    #[test]
    fn coverage_goes_by_rank_and_the_star_implies_no_identity() {
        for (have, ask, covered) in [
            ("readwrite", "readonly", true),
            ("readonly", "readwrite", false),
            ("*", "readwrite", true),
            ("*", "openid", false),
            ("openid email", "openid", true),
            ("openid", "openid email", false),
            ("openid *", "openid readonly", true),
            ("openid", "readonly", false),
        ] {
            assert_eq!(scope(have).covers(&scope(ask)), covered, "{have} ⊇ {ask}");
        }
    }

    #[test]
    fn a_request_beyond_the_registration_is_refused_and_never_trimmed() {
        let client = RegisteredScopes::parse(&["readwrite", "openid"]).expect("valid");
        assert!(scope("readwrite openid").narrow(&client, true).is_ok());
        for beyond in ["*", "openid email", "readonly"] {
            assert_eq!(scope(beyond).narrow(&client, true).expect_err(beyond).code, ErrorCode::InvalidScope);
        }
        let full = RegisteredScopes::parse(&["*"]).expect("valid");
        assert!(scope("readonly").narrow(&full, true).is_ok());
        assert!(scope("openid").narrow(&full, true).is_err());
    }

    #[test]
    fn offline_access_needs_no_registration_and_vanishes_without_refresh_tokens() {
        let client = RegisteredScopes::parse(&["openid"]).expect("valid");
        let asked = scope("openid offline_access");
        assert_eq!(asked.narrow(&client, true).expect("granted").to_string(), "openid offline_access");
        assert_eq!(asked.narrow(&client, false).expect("granted").to_string(), "openid");
        assert!(scope("offline_access").narrow(&client, false).is_err());
    }

    #[test]
    fn a_grant_only_shrinks() {
        let client = RegisteredScopes::parse(&["*", "openid", "email"]).expect("valid");
        let granted = scope("openid readwrite").narrow(&client, true).expect("granted");
        assert_eq!(granted.narrow(scope("readonly")).expect("less").to_string(), "readonly");
        assert!(granted.narrow(scope("openid email")).is_err());
        assert!(granted.narrow(scope("*")).is_err());
    }

    #[test]
    fn union_and_beyond_complement_each_other() {
        let have = scope("openid readonly");
        let ask = scope("openid email readwrite");
        assert_eq!(have.union(&ask).to_string(), "openid email readwrite");
        assert_eq!(ask.beyond(&have).to_string(), "email readwrite");
        assert!(have.beyond(&ask).is_empty());
    }
}
