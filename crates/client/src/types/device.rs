//! What a device shows its user.

use std::fmt;

use ayb_protocol::answer::DeviceAnswer;
use url::Url;

use crate::Endpoint;
use crate::config::may_be_asked;
use crate::error::{NetworkError, OAuth2Error};

/// Codes for a device and its user (RFC 8628 §3.2).
#[derive(Clone)]
pub struct DeviceAuthorizationResponse {
    /// The secret with which the device polls. Never shown.
    pub device_code: String,
    /// What the user types in.
    pub user_code: String,
    /// Where.
    pub verification_uri: Url,
    /// The same with the code in it, for a QR code.
    pub verification_uri_complete: Option<Url>,
    /// How long both codes live, in seconds.
    pub expires_in: u64,
    /// The least pause between two polls, in seconds; 5 when the server does not say.
    pub interval: Option<u64>,
}

impl DeviceAuthorizationResponse {
    /// The addresses will be shown to a person, so they must be web addresses.
    pub(crate) fn from_answer(answer: DeviceAnswer) -> Result<Self, OAuth2Error> {
        let endpoint = Endpoint::DeviceAuthorization;
        let read = |text: &str| {
            let url = Url::parse(text).ok().filter(|url| may_be_asked(endpoint, url).is_ok());
            let reason = || "the verification address is none that a person should open".to_owned();
            url.ok_or_else(|| NetworkError::UnusableAnswer { endpoint, reason: reason() })
        };
        Ok(Self {
            verification_uri: read(&answer.verification_uri)?,
            verification_uri_complete: answer.verification_uri_complete.as_deref().map(read).transpose()?,
            device_code: answer.device_code.to_string(),
            user_code: answer.user_code,
            expires_in: answer.expires_in,
            interval: answer.interval,
        })
    }
}

impl fmt::Debug for DeviceAuthorizationResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceAuthorizationResponse")
            .field("verification_uri", &self.verification_uri.as_str())
            .field("expires_in", &self.expires_in)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}
