//! What a token has to allow.

use ayb_protocol::scope::ResourceScope;

use crate::error::BuildError;
use crate::token::AccessToken;

/// The scope that a request needs (RFC 6749 §3.3).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequiredScope {
    /// As it is said in the challenge.
    text: String,
    rule: Rule,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Rule {
    /// Each word of the text.
    Words,
    /// A word of ayb that allows at least this.
    AtLeast(ResourceScope),
}

impl RequiredScope {
    /// All of these words, compared letter by letter, as RFC 6749 means scopes.
    ///
    /// # Errors
    /// [`BuildError::Scope`] when there is none, or one is not a scope word.
    pub fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, BuildError> {
        let words: Vec<&str> = words.into_iter().collect();
        if words.is_empty() || !words.iter().all(|word| is_word(word)) {
            return Err(BuildError::Scope);
        }
        Ok(Self { text: words.join(" "), rule: Rule::Words })
    }

    /// ayb's own words, which have an order: `readonly`, `readwrite`, `*`. Each allows what the earlier ones allow. Only for
    /// issuers that mean the same by them.
    pub fn at_least(scope: ResourceScope) -> Self {
        Self { text: scope.as_str().to_owned(), rule: Rule::AtLeast(scope) }
    }

    /// Whether the token allows it.
    pub fn is_met_by(&self, token: &AccessToken) -> bool {
        match self.rule {
            Rule::Words => self.text.split(' ').all(|word| token.has_scope(word)),
            Rule::AtLeast(least) => token.scope().filter_map(ResourceScope::parse).any(|held| held >= least),
        }
    }

    /// The words that would do.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// `scope-token` of RFC 6749 §3.3; it holds nothing that would end a quoted text in a header.
fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scope_words_can_be_required() {
        for bad in ["", "a b", "a\"", "a\\", "a\n", "ä"] {
            assert_eq!(RequiredScope::words(["good", bad]).err(), Some(BuildError::Scope), "{bad:?}");
        }
        assert_eq!(RequiredScope::words([]).err(), Some(BuildError::Scope));
        assert_eq!(RequiredScope::words(["notes:read", "*"]).unwrap().as_str(), "notes:read *");
    }
}
