//! The answer of the pushed authorization request endpoint (RFC 9126 §2.2), whose status is 201.

use super::{Answer, AnswerError, Deviation, Reading, Strictness};

/// A name for a request that was pushed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PushedAnswer {
    /// What the browser carries instead of the parameters.
    pub request_uri: String,
    /// How many seconds it is good for.
    pub expires_in: Option<u64>,
}

impl PushedAnswer {
    /// Reads an answer.
    ///
    /// # Errors
    /// Any [`AnswerError`].
    pub fn read(answer: Answer<'_>, strictness: Strictness) -> Result<Reading<Self>, AnswerError> {
        let mut reader = answer.reader()?;
        reader.forgives(Deviation::SuccessStatus);
        let Some(request_uri) = reader.text("request_uri") else { return Err(reader.missing("request_uri")) };
        let value = Self { request_uri, expires_in: reader.seconds("expires_in") };
        reader.finish(strictness, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_9126_is_read_with_its_status() {
        let body = br#"{"request_uri":"urn:example:bwc4JK-ESC0w8acc191e-Y1LTC2","expires_in":90}"#;
        let answer = Answer { status: 201, content_type: Some("application/json"), body };
        let read = PushedAnswer::read(answer, Strictness::Strict).unwrap();
        assert_eq!((read.value.expires_in, read.deviations.len()), (Some(90), 0));
        let empty = Answer { body: b"{}", ..answer };
        assert!(PushedAnswer::read(empty, Strictness::Lenient).is_err());
    }
}
