//! The answer of the UserInfo endpoint (OpenID Connect Core §5.3.2), as JSON.

use std::fmt;

use super::{Answer, AnswerError, Reading, Strictness};
use crate::jose::json::Members;

/// Claims about a person.
#[derive(Clone, Eq, PartialEq)]
pub struct UserInfoAnswer {
    /// The person. It must be the one of the ID token (OpenID Connect Core §5.3.4).
    pub sub: String,
    /// The other claims.
    pub claims: Members,
}

impl UserInfoAnswer {
    /// Reads an answer.
    ///
    /// # Errors
    /// Any [`AnswerError`].
    pub fn read(answer: Answer<'_>, strictness: Strictness) -> Result<Reading<Self>, AnswerError> {
        let mut reader = answer.reader()?;
        let Some(sub) = reader.text("sub") else { return Err(reader.missing("sub")) };
        let value = Self { sub, claims: reader.rest() };
        reader.finish(strictness, value)
    }
}

/// Names only: the values are about people.
impl fmt::Debug for UserInfoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserInfoAnswer ")?;
        f.debug_set().entries(self.claims.keys()).finish()
    }
}
