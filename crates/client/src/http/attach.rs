//! Attaching a token to requests of one origin, and to no others: whoever gets a token can use it.

use std::sync::Arc;

use url::{Origin, Url};
use zeroize::Zeroizing;

use crate::Endpoint;
use crate::config::may_be_asked;
use crate::error::{ConfigurationError, OAuth2Error};
use crate::tokens::TokenManager;
use crate::types::AccessToken;

/// Which requests get a token, and where it comes from.
#[derive(Clone)]
pub(super) struct Attach {
    tokens: Arc<dyn TokenManager>,
    origin: Origin,
}

/// Headers that prove what a request may do.
pub(super) type Proof = Vec<(&'static str, Zeroizing<String>)>;

impl Attach {
    /// For the origin of this address: https, or this machine.
    pub(super) fn new(tokens: Arc<dyn TokenManager>, address: &Url) -> Result<Self, OAuth2Error> {
        let refused =
            |_| ConfigurationError::Invalid("tokens go to https addresses and to this machine only");
        may_be_asked(Endpoint::UserInfo, address).map_err(refused)?;
        Ok(Self { tokens, origin: address.origin() })
    }

    /// Whether a request to this address gets a token: scheme, host and port are the same.
    pub(super) fn covers(&self, address: &Url) -> bool {
        address.origin() == self.origin
    }

    /// A token; another one than `refused`, renewed if nobody has done so meanwhile.
    ///
    /// # Errors
    /// As [`TokenManager::get_access_token`]. The request must not be sent without a token then.
    pub(super) async fn token(&self, refused: Option<&AccessToken>) -> Result<AccessToken, OAuth2Error> {
        let current = self.tokens.get_access_token().await?;
        if refused.is_none_or(|refused| refused.secret() != current.secret()) {
            return Ok(current);
        }
        self.tokens.refresh().await?;
        self.tokens.get_access_token().await
    }

    /// The one place where the headers of a request to an API are made: the scheme is the token's type (RFC 6750 §2.1).
    pub(super) fn proof(token: &AccessToken) -> Proof {
        vec![("authorization", Zeroizing::new(token.authorization_header()))]
    }
}
