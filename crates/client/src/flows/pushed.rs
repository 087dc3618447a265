//! Pushed authorization requests (RFC 9126).

use ayb_protocol::answer::PushedAnswer;
use zeroize::Zeroizing;

use crate::Endpoint;
use crate::auth::{JSON, Proven};
use crate::core::Core;
use crate::error::OAuth2Error;
use crate::resilience::{Call, Kind};
use crate::types::{AuthorizationParams, AuthorizationStart};

impl Core {
    /// The parameters are those of the address that the browser would have carried.
    pub(crate) async fn start_pushed(
        &self,
        params: AuthorizationParams,
    ) -> Result<AuthorizationStart, OAuth2Error> {
        let endpoint = Endpoint::PushedAuthorization;
        let address = self.config.provider.endpoint(endpoint)?.clone();
        let mut start = self.start("authorization_code", params)?;
        // The name of the client comes with its proof.
        let client_id = self.config.provider.name_of("client_id");
        let form = start.url.query_pairs().filter(|(name, _)| name != client_id);
        let form = form
            .map(|(name, value)| (name.into_owned().into(), Zeroizing::new(value.into_owned())))
            .collect();
        let span = self.tracer.span("oauth2.pushed_authorization_request");
        let call = Call {
            endpoint,
            kind: Kind::Idempotent,
            asked: "code",
            span: &*span,
            parse_span: "oauth2.token_parse",
        };
        let strictness = self.config.strictness;
        let request = Proven { endpoint, url: address, form, accept: JSON };
        let pushed = self.call(&call, request, |answer| PushedAnswer::read(answer, strictness)).await?.value;
        let mut url = self.config.provider.endpoint(Endpoint::Authorization)?.clone();
        url.query_pairs_mut()
            .append_pair(client_id, &self.config.credentials.client_id)
            .append_pair("request_uri", &pushed.request_uri);
        start.url = url;
        Ok(start)
    }
}
