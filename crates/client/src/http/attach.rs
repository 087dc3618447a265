//! Attaching a token to requests of one origin, and to no others: whoever gets a token can use it.

use std::sync::Arc;

use url::{Origin, Url};
use zeroize::Zeroizing;

use crate::config::may_be_asked;
use crate::error::{ConfigurationError, OAuth2Error};
use crate::tokens::TokenManager;
use crate::types::AccessToken;
use crate::{Endpoint, OAuth2};

/// Which requests get a token, and where it comes from.
#[derive(Clone)]
pub(super) struct Attach {
    client: OAuth2,
    tokens: Arc<dyn TokenManager>,
    origin: Origin,
}

/// Headers that prove what a request may do.
pub(super) type Proof = Vec<(&'static str, Zeroizing<String>)>;

impl Attach {
    /// For the origin of this address: https, or this machine.
    pub(super) fn new(
        client: OAuth2,
        tokens: Arc<dyn TokenManager>,
        address: &Url,
    ) -> Result<Self, OAuth2Error> {
        let refused =
            |_| ConfigurationError::Invalid("tokens go to https addresses and to this machine only");
        may_be_asked(Endpoint::UserInfo, address).map_err(refused)?;
        Ok(Self { client, tokens, origin: address.origin() })
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

    /// The one place where the headers of a request to an API are made: `Authorization` with the token's type, and a proof when
    /// the token is bound to a key (RFC 6750 §2.1, RFC 9449 §7.1).
    ///
    /// # Errors
    /// As [`OAuth2::authorize_request`].
    pub(super) fn proof(
        &self,
        method: &str,
        address: &Url,
        token: &AccessToken,
    ) -> Result<Proof, OAuth2Error> {
        self.client.authorize_request(method, address, token)
    }

    /// With which token a request may be sent once more after this answer: the same one when only the nonce of the proof was missing
    /// (RFC 9449 §9), a renewed one after another 401, and none otherwise. The API's own words say more than that there is none.
    pub(super) async fn after(
        &self,
        address: &Url,
        answer: &Answered,
        token: &AccessToken,
    ) -> Option<AccessToken> {
        if let Some(nonce) = &answer.nonce {
            self.client.remember_nonce(address, nonce);
        }
        if OAuth2::wants_nonce(answer.status, answer.challenge.as_deref()) {
            return Some(token.clone());
        }
        if answer.status == 401 { self.token(Some(token)).await.ok() } else { None }
    }
}

/// What of an answer decides whether the request is sent once more.
pub(super) struct Answered {
    pub(super) status: u16,
    /// `WWW-Authenticate`.
    pub(super) challenge: Option<String>,
    /// `DPoP-Nonce`.
    pub(super) nonce: Option<String>,
}
