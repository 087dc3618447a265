//! The answer of the token endpoint (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).

use std::fmt;

use zeroize::Zeroizing;

use super::{Answer, AnswerError, Deviation, Reading, Strictness};
use crate::jose::json::Members;

/// Tokens that were issued.
#[derive(Clone, Eq, PartialEq)]
pub struct TokenAnswer {
    /// The access token.
    pub access_token: Zeroizing<String>,
    /// How it is used; `Bearer` when the server does not say.
    pub token_type: String,
    /// How many seconds it lives from now.
    pub expires_in: Option<u64>,
    /// The refresh token.
    pub refresh_token: Option<Zeroizing<String>>,
    /// The scope, if it is another one than was asked for.
    pub scope: Option<String>,
    /// The ID token.
    pub id_token: Option<Zeroizing<String>>,
    /// Whatever else came. It may hold secrets.
    pub extra: Members,
}

impl TokenAnswer {
    /// Reads an answer.
    ///
    /// # Errors
    /// Any [`AnswerError`].
    pub fn read(answer: Answer<'_>, strictness: Strictness) -> Result<Reading<Self>, AnswerError> {
        Self::read_within(answer, None, strictness)
    }

    /// The same for a server that puts a person's tokens into an object of the answer: its members go before those around it. An
    /// answer without them there is read as always.
    ///
    /// # Errors
    /// Any [`AnswerError`].
    pub fn read_within(
        answer: Answer<'_>,
        member: Option<&str>,
        strictness: Strictness,
    ) -> Result<Reading<Self>, AnswerError> {
        let mut reader = answer.reader()?;
        if let Some(member) = member {
            reader.lift(member, "access_token");
        }
        let Some(access_token) = reader.secret("access_token") else {
            return Err(reader.missing("access_token"));
        };
        let token_type = reader.text("token_type").unwrap_or_else(|| {
            reader.deviates(Deviation::Missing("token_type"));
            "Bearer".to_owned()
        });
        let value = Self {
            access_token,
            token_type,
            expires_in: reader.seconds("expires_in"),
            refresh_token: reader.secret("refresh_token"),
            scope: reader.words("scope"),
            id_token: reader.secret("id_token"),
            extra: reader.rest(),
        };
        reader.finish(strictness, value)
    }
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenAnswer").field("token_type", &self.token_type).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer<'a>(status: u16, content_type: &'a str, body: &'a str) -> Answer<'a> {
        Answer { status, content_type: Some(content_type).filter(|t| !t.is_empty()), body: body.as_bytes() }
    }

    fn json(body: &str) -> Result<Reading<TokenAnswer>, AnswerError> {
        TokenAnswer::read(answer(200, "application/json;charset=UTF-8", body), Strictness::Lenient)
    }

    #[test]
    fn a_correct_answer_is_read_without_deviations_and_keeps_what_is_unknown() {
        let body = r#"{"access_token":"at","token_type":"Bearer","expires_in":60,"refresh_token":"rt","scope":"a b","id_token":"it","x":{"y":1}}"#;
        let read = TokenAnswer::read(answer(200, "application/json", body), Strictness::Strict).unwrap();
        assert_eq!(read.deviations, []);
        let token = read.value;
        assert_eq!((token.access_token.as_str(), token.expires_in), ("at", Some(60)));
        assert_eq!((token.scope.as_deref(), token.extra.len()), (Some("a b"), 1));
    }

    #[test]
    fn what_servers_do_wrong_is_read_and_written_down() {
        use Deviation::{Fraction, Missing, Negative, NumberAsText, Unreadable, WordsAsList};
        let table = [
            (r#""expires_in":"3600""#, Some(3600), NumberAsText("expires_in")),
            (r#""expires_in":3600.7"#, Some(3600), Fraction("expires_in")),
            (r#""expires_in":-1"#, Some(0), Negative("expires_in")),
            (r#""expires_in":null"#, None, Unreadable("expires_in")),
            (r#""expires_in":"soon""#, None, NumberAsText("expires_in")),
            (r#""scope":["a","b"]"#, None, WordsAsList("scope")),
        ];
        for (member, expires_in, deviation) in table {
            let body = format!(r#"{{"access_token":"at","token_type":"b",{member}}}"#);
            let read = json(&body).unwrap();
            assert_eq!(
                (read.value.expires_in, &read.deviations[..]),
                (expires_in, &[deviation][..]),
                "{member}"
            );
            let strict = TokenAnswer::read(answer(200, "application/json", &body), Strictness::Strict);
            assert_eq!(strict.unwrap_err(), AnswerError::Deviates(deviation));
        }
        let untyped = json(r#"{"access_token":"at"}"#).unwrap();
        assert_eq!(
            (untyped.value.token_type.as_str(), untyped.deviations[0]),
            ("Bearer", Missing("token_type"))
        );
    }

    #[test]
    fn an_error_wins_over_the_status_and_any_2xx_with_a_token_is_a_success() {
        let refused = json(r#"{"error":"bad_verification_code","error_description":"x\ny"}"#).unwrap_err();
        let AnswerError::Refused(error) = refused else { panic!("{refused}") };
        assert_eq!(
            (error.error.as_str(), error.error_description.as_deref()),
            ("bad_verification_code", Some("x y"))
        );
        let both = json(r#"{"error":"x","access_token":"at"}"#);
        assert!(matches!(both, Err(AnswerError::Refused(_))));
        let created = TokenAnswer::read(
            answer(201, "application/json", r#"{"access_token":"at","token_type":"b"}"#),
            Strictness::Lenient,
        );
        assert_eq!(created.unwrap().deviations, [Deviation::SuccessStatus]);
        let token_with_failure = TokenAnswer::read(
            answer(500, "application/json", r#"{"access_token":"at"}"#),
            Strictness::Lenient,
        );
        assert_eq!(token_with_failure.unwrap_err(), AnswerError::Status(500));
        assert!(json(r#"{"access_token":"at","token_type":"b","error":null}"#).is_ok());
    }

    #[test]
    fn bodies_are_read_by_content_type_and_by_their_first_sign() {
        let form = "access_token=a%2Bt&token_type=bearer&expires_in=60";
        let object = r#"{"access_token":"a+t","token_type":"bearer"}"#;
        for (content_type, body, is_read) in [
            ("application/x-www-form-urlencoded", form, true),
            ("text/plain", form, true),
            ("", object, true),
            ("text/html; charset=utf-8", object, true),
            ("application/vnd.x+json", object, true),
            ("text/html", "<html>access_token=x</html>", false),
            ("application/json", form, false),
            ("application/json", "", false),
            ("application/json", "[]", false),
            ("application/x-www-form-urlencoded", "access_token=a&access_token=b", false),
        ] {
            let read = TokenAnswer::read(answer(200, content_type, body), Strictness::Lenient);
            assert_eq!(
                read.is_ok_and(|read| read.value.access_token.as_str() == "a+t"),
                is_read,
                "{content_type} {body}"
            );
        }
    }

    #[test]
    fn tokens_inside_an_object_go_before_those_around_it() {
        let read = |body: &str| {
            let answer = answer(200, "application/json", body);
            TokenAnswer::read_within(answer, Some("person"), Strictness::Strict).map(|read| read.value)
        };
        let within = r#"{"ok":true,"access_token":"bot","token_type":"bot","refresh_token":"r","person":{"access_token":"at","token_type":"user","scope":"a"}}"#;
        let token = read(within).unwrap();
        assert_eq!((token.access_token.as_str(), token.token_type.as_str()), ("at", "user"));
        assert_eq!(
            (token.scope.as_deref(), token.refresh_token),
            (Some("a"), None),
            "not the refresh token of another"
        );
        assert_eq!(token.extra.keys().collect::<Vec<_>>(), ["ok"]);
        for flat in [
            r#"{"access_token":"at","token_type":"user"}"#,
            r#"{"access_token":"at","token_type":"user","person":{"id":"U1"}}"#,
            r#"{"access_token":"at","token_type":"user","person":"U1"}"#,
        ] {
            assert_eq!(read(flat).unwrap().access_token.as_str(), "at", "{flat}");
        }
        assert!(read(r#"{"person":{"access_token":7}}"#).is_err());
    }

    #[test]
    fn a_member_twice_and_a_missing_token_are_refused_and_nothing_of_the_body_is_repeated() {
        for body in [
            r#"{"access_token":"canary","access_token":"canary2"}"#,
            r#"{"access_token":7,"token_type":"canary"}"#,
            r#"{"token_type":"canary"}"#,
            r#"{"access_token":"","token_type":"canary"}"#,
        ] {
            let error = json(body).unwrap_err();
            assert!(matches!(error, AnswerError::Malformed { .. }), "{body}");
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
        // A token with padding as text is a form with the token as a name.
        let padded = TokenAnswer::read(answer(200, "text/plain", "canary.Y2FuYXJ5=="), Strictness::Lenient);
        let error = padded.unwrap_err().to_string();
        assert!(!error.contains("canary") && error.contains("1 other members"), "{error}");
        assert!(!format!("{:?}", json(r#"{"access_token":"canary"}"#)).contains("canary"));
    }
}
