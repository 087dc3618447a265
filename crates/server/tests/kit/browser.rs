//! A browser without a screen: cookies, redirects, forms.

use std::collections::BTreeMap;

use axum::Router;
use ayb_server::clock::Clock;
use http::Method;
use http::header::{COOKIE, ORIGIN, SET_COOKIE};
use url::Url;

use super::client::Person;
use super::html::Page;
use super::request::{ADDRESS, Call, Reply};

const MAX_REDIRECTS: usize = 12;

/// The parameters of an address that a client is sent to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer(pub(crate) Vec<(String, String)>);

impl Answer {
    pub(crate) fn parse(address: &str) -> Self {
        let url = Url::parse(address);
        Self(url.map(|url| url.query_pairs().into_owned().collect()).unwrap_or_default())
    }

    /// The value of a parameter; empty when it is absent.
    #[track_caller]
    pub(crate) fn get(&self, name: &str) -> &str {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        let value = values.next().map(|(_, value)| value.as_str()).unwrap_or_default();
        assert!(values.next().is_none(), "{name} comes twice: {:?}", self.0);
        value
    }
}

/// A browser of its own: clones share nothing.
#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    clock: Clock,
    origin: String,
    cookies: BTreeMap<String, String>,
    filled: Vec<(String, String)>,
    address: String,
    /// Sent with every request.
    pub(crate) headers: Vec<(String, String)>,
    /// The last address of this server, with its query.
    pub(crate) url: String,
    /// The last answer of this server.
    pub(crate) reply: Option<Reply>,
    /// The address of another server that the last step led to, if it did. The browser does not go there.
    pub(crate) away: Option<String>,
    /// Every address of this server that the last step passed, with the status of its answer.
    pub(crate) trail: Vec<(String, u16)>,
}

impl Browser {
    pub(crate) fn new(router: &Router, clock: &Clock, origin: &str) -> Self {
        Self {
            router: router.clone(),
            clock: clock.clone(),
            origin: origin.to_owned(),
            cookies: BTreeMap::new(),
            filled: Vec::new(),
            address: ADDRESS.to_owned(),
            headers: Vec::new(),
            url: "/".to_owned(),
            reply: None,
            away: None,
            trail: Vec::new(),
        }
    }

    /// The same browser at another address of the network.
    pub(crate) fn at(mut self, address: &str) -> Self {
        self.address = address.to_owned();
        self
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// The session cookie, whatever its name.
    pub(crate) fn session(&self) -> Option<&str> {
        self.cookie("__Host-ayb_session").or_else(|| self.cookie("ayb_session"))
    }

    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    /// The `Cookie` header of the next request.
    pub(crate) fn cookie_header(&self) -> String {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    /// Goes to an address and follows redirects inside of this server.
    pub(crate) async fn visit(&mut self, address: &str) -> &mut Self {
        self.trail.clear();
        self.go(Method::GET, address.to_owned(), None).await;
        self
    }

    /// Types a value into the control with this label, `name` or id.
    #[track_caller]
    pub(crate) fn fill(&mut self, control: &str, value: &str) -> &mut Self {
        let Some(name) = self.page().control(control) else {
            panic!("nothing is called {control:?} at {}: {}", self.url, self.page().text)
        };
        self.filled.retain(|(known, _)| *known != name);
        self.filled.push((name, value.to_owned()));
        self
    }

    /// Presses the button with this id, or the only button with this text.
    pub(crate) async fn submit(&mut self, button: &str) -> &mut Self {
        let (form, mut pairs) = self.form_of(button);
        pairs.retain(|(name, _)| !self.filled.iter().any(|(filled, _)| filled == name));
        pairs.append(&mut self.filled);
        self.post_or_get(&form.method.clone(), &form.action.clone(), &pairs).await;
        self
    }

    /// What pressing the button would send, without what was typed.
    #[track_caller]
    pub(crate) fn form_of(&self, button: &str) -> (super::html::Form, Vec<(String, String)>) {
        let page = self.page();
        let is_button = |element: &super::html::Element| {
            element.name == "button" && element.attribute("id") == Some(button)
        };
        let form = page.forms.iter().find(|form| form.controls.iter().any(is_button));
        let Some(form) = form else { panic!("no button {button:?} at {}: {}", self.url, page.text) };
        let mut pairs = Vec::new();
        for control in &form.controls {
            let kind = control.attribute("type").unwrap_or("text");
            let skipped = match (control.name.as_str(), kind) {
                ("button", _) => control.attribute("id") != Some(button),
                (_, "checkbox" | "radio") => control.attribute("checked").is_none(),
                (_, "submit") => true,
                _ => false,
            };
            if let Some(name) = control.attribute("name").filter(|_| !skipped) {
                pairs.push((name.to_owned(), control.attribute("value").unwrap_or_default().to_owned()));
            }
        }
        (form.clone(), pairs)
    }

    async fn post_or_get(&mut self, method: &str, action: &str, pairs: &[(String, String)]) {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let action = if action.is_empty() { self.url.clone() } else { action.to_owned() };
        self.trail.clear();
        if method.eq_ignore_ascii_case("post") {
            self.go(Method::POST, action, Some(body)).await;
        } else {
            self.go(Method::GET, format!("{action}?{body}"), None).await;
        }
    }

    /// Sends a form that is on no page, with this browser's cookies.
    pub(crate) async fn post(&mut self, action: &str, pairs: &[(&str, &str)]) -> &mut Self {
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.post_or_get("post", action, &pairs).await;
        self
    }

    /// Follows the link with this text.
    pub(crate) async fn follow(&mut self, text: &str) -> &mut Self {
        let page = self.page();
        let link = page.all("a").find(|link| link.text == text);
        let Some(href) = link.and_then(|link| link.attribute("href")) else {
            panic!("no link {text:?} at {}: {}", self.url, page.text)
        };
        let href = href.to_owned();
        self.visit(&href).await
    }

    /// Signs in at `/login`, or on the sign-in page that the browser is at.
    pub(crate) async fn sign_in(&mut self, person: &Person) -> &mut Self {
        if self.reply.is_none() || self.page().by_id("login-submit").is_none() {
            self.visit("/login").await;
        }
        self.fill("email", &person.email).fill("password", &person.password).submit("login-submit").await
    }

    /// The page that the browser is at.
    #[track_caller]
    pub(crate) fn page(&self) -> Page {
        self.reply().page()
    }

    #[track_caller]
    pub(crate) fn reply(&self) -> &Reply {
        let Some(reply) = &self.reply else { panic!("the browser has not been anywhere") };
        reply
    }

    pub(crate) fn status(&self) -> u16 {
        self.reply().status.as_u16()
    }

    /// The parameters that the last step brought to a client.
    #[track_caller]
    pub(crate) fn answer(&self) -> Answer {
        let Some(away) = &self.away else { panic!("still here, at {}: {}", self.url, self.reply()) };
        Answer::parse(away)
    }

    async fn go(&mut self, method: Method, address: String, form: Option<String>) {
        self.away = None;
        self.filled.clear();
        let (mut method, mut address, mut form) = (method, address, form);
        for _ in 0..MAX_REDIRECTS {
            let Some(path) = self.own_path(&address) else {
                self.away = Some(address);
                return;
            };
            let reply = self.call(&method, &path, form.as_deref()).await;
            self.trail.push((path.clone(), reply.status.as_u16()));
            self.url = path;
            let (status, location) = (reply.status.as_u16(), reply.location().to_owned());
            self.reply = Some(reply);
            if !(300..400).contains(&status) || location.is_empty() {
                return;
            }
            if status != 307 && status != 308 {
                (method, form) = (Method::GET, None);
            }
            address = location;
        }
        panic!("too many redirects: {:?}", self.trail);
    }

    async fn call(&mut self, method: &Method, path: &str, form: Option<&str>) -> Reply {
        let mut call = Call::new(&self.router, method.clone(), path).from(&self.address);
        call = call.header("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        for (name, value) in &self.headers {
            call = call.header(name, value);
        }
        if !self.cookies.is_empty() {
            call = call.header(COOKIE, self.cookie_header());
        }
        if let Some(form) = form {
            // Pages that send no referrer send this origin too (Fetch, "serializing a request origin").
            call = call.header(ORIGIN, "null").header("sec-fetch-site", "same-origin");
            call = call.body("application/x-www-form-urlencoded", form);
        }
        let reply = call.await;
        self.keep_cookies(&reply);
        reply
    }

    /// The path and query of an address of this server; `None` for one of another server.
    fn own_path(&self, address: &str) -> Option<String> {
        let base = Url::parse(&format!("{}{}", self.origin, self.url)).unwrap();
        let url = base.join(address).unwrap();
        if url.origin().ascii_serialization() != self.origin {
            return None;
        }
        Some(match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        })
    }

    /// Keeps cookies as RFC 6265bis says, as far as this server uses it.
    fn keep_cookies(&mut self, reply: &Reply) {
        for value in reply.headers.get_all(SET_COOKIE) {
            let cookie = cookie::Cookie::parse(value.to_str().unwrap().to_owned()).unwrap();
            let name = cookie.name().to_owned();
            if name.starts_with("__Host-") {
                let host_only = cookie.domain().is_none() && cookie.path() == Some("/");
                assert!(host_only && cookie.secure() == Some(true), "a browser refuses {value:?}");
            }
            let now = self.clock.now().as_seconds();
            let ended = cookie.max_age().is_some_and(|age| age.is_zero() || age.is_negative())
                || cookie.expires_datetime().is_some_and(|at| at.unix_timestamp() <= now);
            if ended {
                self.cookies.remove(&name);
            } else {
                self.cookies.insert(name, cookie.value().to_owned());
            }
        }
    }
}
