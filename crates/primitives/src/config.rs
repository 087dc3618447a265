//! Settings by name. Secrets are asked for apart, so that they are never printed with the rest.

use std::collections::HashMap;
use std::fmt;

use secrecy::SecretString;

/// Where settings come from.
pub trait ConfigProvider: Send + Sync {
    /// The setting, if there is one. An empty text counts as none.
    fn get(&self, name: &str) -> Option<String>;

    /// The same for a secret.
    fn get_secret(&self, name: &str) -> Option<SecretString> {
        self.get(name).map(SecretString::from)
    }

    /// The setting as a number.
    ///
    /// # Errors
    /// [`NotANumber`] when it is there and is none.
    fn get_number(&self, name: &str) -> Result<Option<u64>, NotANumber> {
        let Some(text) = self.get(name) else { return Ok(None) };
        text.trim().parse().map(Some).map_err(|_| NotANumber { name: name.to_owned() })
    }
}

/// A setting that should be a number is none. Its value is not told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotANumber {
    /// The setting.
    pub name: String,
}

impl fmt::Display for NotANumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not a number", self.name)
    }
}

impl std::error::Error for NotANumber {}

/// Settings from pairs of name and value: a table of a program, or `std::env::vars()`.
#[derive(Clone, Default)]
pub struct Settings(HashMap<String, String>);

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Settings {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl ConfigProvider for Settings {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|value| !value.is_empty()).cloned()
    }
}

/// Names only: some of the values are secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Settings ")?;
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn settings_are_found_by_name_and_never_printed() {
        let settings: Settings = [("A", "5"), ("B", "canary"), ("EMPTY", "")].into_iter().collect();
        assert_eq!(settings.get_number("A"), Ok(Some(5)));
        assert_eq!(settings.get_number("B"), Err(NotANumber { name: "B".to_owned() }));
        assert_eq!(settings.get_secret("B").unwrap().expose_secret(), "canary");
        assert_eq!((settings.get("EMPTY"), settings.get("C")), (None, None));
        assert!(!format!("{settings:?}{:?}", settings.get_number("B")).contains("canary"));
    }
}
