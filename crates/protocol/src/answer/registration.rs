//! The answer of the client registration endpoint (RFC 7591 §3.2.1, RFC 7592 §3).

use std::fmt;

use zeroize::Zeroizing;

use super::{Answer, AnswerError, Deviation, Reading, Strictness};
use crate::jose::json::Members;

/// A client as the server registered it.
#[derive(Clone, Eq, PartialEq)]
pub struct RegistrationAnswer {
    /// Its name.
    pub client_id: String,
    /// Its secret, if it has one.
    pub client_secret: Option<Zeroizing<String>>,
    /// Since when it has its name, in seconds since the epoch.
    pub client_id_issued_at: Option<i64>,
    /// When its secret ends, in seconds since the epoch; 0 means never.
    pub client_secret_expires_at: Option<i64>,
    /// With which its registration is read and changed.
    pub registration_access_token: Option<Zeroizing<String>>,
    /// Where that is done.
    pub registration_client_uri: Option<String>,
    /// What is registered about it, which may be other than what was asked for.
    pub metadata: Members,
}

impl RegistrationAnswer {
    /// Reads an answer.
    ///
    /// # Errors
    /// Any [`AnswerError`].
    pub fn read(answer: Answer<'_>, strictness: Strictness) -> Result<Reading<Self>, AnswerError> {
        let mut reader = answer.reader()?;
        // RFC 7591 §3.2.1: a registration is answered with 201.
        reader.forgives(Deviation::SuccessStatus);
        let Some(client_id) = reader.text("client_id") else { return Err(reader.missing("client_id")) };
        let value = Self {
            client_id,
            client_secret: reader.secret("client_secret"),
            client_id_issued_at: reader.date("client_id_issued_at"),
            client_secret_expires_at: reader.date("client_secret_expires_at"),
            registration_access_token: reader.secret("registration_access_token"),
            registration_client_uri: reader.text("registration_client_uri"),
            metadata: reader.rest(),
        };
        reader.finish(strictness, value)
    }
}

impl fmt::Debug for RegistrationAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistrationAnswer").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7591_is_read_with_its_status() {
        let body = br#"{"client_id":"s6BhdRkqt3","client_secret":"cf136dc3c1fc93f31185e5885805d","client_id_issued_at":2893256800,
            "client_secret_expires_at":2893276800,"redirect_uris":["https://client.example.org/callback"],
            "grant_types":["authorization_code","refresh_token"],"client_name":"My Example Client"}"#;
        let answer = Answer { status: 201, content_type: Some("application/json"), body };
        let read = RegistrationAnswer::read(answer, Strictness::Strict).unwrap().value;
        assert_eq!(
            (read.client_id.as_str(), read.client_secret_expires_at),
            ("s6BhdRkqt3", Some(2_893_276_800))
        );
        assert_eq!(read.metadata.len(), 3);
        assert!(!format!("{read:?}").contains("cf136"));
        let empty = Answer { body: b"{}", ..answer };
        assert!(RegistrationAnswer::read(empty, Strictness::Lenient).is_err());
    }
}
