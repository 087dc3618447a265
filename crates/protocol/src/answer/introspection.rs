//! The answer of the introspection endpoint (RFC 7662 §2.2).

use std::fmt;

use super::{Answer, AnswerError, Reading, Strictness};
use crate::jose::json::Members;

/// What a server says about a token. Only `active` has to be there.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct IntrospectionAnswer {
    /// Whether the token counts.
    pub active: bool,
    /// Its scope.
    pub scope: Option<String>,
    /// To which client it was issued.
    pub client_id: Option<String>,
    /// A name of its owner, for people.
    pub username: Option<String>,
    /// How it is used.
    pub token_type: Option<String>,
    /// When it ends, in seconds since the epoch.
    pub exp: Option<i64>,
    /// When it was issued, in seconds since the epoch.
    pub iat: Option<i64>,
    /// When it begins, in seconds since the epoch.
    pub nbf: Option<i64>,
    /// Whom it is about.
    pub sub: Option<String>,
    /// For whom it is.
    pub aud: Option<Vec<String>>,
    /// Who made it.
    pub iss: Option<String>,
    /// Its name.
    pub jti: Option<String>,
    /// Whatever else came.
    pub extra: Members,
}

impl IntrospectionAnswer {
    /// Reads an answer.
    ///
    /// # Errors
    /// Any [`AnswerError`].
    pub fn read(answer: Answer<'_>, strictness: Strictness) -> Result<Reading<Self>, AnswerError> {
        let mut reader = answer.reader()?;
        let Some(active) = reader.boolean("active") else { return Err(reader.missing("active")) };
        let value = Self {
            active,
            scope: reader.words("scope"),
            client_id: reader.text("client_id"),
            username: reader.text("username"),
            token_type: reader.text("token_type"),
            exp: reader.date("exp"),
            iat: reader.date("iat"),
            nbf: reader.date("nbf"),
            sub: reader.text("sub"),
            aud: reader.texts("aud"),
            iss: reader.text("iss"),
            jti: reader.text("jti"),
            extra: reader.rest(),
        };
        reader.finish(strictness, value)
    }
}

impl fmt::Debug for IntrospectionAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionAnswer").field("active", &self.active).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Reading<IntrospectionAnswer>, AnswerError> {
        let answer = Answer { status: 200, content_type: Some("application/json"), body: body.as_bytes() };
        IntrospectionAnswer::read(answer, Strictness::Lenient)
    }

    #[test]
    fn an_audience_is_a_text_or_a_list_and_neither_deviates() {
        let one = read(r#"{"active":true,"aud":"a","exp":1419356238}"#).unwrap();
        let two = read(r#"{"active":true,"aud":["a","b"]}"#).unwrap();
        assert_eq!(
            (one.value.aud.unwrap().len(), one.value.exp, one.deviations.len()),
            (1, Some(1_419_356_238), 0)
        );
        assert_eq!((two.value.aud.unwrap().len(), two.deviations.len()), (2, 0));
    }

    #[test]
    fn whether_it_counts_must_be_said() {
        assert!(!read(r#"{"active":"false"}"#).unwrap().value.active);
        for body in ["{}", r#"{"active":1}"#, r#"{"active":null}"#, r#"{"active":"yes"}"#] {
            assert!(matches!(read(body), Err(AnswerError::Malformed { member: "active", .. })), "{body}");
        }
    }
}
