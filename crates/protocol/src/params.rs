//! Request parameters, from a query string or a form body.

use crate::error::{ErrorCode, Refusal};

/// Whether form-encoded text means itself: letters, digits, `_`, `-` and `.` only, as in identifiers and secrets of ours.
#[must_use]
pub fn means_itself(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// The parameters of one request, in the order in which they came.
///
/// A parameter may come once only (RFC 6749 §3.1 and §3.2); reading one that came twice is an error. Parameters
/// without a value count as left out, as the same sections ask.
#[derive(Clone, Default)]
pub struct Params {
    pairs: Vec<(String, String)>,
}

impl Params {
    /// Reads `application/x-www-form-urlencoded` text. Text that is not UTF-8, and control characters in names, are
    /// refused.
    pub fn parse(encoded: &str) -> Result<Self, Refusal> {
        Self::from_pairs(form_urlencoded::parse(encoded.as_bytes()).into_owned().collect())
    }

    /// Takes pairs that are decoded already.
    pub fn from_pairs(pairs: Vec<(String, String)>) -> Result<Self, Refusal> {
        let garbled = |s: &str| s.contains(['\u{fffd}', '\0']);
        if pairs.iter().any(|(name, value)| garbled(name) || garbled(value)) {
            return Err(Refusal::new(ErrorCode::InvalidRequest, "A parameter is not valid UTF-8 text."));
        }
        Ok(Self { pairs: pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect() })
    }

    /// The value of `name`, `None` when it is absent.
    ///
    /// # Errors
    /// `invalid_request` when it came more than once.
    pub fn one(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() {
            return Err(Refusal::new(ErrorCode::InvalidRequest, "A parameter was sent more than once.")
                .detail(format!("repeated parameter {name}")));
        }
        Ok(first)
    }

    /// The value of `name`.
    ///
    /// # Errors
    /// `invalid_request` with `missing` when it is absent, or when it came more than once.
    pub fn required(&self, name: &'static str, missing: &'static str) -> Result<&str, Refusal> {
        self.one(name)?.ok_or_else(|| Refusal::new(ErrorCode::InvalidRequest, missing))
    }

    /// Every value of a parameter that may be repeated.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Refuses the request when any parameter but those in `repeatable` came more than once, known or not
    /// (RFC 6749 §3.1).
    pub fn refuse_repeats(&self, repeatable: &[&str]) -> Result<(), Refusal> {
        let repeated = self.pairs.iter().enumerate().any(|(i, (name, _))| {
            !repeatable.contains(&name.as_str()) && self.pairs[..i].iter().any(|(earlier, _)| earlier == name)
        });
        if repeated {
            return Err(Refusal::new(ErrorCode::InvalidRequest, "A parameter was sent more than once."));
        }
        Ok(())
    }

    /// The pairs as they came, without the empty ones.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// The number of pairs.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether nothing was sent.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_is_refused() {
        let params = Params::parse("scope=a&scope=b&state=x").expect("readable");
        assert_eq!(params.one("scope").expect_err("twice").code, ErrorCode::InvalidRequest);
        assert_eq!(params.one("state").expect("once"), Some("x"));
        assert!(params.refuse_repeats(&[]).is_err());
        assert!(params.refuse_repeats(&["scope"]).is_ok());
    }

    #[test]
    fn an_empty_parameter_counts_as_left_out() {
        let params = Params::parse("code=&code=x&flag").expect("readable");
        assert_eq!(params.one("code").expect("once"), Some("x"));
        assert_eq!(params.one("flag").expect("none"), None);
    }

    #[test]
    fn garbage_is_refused_and_never_replaced() {
        for bad in ["a=%ff", "a=%00", "%ff=a", "a=%c3%28"] {
            assert!(Params::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Params::parse("a=%E2%82%AC+b").expect("utf-8").one("a").expect("once"), Some("€ b"));
    }
}
