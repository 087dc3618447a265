//! UserInfo (OpenID Connect Core §5.3).

use std::collections::HashMap;
use std::fmt;

use ayb_protocol::answer::UserInfoAnswer;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use crate::Endpoint;
use crate::config::BearerPlacement;
use crate::core::{Core, Operation};
use crate::error::{OAuth2Error, ValidationError};
use crate::http::{Form, HttpRequest, Method};
use crate::resilience::{AsyncRequest, Call, Kind};
use crate::telemetry::Metric;

/// Claims about a person.
#[derive(Clone, PartialEq)]
pub struct UserInfo {
    /// The person: the one of the ID token.
    pub sub: String,
    /// The other claims.
    pub claims: HashMap<String, Value>,
}

impl UserInfo {
    /// A claim, if it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }
}

/// Names only: the values are about people.
impl fmt::Debug for UserInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserInfo ")?;
        f.debug_set().entries(self.claims.keys()).finish()
    }
}

/// A request with an access token; a client with a key has tokens that are bound to it.
struct Asked<'a> {
    url: Url,
    access_token: &'a str,
}

impl AsyncRequest for Asked<'_> {
    async fn request(&self, core: &Core) -> Result<HttpRequest, OAuth2Error> {
        if core.config.bearer_placement == BearerPlacement::Body && core.thumbprint().is_none() {
            return Ok(self.in_body());
        }
        let method = Method::Get;
        let mut headers =
            core.authorization(method.as_str(), &self.url, self.access_token, core.thumbprint())?;
        headers.push(("accept", Zeroizing::new("application/json".to_owned())));
        Ok(HttpRequest { method, url: self.url.clone(), headers, body: None })
    }
}

impl Asked<'_> {
    fn in_body(&self) -> HttpRequest {
        let mut form = Form::default();
        form.add("access_token", self.access_token);
        let headers = vec![("accept", Zeroizing::new("application/json".to_owned()))];
        HttpRequest { method: Method::Post, url: self.url.clone(), headers, body: Some(form.encode()) }
    }
}

impl Core {
    /// `subject` comes from a checked ID token: an answer about anybody else is refused (OpenID Connect Core §5.3.4).
    pub(crate) async fn user_info(&self, access_token: &str, subject: &str) -> Result<UserInfo, OAuth2Error> {
        let operation = self.begin("userinfo", None);
        let result = self.ask_user_info(&operation, access_token, subject).await;
        self.end(operation, Metric::UserInfoRequests, None, result)
    }

    async fn ask_user_info(
        &self,
        operation: &Operation,
        access_token: &str,
        subject: &str,
    ) -> Result<UserInfo, OAuth2Error> {
        let url = self.config.provider.endpoint(Endpoint::UserInfo)?.clone();
        let call = Call {
            endpoint: Endpoint::UserInfo,
            kind: Kind::Read,
            asked: "userinfo",
            span: &*operation.span,
            parse_span: "oauth2.userinfo_parse",
        };
        let request = Asked { url, access_token };
        let strictness = self.config.strictness;
        let reading = self.call(&call, request, |answer| UserInfoAnswer::read(answer, strictness)).await?;
        if reading.value.sub != subject {
            return Err(ValidationError::SubjectMismatch.into());
        }
        Ok(UserInfo { sub: reading.value.sub, claims: reading.value.claims.into_iter().collect() })
    }
}
