//! The answer of the device authorization endpoint (RFC 8628 §3.2).

use std::fmt;

use zeroize::Zeroizing;

use super::{Answer, AnswerError, Deviation, Reading, Strictness};

/// Codes for a device and for its user.
#[derive(Clone, Eq, PartialEq)]
pub struct DeviceAnswer {
    /// The secret with which the device asks.
    pub device_code: Zeroizing<String>,
    /// What the user types in.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// The same with the code in it.
    pub verification_uri_complete: Option<String>,
    /// How many seconds both codes live.
    pub expires_in: u64,
    /// The least pause between two questions in seconds, if said; 5 if not (RFC 8628 §3.2).
    pub interval: Option<u64>,
}

impl DeviceAnswer {
    /// Reads an answer.
    ///
    /// # Errors
    /// Any [`AnswerError`].
    pub fn read(answer: Answer<'_>, strictness: Strictness) -> Result<Reading<Self>, AnswerError> {
        let mut reader = answer.reader()?;
        let device_code =
            reader.secret("device_code").ok_or(()).map_err(|()| reader.missing("device_code"))?;
        let user_code = reader.text("user_code").ok_or(()).map_err(|()| reader.missing("user_code"))?;
        let verification_uri = match reader.text("verification_uri") {
            Some(uri) => uri,
            None => {
                let old = reader.text("verification_url");
                reader.deviates(Deviation::OldName("verification_url"));
                old.ok_or(()).map_err(|()| reader.missing("verification_uri"))?
            }
        };
        let expires_in = reader.seconds("expires_in").unwrap_or_else(|| {
            reader.deviates(Deviation::Missing("expires_in"));
            900
        });
        let value = Self {
            device_code,
            user_code,
            verification_uri,
            verification_uri_complete: reader.text("verification_uri_complete"),
            expires_in,
            interval: reader.seconds("interval"),
        };
        reader.finish(strictness, value)
    }
}

impl fmt::Debug for DeviceAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceAnswer")
            .field("verification_uri", &self.verification_uri)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Reading<DeviceAnswer>, AnswerError> {
        let answer = Answer { status: 200, content_type: Some("application/json"), body: body.as_bytes() };
        DeviceAnswer::read(answer, Strictness::Lenient)
    }

    #[test]
    fn the_example_of_rfc_8628_is_read() {
        let read = read(
            r#"{"device_code":"GmRh","user_code":"WDJB-MJHT","verification_uri":"https://example.com/device",
                "verification_uri_complete":"https://example.com/device?user_code=WDJB-MJHT","expires_in":1800,"interval":5}"#,
        )
        .unwrap();
        assert_eq!((read.value.expires_in, read.value.interval, read.deviations.len()), (1800, Some(5), 0));
    }

    #[test]
    fn the_name_of_a_draft_is_read_and_codes_are_required() {
        let old =
            read(r#"{"device_code":"a","user_code":"b","verification_url":"https://x","expires_in":"9"}"#)
                .unwrap();
        assert_eq!((old.value.verification_uri.as_str(), old.deviations.len()), ("https://x", 2));
        for body in [
            r#"{"user_code":"b","verification_uri":"c"}"#,
            r#"{"device_code":"a","verification_uri":"c"}"#,
            r#"{"device_code":"a","user_code":"b"}"#,
        ] {
            assert!(read(body).is_err(), "{body}");
        }
    }
}
