//! Introspection (RFC 7662), signed if that is wanted (RFC 9701).

use std::sync::Arc;

use async_trait::async_trait;
use ayb_protocol::answer::{Answer, AnswerError, IntrospectionAnswer, Reading, Strictness};
use ayb_protocol::jose::jwt::{ExpectedType, Expiry, Verifier};
use ayb_protocol::time::Seconds;
use zeroize::Zeroizing;

use crate::Endpoint;
use crate::auth::{JSON, Proven};
use crate::core::Core;
use crate::error::{IntrospectionError, OAuth2Error, ValidationError};
use crate::resilience::{Call, Kind};
use crate::telemetry::Metric;
use crate::traits::TokenIntrospection;
use crate::types::IntrospectionResponse;

/// The media type of a signed answer (RFC 9701 §5).
const SIGNED: &str = "application/token-introspection+jwt";

/// How long ago a signed answer may have been made.
const OLDEST: Seconds = Seconds(300);

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
            let endpoint = Endpoint::Introspection;
            let strictness = core.config.strictness;
            if core.config.signed_introspection {
                let request = Proven { endpoint, url, form, accept: SIGNED };
                return core.read_signed(core.call(&call, request, signed).await?.value).await;
            }
            let request = Proven { endpoint, url, form, accept: JSON };
            let reading =
                core.call(&call, request, |answer| IntrospectionAnswer::read(answer, strictness)).await?;
            Ok(reading.value.into())
        };
        let result = result.await;
        core.end(operation, Metric::IntrospectionRequests, None, result)
    }
}

/// What came where a signed answer was asked for.
enum Signed {
    Jwt(Zeroizing<String>),
    Encrypted,
    Plain,
}

fn signed(answer: Answer<'_>) -> Result<Reading<Signed>, AnswerError> {
    if !(200..300).contains(&answer.status) {
        let refusal = IntrospectionAnswer::read(answer, Strictness::Lenient).err();
        return Err(refusal.unwrap_or(AnswerError::Status(answer.status)));
    }
    let media = answer.content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let text = std::str::from_utf8(answer.body).unwrap_or_default().trim();
    let value = match text.split('.').count() {
        _ if !media.eq_ignore_ascii_case(SIGNED) => Signed::Plain,
        // RFC 7516 §7.1.
        5 => Signed::Encrypted,
        _ => Signed::Jwt(Zeroizing::new(text.to_owned())),
    };
    Ok(Reading { value, deviations: Vec::new() })
}

impl Core {
    /// RFC 9701 §5: type, issuer, audience, time and signature. The type is what tells it from an access token.
    async fn read_signed(self: &Arc<Self>, signed: Signed) -> Result<IntrospectionResponse, OAuth2Error> {
        let token = match signed {
            Signed::Jwt(token) => token,
            Signed::Encrypted => return Err(IntrospectionError::Encrypted.into()),
            Signed::Plain => return Err(IntrospectionError::NotSigned.into()),
        };
        let invalid = |reason: &str| ValidationError::InvalidJwt { reason: reason.to_owned() };
        let listed = self.config.provider.introspection_algorithms.as_deref();
        let typ = ExpectedType::Is("token-introspection+jwt".into());
        let change = |rules: Verifier| rules.with_expiry(Expiry::Optional);
        let claims = self.verify_by(&token, listed, change, typ).await?;
        let (now, leeway) = (self.now(), self.config.id_token.leeway);
        let made = claims.issued_at().ok_or_else(|| invalid("iat is missing"))?;
        // It says what was so when it was made, so an old one may be a token's that was revoked since.
        if made > now.plus(leeway) || now > made.plus(OLDEST).plus(leeway) {
            return Err(invalid("iat is not now").into());
        }
        let said = claims.get("token_introspection").filter(|said| said.is_object());
        let said = said.ok_or_else(|| invalid("token_introspection is missing"))?.to_string();
        let said = Answer { status: 200, content_type: Some(JSON), body: said.as_bytes() };
        let reading = IntrospectionAnswer::read(said, self.config.strictness);
        Ok(reading.map_err(|_| invalid("token_introspection cannot be read"))?.value.into())
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
