//! Introspection (RFC 7662).

use std::sync::Arc;

use async_trait::async_trait;
use ayb_protocol::answer::IntrospectionAnswer;
use zeroize::Zeroizing;

use crate::Endpoint;
use crate::auth::Proven;
use crate::core::Core;
use crate::error::{IntrospectionError, OAuth2Error};
use crate::resilience::{Call, Kind};
use crate::telemetry::Metric;
use crate::traits::TokenIntrospection;
use crate::types::IntrospectionResponse;

pub(crate) struct IntrospectionHandler(pub(crate) Arc<Core>);

impl IntrospectionHandler {
    async fn introspect(
        &self,
        token: &str,
        hint: &'static str,
    ) -> Result<IntrospectionResponse, OAuth2Error> {
        let core = &self.0;
        let operation = core.begin("introspection", None);
        let result = async {
            let Some(url) = core.config.provider.introspection_endpoint.clone() else {
                return Err(IntrospectionError::EndpointNotSupported.into());
            };
            let form = vec![
                ("token".into(), Zeroizing::new(token.to_owned())),
                ("token_type_hint".into(), Zeroizing::new(hint.to_owned())),
            ];
            let call = Call {
                endpoint: Endpoint::Introspection,
                kind: Kind::Idempotent,
                asked: "introspection",
                span: &*operation.span,
                parse_span: "oauth2.token_parse",
            };
            let strictness = core.config.strictness;
            let request = Proven { endpoint: Endpoint::Introspection, url, form };
            let reading =
                core.call(&call, request, |answer| IntrospectionAnswer::read(answer, strictness)).await?;
            Ok(reading.value.into())
        };
        let result = result.await;
        core.end(operation, Metric::IntrospectionRequests, None, result)
    }
}

#[async_trait]
impl TokenIntrospection for IntrospectionHandler {
    async fn introspect_access_token(&self, token: &str) -> Result<IntrospectionResponse, OAuth2Error> {
        self.introspect(token, "access_token").await
    }

    async fn introspect_refresh_token(&self, token: &str) -> Result<IntrospectionResponse, OAuth2Error> {
        self.introspect(token, "refresh_token").await
    }
}
