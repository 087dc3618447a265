//! The logout request (OpenID Connect RP-Initiated Logout 1.0 §2).

use crate::error::Refusal;
use crate::params::Params;

/// A logout request, as sent by a client through the person's browser.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LogoutRequest {
    /// An ID token of the session to be ended, possibly expired.
    pub id_token_hint: Option<String>,
    /// Where the person wants to go afterwards.
    pub post_logout_redirect_uri: Option<String>,
    /// The client, when there is no ID token.
    pub client_id: Option<String>,
    /// Returned unchanged.
    pub state: Option<String>,
}

impl LogoutRequest {
    /// Reads the parameters.
    ///
    /// # Errors
    /// `invalid_request` when one is repeated.
    pub fn read(params: &Params) -> Result<Self, Refusal> {
        params.refuse_repeats(&[])?;
        let text = |name| Ok(params.one(name)?.map(str::to_owned));
        Ok(Self {
            id_token_hint: text("id_token_hint")?,
            post_logout_redirect_uri: text("post_logout_redirect_uri")?,
            client_id: text("client_id")?,
            state: text("state")?,
        })
    }

    /// The parameters as they are sent, in the order of the specification.
    pub fn pairs(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("id_token_hint", &self.id_token_hint),
            ("client_id", &self.client_id),
            ("post_logout_redirect_uri", &self.post_logout_redirect_uri),
            ("state", &self.state),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_optional_and_nothing_may_repeat() {
        let empty = LogoutRequest::read(&Params::default()).expect("valid");
        assert_eq!(empty, LogoutRequest::default());
        let twice = Params::parse("state=a&state=b").expect("readable");
        assert!(LogoutRequest::read(&twice).is_err());
    }

    #[test]
    fn what_is_printed_is_read() {
        let request = LogoutRequest {
            client_id: Some("c".to_owned()),
            state: Some("s".to_owned()),
            ..LogoutRequest::default()
        };
        let pairs =
            request.pairs().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(
            LogoutRequest::read(&Params::from_pairs(pairs).expect("readable")).expect("valid"),
            request
        );
    }
}
