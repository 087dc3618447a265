//! Names under which tokens are kept. Two names are the same text only if all their parts are the same.

use std::fmt::Write as _;

/// For whom tokens are kept.
#[derive(Clone, Debug, Eq, PartialEq, Hash)]
pub struct TokenStorageKey {
    /// The tenant.
    pub tenant_id: String,
    /// The person; nothing when the tokens are the tenant's own.
    pub user_id: Option<String>,
    /// The provider.
    pub provider: String,
}

impl TokenStorageKey {
    /// A key without a person and without a provider's name.
    pub fn new(tenant_id: impl Into<String>) -> Self {
        Self { tenant_id: tenant_id.into(), user_id: None, provider: "default".to_owned() }
    }

    /// For this person.
    #[must_use]
    pub fn user(mut self, user_id: impl Into<String>) -> Self {
        self.user_id = Some(user_id.into());
        self
    }

    /// At this provider.
    #[must_use]
    pub fn provider(mut self, provider: impl Into<String>) -> Self {
        self.provider = provider.into();
        self
    }

    /// `tenant:user:provider`, or `tenant::provider` without a person. A colon or a percent sign inside a part is escaped, and a
    /// person whose name is empty is not the same as no person.
    pub fn to_key(&self) -> String {
        let user = match self.user_id.as_deref() {
            None => String::new(),
            // No escape is a percent sign alone.
            Some("") => "%".to_owned(),
            Some(user) => escape(user),
        };
        format!("{}:{user}:{}", escape(&self.tenant_id), escape(&self.provider))
    }
}

/// Whose tokens are kept under a name.
pub(crate) enum Owner<'a> {
    /// The one person of a client that is asked for no key.
    Default,
    /// The program's, with these scopes.
    Program(&'a str),
    /// Whoever the key says.
    Key(&'a TokenStorageKey),
}

impl Owner<'_> {
    /// The name in the storage: with provider, client and resource, so that tokens of one cannot be used for another.
    pub(crate) fn bound_to(&self, provider: &str, client_id: &str, resource: Option<&str>) -> String {
        let resource = resource.map_or_else(String::new, |resource| format!("={}", escape(resource)));
        let owner = match self {
            // No tenant can be called so: a percent sign of theirs is followed by digits and capitals.
            Self::Default => "%default".to_owned(),
            Self::Program(scopes) => format!("%program:{}", escape(scopes)),
            Self::Key(key) => key.to_key(),
        };
        format!("v1:{}:{}:{resource}:{owner}", escape(provider), escape(client_id))
    }
}

fn escape(part: &str) -> String {
    let mut escaped = String::with_capacity(part.len());
    for sign in part.chars() {
        if matches!(sign, ':' | '%') || sign.is_control() {
            // Writing to a string cannot fail.
            let _written = write!(escaped, "%{:02X}", u32::from(sign));
        } else {
            escaped.push(sign);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn key(tenant: &str, user: Option<&str>, provider: &str) -> TokenStorageKey {
        TokenStorageKey {
            tenant_id: tenant.to_owned(),
            user_id: user.map(str::to_owned),
            provider: provider.to_owned(),
        }
    }

    #[test]
    fn plain_parts_give_the_documented_text() {
        assert_eq!(key("acme", Some("ada"), "google").to_key(), "acme:ada:google");
        assert_eq!(key("acme", None, "google").to_key(), "acme::google");
    }

    #[test]
    fn no_two_keys_are_the_same_text() {
        let parts = ["", "a", ":", "a:b", "%", "%3A", "b:c", "::", "%%", "a%", "é", "\n"];
        let mut seen: HashMap<String, TokenStorageKey> = HashMap::new();
        for tenant in parts {
            for user in [None].into_iter().chain(parts.map(Some)) {
                for provider in parts {
                    let key = key(tenant, user, provider);
                    let other = seen.insert(key.to_key(), key.clone());
                    assert_eq!(other, None, "{key:?}");
                }
            }
        }
        let bound =
            |issuer, client, resource| Owner::Key(&key("a", None, "b")).bound_to(issuer, client, resource);
        assert_ne!(bound("i:c", "d", None), bound("i", "c:d", None));
        assert_ne!(bound("i", "c", Some("")), bound("i", "c", None));
    }
}
