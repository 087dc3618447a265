//! OpenID Connect RP-Initiated Logout 1.0: the address to which the browser is sent.

use ayb_protocol::message::logout::LogoutRequest;
use url::Url;

use crate::Endpoint;
use crate::core::Core;
use crate::error::OAuth2Error;

impl Core {
    pub(crate) fn logout_url(&self, request: LogoutRequest) -> Result<Url, OAuth2Error> {
        let mut url = self.config.provider.endpoint(Endpoint::EndSession)?.clone();
        let client_id = request.client_id.or_else(|| Some(self.config.credentials.client_id.clone()));
        let request = LogoutRequest { client_id, ..request };
        url.query_pairs_mut().extend_pairs(request.pairs());
        Ok(url)
    }
}
