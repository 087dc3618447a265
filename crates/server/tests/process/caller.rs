//! Those who talk to the server over loopback: a person who is signed in, and a client.

use http::header::{ACCEPT, COOKIE, SET_COOKIE};
use http::{HeaderMap, Method, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Error, RequestBuilder};
use serde_json::{Value, json};

use super::binary::PATIENCE;
use crate::kit::browser::Answer;
use crate::kit::client::{REDIRECT_URI, VERIFIER, challenge};
use crate::kit::html::Page;

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "canary-password-of-ada";

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A member of the body that is text; empty when there is none.
    pub(crate) fn member(&self, name: &str) -> String {
        let body: Value = serde_json::from_str(&self.text).unwrap_or_default();
        body[name].as_str().unwrap_or_default().to_owned()
    }
}

/// An access token and the refresh token beside it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Pair {
    #[track_caller]
    pub(crate) fn of(reply: &Reply) -> Self {
        let pair = Self { access: reply.member("access_token"), refresh: reply.member("refresh_token") };
        assert!(reply.status == 200 && !pair.access.is_empty() && !pair.refresh.is_empty(), "{reply:?}");
        pair
    }
}

/// A client and somebody who has allowed it everything.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) client_id: String,
    pub(crate) secret: String,
    cookie: String,
}

impl World {
    /// What must never be printed.
    pub(crate) fn secrets(&self) -> [&str; 3] {
        let session = self.cookie.split_once('=').map_or("", |(_, value)| value);
        [&self.secret, session, PASSWORD]
    }
}

/// Requests to one server. Clones share its connections, which are kept.
#[derive(Clone)]
pub(crate) struct Caller {
    http: reqwest::Client,
    base: String,
}

/// What came back, or that the connection broke.
pub(crate) type Sent = Result<Reply, Error>;

impl Caller {
    pub(crate) fn new(port: u16) -> Self {
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).timeout(PATIENCE).build();
        Self { http: http.unwrap(), base: format!("http://127.0.0.1:{port}") }
    }

    async fn send(&self, request: RequestBuilder) -> Sent {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Reply { status, headers, text: response.text().await? })
    }

    pub(crate) async fn get(&self, path: &str) -> Sent {
        self.send(self.http.get(format!("{}{path}", self.base))).await
    }

    /// The status of a plain request; 0 when nobody answers.
    pub(crate) async fn status(&self, path: &str) -> u16 {
        self.get(path).await.map_or(0, |reply| reply.status)
    }

    async fn form(&self, path: &str, world: &World, pairs: &[(&str, &str)]) -> Sent {
        let request = self.http.post(format!("{}{path}", self.base)).form(pairs);
        self.send(request.basic_auth(&world.client_id, Some(&world.secret))).await
    }

    /// Signs in at the account API.
    pub(crate) async fn log_in(&self, email: &str, password: &str) -> Sent {
        let body = json!({"email": email, "password": password});
        self.send(self.http.post(format!("{}/api/auth/login", self.base)).json(&body)).await
    }

    /// A token of the client itself.
    pub(crate) async fn machine(&self, world: &World) -> Sent {
        self.form("/oauth/token", world, &[("grant_type", "client_credentials"), ("scope", "readonly")]).await
    }

    pub(crate) async fn redeem(&self, world: &World, code: &str) -> Sent {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        self.form("/oauth/token", world, &pairs).await
    }

    pub(crate) async fn refresh(&self, world: &World, token: &str) -> Sent {
        self.form("/oauth/token", world, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    pub(crate) async fn revoke(&self, world: &World, token: &str) -> Sent {
        self.form("/oauth/revoke", world, &[("token", token)]).await
    }

    /// UserInfo: 200 for a person's token that is alive, 403 for a client's own, 401 for a dead one.
    pub(crate) async fn userinfo(&self, access: &str) -> Sent {
        self.send(self.http.get(format!("{}/oauth/userinfo", self.base)).bearer_auth(access)).await
    }

    /// The same request as a program that holds the person's session cookie sends it.
    pub(crate) async fn authorize(&self, world: &World) -> Sent {
        let address = format!("{}{}", self.base, authorization(&world.client_id));
        self.send(self.http.get(address).header(COOKIE, &world.cookie).header(ACCEPT, "application/json"))
            .await
    }

    /// A code; the person has agreed before.
    pub(crate) async fn code(&self, world: &World) -> Result<Option<String>, Error> {
        let reply = self.authorize(world).await?;
        let code = Answer::parse(&reply.member("redirect_to")).get("code").to_owned();
        Ok((reply.status == 200 && !code.is_empty()).then_some(code))
    }

    /// A request of the administrator.
    pub(crate) async fn admin(&self, token: &str, path: &str, body: Option<Value>) -> Sent {
        self.bearer(token, &format!("/api/admin/{path}"), body).await
    }

    /// A request of the administrator with another method.
    pub(crate) async fn admin_with(&self, method: Method, token: &str, path: &str, body: Value) -> Sent {
        let request = self.http.request(method, format!("{}/api/admin/{path}", self.base));
        self.send(request.bearer_auth(token).json(&body)).await
    }

    /// A request of whoever holds a token.
    pub(crate) async fn bearer(&self, token: &str, path: &str, body: Option<Value>) -> Sent {
        let address = format!("{}{path}", self.base);
        let request = match body {
            Some(body) => self.http.post(address).json(&body),
            None => self.http.get(address),
        };
        self.send(request.bearer_auth(token)).await
    }

    /// An app, a client, a person, their sign-in and their consent, all through the doors of the server.
    pub(crate) async fn world(&self, admin_token: &str) -> World {
        let made = async |path, body| {
            let reply = self.admin(admin_token, path, Some(body)).await.unwrap();
            assert_eq!(reply.status, 201, "{path}: {reply:?}");
            reply.json()
        };
        let app = made("apps", json!({"name": "Trailbook"})).await;
        let client = json!({
            "appId": app["id"], "name": "Trailbook Web", "redirectUris": [REDIRECT_URI],
            "scopes": ["openid", "readonly"], "signingAlg": "EdDSA",
        });
        let client = made("oauth/clients", client).await;
        made("users", json!({"email": EMAIL, "password": PASSWORD})).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut world = World {
            client_id: text(&client["client"]["clientId"]),
            secret: text(&client["clientSecret"]),
            cookie: String::new(),
        };
        world.cookie = self.sign_in().await;
        self.consent(&world).await;
        world
    }

    /// Signs in through the page; the answer is the session cookie.
    async fn sign_in(&self) -> String {
        let page = self.get("/login").await.unwrap();
        let form = [("email", EMAIL), ("password", PASSWORD), ("csrf", &csrf(&page))];
        let request =
            self.http.post(format!("{}/login", self.base)).header(COOKIE, cookie(&page, "ayb_csrf"));
        let reply = self.send(request.form(&form)).await.unwrap();
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{reply:?}");
        cookie(&reply, "ayb_session")
    }

    /// Allows the client everything, on the page.
    async fn consent(&self, world: &World) {
        let address = authorization(&world.client_id);
        let shown = self.http.get(format!("{}{address}", self.base)).header(COOKIE, &world.cookie);
        let page = self.send(shown).await.unwrap();
        let mut pairs = Answer::parse(&format!("http://localhost{address}")).0;
        pairs.push(("csrf".to_owned(), csrf(&page)));
        pairs.push(("decision".to_owned(), "allow".to_owned()));
        let decided = self.http.post(format!("{}/oauth/consent", self.base)).header(COOKIE, &world.cookie);
        let reply = self.send(decided.form(&pairs)).await.unwrap();
        assert!(reply.header("location").contains("code="), "{reply:?}");
    }
}

fn authorization(client_id: &str) -> String {
    let pairs = [
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "openid readonly"),
        ("state", "state-1"),
        ("code_challenge", &challenge(VERIFIER)),
        ("code_challenge_method", "S256"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    format!("/oauth/authorize?{}", crate::kit::client::query(&pairs))
}

#[track_caller]
fn csrf(page: &Reply) -> String {
    let forms = Page::parse(&page.text).forms;
    let found = forms.iter().find_map(|form| form.value("csrf"));
    found.unwrap_or_else(|| panic!("no form: {page:?}")).to_owned()
}

/// `name=value` of a cookie that the answer sets.
#[track_caller]
fn cookie(reply: &Reply, name: &str) -> String {
    let set = reply.headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap());
    let mut pairs = set.filter_map(|value| value.split(';').next());
    let found = pairs.find(|pair| pair.split_once('=').is_some_and(|(key, _)| key == name));
    found.unwrap_or_else(|| panic!("no cookie {name}: {reply:?}")).to_owned()
}
