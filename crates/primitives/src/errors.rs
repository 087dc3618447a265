//! What every error of an integration can be asked.

use std::error::Error;
use std::time::Duration;

/// The base of all errors of integrations. A caller who does not know the integration can still decide what to do.
pub trait IntegrationError: Error + Send + Sync + 'static {
    /// A stable name of the kind of error, fit for a metric's label: `OAUTH2_TOKEN`.
    fn error_code(&self) -> &'static str;

    /// Whether the same request may succeed if it is sent again later, and may be sent again at all.
    fn is_retryable(&self) -> bool;

    /// How long the peer asked to be left alone.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    #[derive(Debug)]
    struct Busy;
    impl fmt::Display for Busy {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("busy")
        }
    }
    impl Error for Busy {}
    impl IntegrationError for Busy {
        fn error_code(&self) -> &'static str {
            "BUSY"
        }
        fn is_retryable(&self) -> bool {
            true
        }
    }

    #[test]
    fn an_error_can_be_judged_without_knowing_its_type() {
        let error: Box<dyn IntegrationError> = Box::new(Busy);
        assert_eq!((error.error_code(), error.is_retryable(), error.retry_after()), ("BUSY", true, None));
        assert_eq!(error.to_string(), "busy");
    }
}
