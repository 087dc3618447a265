//! Which tables a token may touch.

use crate::error::{ErrorCode, Refusal};
use std::collections::BTreeSet;

/// The most names that one list may hold.
pub const MAX_TABLES: usize = 100;
/// The most bytes that a table's name may have (PostgreSQL keeps 63, SQLite more).
pub const MAX_TABLE_NAME: usize = 128;

/// The tables that a token, a code or a consent is limited to.
#[derive(Clone, Debug, Eq, PartialEq, Default)]
pub enum AllowedTables {
    /// Every table.
    #[default]
    All,
    /// These tables and no other. Never empty.
    Only(BTreeSet<String>),
}

impl AllowedTables {
    /// Reads names from a parameter that may be repeated and may hold several names separated by commas.
    ///
    /// # Errors
    /// `invalid_request` for an empty name, a name with control characters or quotes, and for too many names.
    pub fn parse<'a>(values: impl Iterator<Item = &'a str>) -> Result<Self, Refusal> {
        let mut names = BTreeSet::new();
        for name in values.flat_map(|value| value.split(',')).map(str::trim) {
            if !is_table_name(name) {
                return Err(Refusal::new(
                    ErrorCode::InvalidRequest,
                    "A name in allowed_tables is not a table name.",
                ));
            }
            names.insert(name.to_owned());
            if names.len() > MAX_TABLES {
                return Err(Refusal::new(
                    ErrorCode::InvalidRequest,
                    "allowed_tables holds more than 100 names.",
                ));
            }
        }
        Ok(if names.is_empty() { Self::All } else { Self::Only(names) })
    }

    /// From a stored list; `None` and an empty list mean every table.
    pub fn from_stored(names: Option<Vec<String>>) -> Self {
        match names {
            Some(names) if !names.is_empty() => Self::Only(names.into_iter().collect()),
            _ => Self::All,
        }
    }

    /// The list to store; `None` means every table.
    pub fn to_stored(&self) -> Option<Vec<String>> {
        self.names().map(|names| names.iter().cloned().collect())
    }

    /// The names, `None` for every table.
    pub fn names(&self) -> Option<&BTreeSet<String>> {
        match self {
            Self::All => None,
            Self::Only(names) => Some(names),
        }
    }

    /// Whether everything that `other` allows is allowed here too.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Only(_), Self::All) => false,
            (Self::Only(have), Self::Only(ask)) => ask.is_subset(have),
        }
    }

    /// Everything that either of the two allows.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Only(a), Self::Only(b)) => Self::Only(a.union(b).cloned().collect()),
            _ => Self::All,
        }
    }
}

fn is_table_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_TABLE_NAME
        && !name.chars().any(|c| c.is_control() || matches!(c, '"' | '\'' | '\\' | ';'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(text: &str) -> AllowedTables {
        AllowedTables::parse(Some(text).filter(|t| !t.is_empty()).into_iter()).expect(text)
    }

    #[test]
    fn commas_and_repetition_mean_the_same() {
        let repeated = AllowedTables::parse(["posts", "users"].into_iter()).expect("valid");
        assert_eq!(repeated, tables("users, posts"));
        assert_eq!(tables(""), AllowedTables::All);
    }

    #[test]
    fn names_that_cannot_be_tables_are_refused() {
        let long = "a".repeat(MAX_TABLE_NAME + 1);

        for bad in [",", "a,,b", "a\0", "a\"b", "x;drop", long.as_str()] {
            assert!(AllowedTables::parse([bad].into_iter()).is_err(), "{bad:?}");
        }
        let crowd = (0..=MAX_TABLES).map(|i| format!("t{i}")).collect::<Vec<_>>().join(",");
        assert!(AllowedTables::parse([crowd.as_str()].into_iter()).is_err());
    }

    #[test]
    fn a_list_never_covers_all_tables() {
        assert!(AllowedTables::All.covers(&tables("a")));
        assert!(!tables("a").covers(&AllowedTables::All));
        assert!(tables("a,b").covers(&tables("b")));
        assert!(!tables("a").covers(&tables("a,b")));
        assert_eq!(tables("a").union(&tables("b")), tables("a,b"));
        assert_eq!(tables("a").union(&AllowedTables::All), AllowedTables::All);
    }
}
