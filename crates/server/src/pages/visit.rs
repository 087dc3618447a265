//! One visit of a browser: what every page handler needs to know about the request.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

use axum::extract::FromRequestParts;
use ayb_protocol::ids::{ClientId, SessionId};
use ayb_protocol::secret::{BrowserSession, Secret};
use ayb_protocol::time::Timestamp;
use ayb_provider::consent::ConsentRecord;
use ayb_provider::session::{Present, SessionRecord, present};
use ayb_provider::user::UserRecord;
use ayb_store::error::StoreError;
use http::header::USER_AGENT;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};

use crate::app::App;
use crate::assets;
use crate::entropy::EntropyError;
use crate::http::accept::{prefers_json, prefers_page};
use crate::http::client_ip::ClientIp;
use crate::http::csrf::{Binding, CSRF_FIELD, CrossSite, check_origin};
use crate::http::request_id::RequestId;
use crate::pages::view::{Chrome, Person};

/// The longest `User-Agent` that is kept with a session.
const MAX_USER_AGENT: usize = 300;

/// Where a request comes from when nobody said so.
const NOBODY: ClientIp = ClientIp(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

/// A request from a browser, with the time at which it is answered.
pub struct Visit {
    /// The server.
    pub app: App,
    /// The request's method.
    pub method: Method,
    /// The request's headers.
    pub headers: HeaderMap,
    /// The time, read once.
    pub now: Timestamp,
    /// Who calls, for limits.
    pub caller: ClientIp,
    request_id: Option<RequestId>,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let caller = parts.extensions.get::<ClientIp>().copied();
        Ok(Self {
            app: app.clone(),
            method: parts.method.clone(),
            headers: parts.headers.clone(),
            now: app.clock.now(),
            caller: caller.unwrap_or(NOBODY),
            request_id: parts.extensions.get::<RequestId>().cloned(),
        })
    }
}

/// The token of a form, and the cookie that it is bound to when that has to be set.
pub struct FormToken {
    /// For the hidden field.
    pub token: String,
    /// For the answer.
    pub cookie: Option<HeaderValue>,
}

impl Visit {
    /// A request of which no more is known than its identifier, for the page that tells that it failed.
    pub fn that_failed(app: &App, request_id: RequestId) -> Self {
        Self {
            app: app.clone(),
            method: Method::GET,
            headers: HeaderMap::new(),
            now: app.clock.now(),
            caller: NOBODY,
            request_id: Some(request_id),
        }
    }

    /// Who is signed in with this browser.
    ///
    /// # Errors
    /// When the store cannot say.
    pub async fn present(&self) -> Result<Option<Present>, StoreError> {
        let Some(secret) = self.session_secret() else { return Ok(None) };
        let Some(id) = self.session_id(&secret) else { return Ok(None) };
        let found = self.app.store.browser_session(id).await?;
        Ok(self.admit(&secret, found))
    }

    /// Who is signed in with this browser, and what they have allowed a client.
    ///
    /// # Errors
    /// When the store cannot say.
    pub async fn present_and_consent(
        &self,
        client: &ClientId,
    ) -> Result<(Option<Present>, Option<ConsentRecord>), StoreError> {
        let Some(secret) = self.session_secret() else { return Ok((None, None)) };
        let Some(id) = self.session_id(&secret) else { return Ok((None, None)) };
        let found = self.app.store.browser_session_and_consent(id, client).await?;
        let Some((session, user, consent)) = found else { return Ok((None, None)) };
        let present = self.admit(&secret, Some((session, user)));
        let consent = consent.filter(|_| present.is_some());
        Ok((present, consent))
    }

    fn session_id(&self, secret: &Secret<BrowserSession>) -> Option<SessionId> {
        secret.named_row(self.app.mint.mask()).map(SessionId)
    }

    /// The person, if `secret` opens the session that was found where it points.
    fn admit(
        &self,
        secret: &Secret<BrowserSession>,
        found: Option<(SessionRecord<BrowserSession>, UserRecord)>,
    ) -> Option<Present> {
        let used = found.as_ref().map(|(session, _)| session.clone());
        let present = present(&secret.hash(), found, self.now)?;
        if let Some(session) = used {
            self.touch(session);
        }
        Some(present)
    }

    /// Notes when the session was used, for its person to see. That is worth no waiting, and no error.
    fn touch(&self, session: SessionRecord<BrowserSession>) {
        let (store, now) = (self.app.store.clone(), self.now);
        self.app.background.spawn(async move {
            if let Err(error) = store.touch_session(&session, now).await {
                tracing::debug!(%error, "the use of a session was not noted");
            }
        });
    }

    /// The session cookie, when it is well-formed.
    fn session_secret(&self) -> Option<Secret<BrowserSession>> {
        Secret::parse(self.app.session_cookie().read(&self.headers)?)
    }

    /// The token for a form, bound to the session or, before sign-in, to a visitor's cookie.
    ///
    /// # Errors
    /// When there is no randomness for a new cookie.
    pub fn form_token(&self, present: Option<&Present>) -> Result<FormToken, EntropyError> {
        if let Some(present) = present {
            let id = present.session().id.to_string();
            return Ok(FormToken { token: self.app.csrf.token(Binding::Session(&id)), cookie: None });
        }
        let visitor = self.app.visitor_cookie();
        if let Some(value) = visitor.read(&self.headers) {
            return Ok(FormToken { token: self.app.csrf.token(Binding::Visitor(value)), cookie: None });
        }
        let value = ayb_protocol::hex::encode(self.app.entropy.bytes::<16>()?);
        let token = self.app.csrf.token(Binding::Visitor(&value));
        Ok(FormToken { token, cookie: visitor.set(&value) })
    }

    /// Checks that a form was sent from our own page.
    ///
    /// # Errors
    /// When it was not, or when the page was opened by another browser or session.
    pub fn check_form(&self, present: Option<&Present>, pairs: &[(String, String)]) -> Result<(), CrossSite> {
        check_origin(&self.headers, self.app.issuer())?;
        let token = field(pairs, CSRF_FIELD).ok_or(CrossSite)?;
        let Some(present) = present else {
            let visitor = self.app.visitor_cookie().read(&self.headers).ok_or(CrossSite)?;
            return self.app.csrf.verify(Binding::Visitor(visitor), token);
        };
        let id = present.session().id.to_string();
        self.app.csrf.verify(Binding::Session(&id), token)
    }

    /// What surrounds a page.
    pub fn chrome<'a>(&'a self, present: Option<&'a Present>) -> Chrome<'a> {
        Chrome {
            public_name: self.app.public_name(),
            base: "",
            css_href: assets::css_href(),
            icon_href: assets::icon_href(),
            request_id: self.request_id.as_ref().map_or("", RequestId::as_str),
            user: present.map(person),
        }
    }

    /// The request's identifier.
    pub fn request_id(&self) -> &str {
        self.request_id.as_ref().map_or("", RequestId::as_str)
    }

    /// The browser's name for itself, bounded.
    pub fn user_agent(&self) -> Option<String> {
        let text = self.headers.get(USER_AGENT)?.to_str().ok()?;
        Some(text.chars().take(MAX_USER_AGENT).collect())
    }

    /// Whether the answer is to be JSON rather than a page.
    pub fn wants_json(&self) -> bool {
        prefers_json(&self.headers)
    }

    /// Whether somebody with a browser waits for the answer, where programs would get JSON, and there are pages at all.
    pub fn gets_page(&self) -> bool {
        self.app.config.auth.enabled && prefers_page(&self.headers)
    }
}

/// A person as pages show them.
pub fn person(present: &Present) -> Person<'_> {
    Person { name: present.user().name.as_deref(), email: &present.user().email }
}

/// The value of a form field; none when it is absent or came twice.
pub fn field<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let first = values.next()?;
    values.next().is_none().then_some(first)
}
