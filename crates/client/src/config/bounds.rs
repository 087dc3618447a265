//! How much of anything is too much: what is beyond is a mistake, or somebody who wants to fill memory or wait for ever.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::OAuth2Config;
use crate::error::{AuthorizationError, ConfigurationError};

/// How long one operation may be allowed to take.
const TIMEOUT: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(300);

/// How many seconds before their end tokens may be renewed.
const REFRESH_THRESHOLD: RangeInclusive<u64> = 10..=3600;

/// How many scopes may be asked for at once, and how long they may be with the spaces between them.
const SCOPES: (usize, usize) = (50, 1000);

/// The longest code. Providers are known whose codes have more than a thousand characters.
const CODE: usize = 4096;

/// How long a person may take with a code for another device, whatever the server or the caller says.
pub(crate) const DEVICE_WAIT: Duration = Duration::from_secs(900);

/// How many seconds an access token lives at most, whatever the server says: 90 days.
pub(crate) const LIFETIME: u64 = 90 * 86_400;

impl OAuth2Config {
    /// Checks what has bounds and nothing else that checks it.
    pub(crate) fn check_bounds(&self) -> Result<(), ConfigurationError> {
        if !TIMEOUT.contains(&self.timeout) {
            return Err(ConfigurationError::Invalid("the timeout is not between 1 and 300 seconds"));
        }
        if !REFRESH_THRESHOLD.contains(&self.refresh_threshold_secs) {
            let reason = "the refresh threshold is not between 10 and 3600 seconds";
            return Err(ConfigurationError::Invalid(reason));
        }
        check_scopes(&self.default_scopes.join(" "))
    }
}

/// Checks scopes with spaces between them.
pub(crate) fn check_scopes(scope: &str) -> Result<(), ConfigurationError> {
    if scope.split(' ').count() > SCOPES.0 || scope.len() > SCOPES.1 {
        return Err(ConfigurationError::Invalid("more than 50 scopes, or more than 1000 characters"));
    }
    Ok(())
}

/// Checks what came back through the browser.
pub(crate) fn check_code(code: &str) -> Result<(), AuthorizationError> {
    if code.len() <= CODE {
        return Ok(());
    }
    Err(AuthorizationError::ProtocolError {
        error: "invalid_response".to_owned(),
        description: Some("the code is longer than 4096 characters".to_owned()),
        uri: None,
        answer: None,
    })
}
