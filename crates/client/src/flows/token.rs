//! A request to the token endpoint (RFC 6749 §3.2), whatever the grant.

use ayb_protocol::answer::{Answer, TokenAnswer};
use ayb_protocol::dpop::TOKEN_TYPE;
use zeroize::Zeroizing;

use crate::Endpoint;
use crate::auth::{JSON, Proven};
use crate::config::LIFETIME;
use crate::core::{Core, Operation};
use crate::error::{OAuth2Error, TokenError};
use crate::resilience::{Call, Kind};
use crate::types::TokenResponse;

/// The parameters of a grant.
pub(crate) struct Grant {
    pub(crate) kind: Kind,
    pub(crate) grant_type: &'static str,
    pub(crate) form: Vec<(&'static str, Zeroizing<String>)>,
    /// Whether a token is taken that is not bound to the key, though there is one.
    pub(crate) may_be_unbound: bool,
}

impl Grant {
    pub(crate) fn new(kind: Kind, grant_type: &'static str) -> Self {
        Self { kind, grant_type, form: Vec::new(), may_be_unbound: false }
    }

    pub(crate) fn add(mut self, name: &'static str, value: &str) -> Self {
        self.form.push((name, Zeroizing::new(value.to_owned())));
        self
    }

    pub(crate) fn add_some(self, name: &'static str, value: Option<&str>) -> Self {
        match value.filter(|value| !value.is_empty()) {
            Some(value) => self.add(name, value),
            None => self,
        }
    }
}

impl Core {
    /// Asks for tokens. The resource goes into every token request, refreshes too (RFC 8707 §2.2).
    pub(crate) async fn request_tokens(
        &self,
        operation: &Operation,
        span_name: &'static str,
        grant: Grant,
    ) -> Result<TokenResponse, OAuth2Error> {
        let span = operation.span.child(span_name);
        span.set_attribute("oauth2.grant_type", grant.grant_type);
        let url = self.config.provider.endpoint_of_grant(grant.grant_type)?.clone();
        let scope = grant.form.iter().find(|(name, _)| *name == "scope").map(|(_, value)| value.to_string());
        let (kind, grant_type, may_be_unbound) = (grant.kind, grant.grant_type, grant.may_be_unbound);
        let grant = grant.add_some("resource", self.config.resource.as_deref());
        let mut form = vec![("grant_type".into(), Zeroizing::new(grant_type.to_owned()))];
        form.extend(grant.form.into_iter().map(|(name, value)| match name {
            "scope" => (name.into(), Zeroizing::new(self.separated(&value))),
            _ => (name.into(), value),
        }));
        let call = Call {
            endpoint: Endpoint::Token,
            kind,
            asked: grant_type,
            span: &*span,
            parse_span: "oauth2.token_parse",
        };
        let strictness = self.config.strictness;
        let request = Proven { endpoint: Endpoint::Token, url, form, accept: JSON };
        let within = self.config.provider.tokens_within.as_deref();
        let read = |answer: Answer<'_>| TokenAnswer::read_within(answer, within, strictness);
        let reading = self.call(&call, request, read).await;
        let reading = reading.map_err(|error| with_scope(error, scope))?;
        let mut response = TokenResponse::from_answer(reading.value, reading.deviations);
        self.bind(&mut response, may_be_unbound)?;
        let provider = &self.config.provider;
        response.expires_in =
            response.expires_in.or(provider.lifetime_if_unsaid).map(|life| life.min(LIFETIME));
        if let (Some(scope), Some(separator)) = (&mut response.scope, provider.scope_separator) {
            *scope = scope.replace(separator, " ");
        }
        span.set_attribute("oauth2.token_type", &response.token_type);
        if let Some(seconds) = response.expires_in {
            span.set_attribute("oauth2.expires_in", &seconds.to_string());
        }
        Ok(response)
    }

    /// RFC 9449 §5: a server that does not know DPoP ignores the proof, and says so by the type of the token.
    fn bind(&self, response: &mut TokenResponse, may_be_unbound: bool) -> Result<(), TokenError> {
        let is_bound = response.token_type.eq_ignore_ascii_case(TOKEN_TYPE);
        match (self.thumbprint(), is_bound) {
            (Some(thumbprint), true) => response.dpop_jkt = Some(thumbprint.to_owned()),
            (Some(_), false) if !may_be_unbound => return Err(TokenError::NotBound),
            (None, true) => return Err(TokenError::BoundWithoutKey),
            _ => {}
        }
        Ok(())
    }
}

/// Says which scope was refused.
fn with_scope(error: OAuth2Error, asked: Option<String>) -> OAuth2Error {
    match (error, asked) {
        (OAuth2Error::Token(TokenError::InvalidScope { answer, .. }), Some(scope)) => {
            TokenError::InvalidScope { scope, answer }.into()
        }
        (error, _) => error,
    }
}
