//! The revocation endpoint (RFC 7009).

use crate::error::Refusal;
use crate::params::Params;
use std::fmt;
use zeroize::Zeroizing;

/// A revocation request. `token_type_hint` only says where to look first (RFC 7009 §2.1); our tokens say
/// themselves what they are, so any hint is accepted and none is needed.
pub struct RevocationRequest {
    /// The token as sent.
    pub token: Zeroizing<String>,
}

impl RevocationRequest {
    /// Reads the body's parameters.
    ///
    /// # Errors
    /// `invalid_request` when `token` is missing or a parameter is repeated.
    pub fn read(params: &Params) -> Result<Self, Refusal> {
        params.refuse_repeats(&[])?;
        let token = params.required("token", "token is missing.")?;
        Ok(Self { token: Zeroizing::new(token.to_owned()) })
    }
}

impl fmt::Debug for RevocationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RevocationRequest(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<RevocationRequest, Refusal> {
        RevocationRequest::read(&Params::parse(body).expect("readable"))
    }

    #[test]
    fn any_hint_is_accepted_and_a_missing_token_is_not() {
        for body in ["token=x", "token=x&token_type_hint=access_token", "token=x&token_type_hint=nonsense"] {
            assert_eq!(read(body).expect(body).token.as_str(), "x");
        }
        for body in ["", "token=", "token_type_hint=access_token", "token=a&token=b"] {
            assert!(read(body).is_err(), "{body}");
        }
    }
}
