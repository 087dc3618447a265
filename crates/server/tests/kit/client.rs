//! People, clients, and the ways to a token.

use std::future::IntoFuture;

use ayb_protocol::ids::{AppId, ClientId, SessionId, UserId};
use ayb_protocol::secret::SessionRefresh;
use ayb_provider::app::{AppRecord, RateLimit};
use ayb_provider::client::{ClientKind, ClientRecord};
use ayb_provider::register::{ClientDraft, check};
use ayb_provider::session::SessionRecord;
use ayb_provider::user::UserRecord;
use ayb_server::session_token::{self, SessionClaims};
use ayb_server::sign_in::verified;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use serde_json::Value;
use zeroize::Zeroizing;

use super::app::TestApp;
use super::browser::Browser;
use super::request::{Call, Reply};

/// Where the answers of test clients go.
pub(crate) const REDIRECT_URI: &str = "https://app.example/callback";
/// The verifier of test requests.
pub(crate) const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more";
/// What test clients may ask for.
pub(crate) const SCOPES: [&str; 5] = ["openid", "profile", "email", "readonly", "readwrite"];

/// The S256 challenge of a verifier (RFC 7636 §4.2).
pub(crate) fn challenge(verifier: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    URL_SAFE_NO_PAD.encode(digest)
}

/// A person with an account.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) name: String,
}

/// A registered client.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: ClientId,
    pub(crate) client_id: String,
    /// `None` for a public client.
    pub(crate) secret: Option<String>,
    pub(crate) redirect_uri: String,
}

impl Client {
    /// A good authorization request, to be changed by `with`: same names replace, an empty value removes.
    pub(crate) fn request(&self, scope: &str, with: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut pairs: Vec<(String, String)> = [
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("scope", scope),
            ("state", "state-1"),
            ("code_challenge", &challenge(VERIFIER)),
            ("code_challenge_method", "S256"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        for (name, value) in with {
            pairs.retain(|(known, _)| known != name);
            if !value.is_empty() {
                pairs.push(((*name).to_owned(), (*value).to_owned()));
            }
        }
        pairs
    }

    /// The address of that request.
    pub(crate) fn authorize(&self, scope: &str, with: &[(&str, &str)]) -> String {
        format!("/oauth/authorize?{}", query(&self.request(scope, with)))
    }
}

/// Pairs as a query.
pub(crate) fn query(pairs: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// What the token endpoint answered.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
    pub(crate) id_token: Option<String>,
    pub(crate) json: Value,
}

impl Tokens {
    #[track_caller]
    pub(crate) fn of(reply: &Reply) -> Self {
        assert_eq!(reply.status, 200, "{reply}");
        let json = reply.json();
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        Self {
            access: text("access_token").unwrap(),
            refresh: text("refresh_token"),
            id_token: text("id_token"),
            json,
        }
    }

    /// The refresh token.
    #[track_caller]
    pub(crate) fn refresh(&self) -> &str {
        self.refresh.as_deref().unwrap()
    }
}

/// A client that is being registered. Await it.
pub(crate) struct NewClient<'a> {
    app: &'a TestApp,
    confidential: bool,
    draft: ClientDraft,
    owner: Option<UserId>,
    rate_limit: RateLimit,
    app_origins: Vec<String>,
}

impl<'a> NewClient<'a> {
    /// Changes what is registered.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut ClientDraft)) -> Self {
        change(&mut self.draft);
        self
    }

    /// Gives its app an owner.
    pub(crate) fn owned_by(mut self, owner: &Person) -> Self {
        self.owner = Some(owner.id);
        self
    }

    /// Limits its app.
    pub(crate) fn limited(mut self, limit: RateLimit) -> Self {
        self.rate_limit = limit;
        self
    }

    /// Ties its app to browser origins.
    pub(crate) fn app_read_by(mut self, origins: &[&str]) -> Self {
        self.app_origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
        self
    }

    async fn register(self) -> Client {
        let parts = &self.app.app;
        let now = parts.clock.now();
        let app = AppRecord {
            id: AppId(parts.mint.uuid(now).unwrap()),
            name: "Trailbook".to_owned(),
            description: "Plan hikes with friends.".to_owned(),
            owner_user_id: self.owner,
            rate_limit: self.rate_limit,
            allowed_origins: self.app_origins,
            created_at: now,
            updated_at: now,
        };
        parts.store.insert_app(&app).await.unwrap();
        let secret = self.confidential.then(|| parts.mint.client_secret().unwrap());
        let record = ClientRecord {
            id: parts.mint.uuid(now).unwrap(),
            app_id: app.id,
            client_id: parts.mint.client_id().unwrap(),
            kind: match &secret {
                Some(secret) => ClientKind::confidential(secret.hash()),
                None => ClientKind::Public,
            },
            settings: check(&self.draft).unwrap(),
            created_at: now,
            updated_at: now,
            revoked_at: None,
            version: 1,
            app_allowed_origins: app.allowed_origins,
        };
        parts.store.insert_client(&record).await.unwrap();
        Client {
            client_id: record.client_id.to_string(),
            id: record.client_id,
            secret: secret.map(|secret| secret.expose().to_owned()),
            redirect_uri: self.draft.redirect_uris[0].clone(),
        }
    }
}

impl<'a> IntoFuture for NewClient<'a> {
    type Output = Client;
    type IntoFuture = BoxFuture<'a, Client>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.register())
    }
}

impl TestApp {
    /// Somebody with an account, without a visit to the sign-up page: `<name>@example.com`.
    pub(crate) async fn user(&self, name: &str) -> Person {
        let now = self.app.clock.now();
        let password = format!("{name}'s password");
        let hash = self.app.passwords.hash(Zeroizing::new(password.clone())).await.unwrap();
        let user = UserRecord {
            id: UserId(self.app.mint.uuid(now).unwrap()),
            email: format!("{name}@example.com"),
            password_hash: Some(hash.as_str().to_owned()),
            email_verified: true,
            name: Some(name.to_owned()),
            picture: None,
            disabled_at: None,
            created_at: now,
            updated_at: now,
        };
        self.app.store.insert_user(&user).await.unwrap();
        Person { id: user.id, email: user.email, password, name: name.to_owned() }
    }

    /// A client with a secret.
    pub(crate) fn confidential_client(&self) -> NewClient<'_> {
        self.new_client(true)
    }

    /// A client without a secret.
    pub(crate) fn public_client(&self) -> NewClient<'_> {
        self.new_client(false)
    }

    fn new_client(&self, confidential: bool) -> NewClient<'_> {
        let draft = ClientDraft {
            name: "Trailbook Web".to_owned(),
            redirect_uris: vec![REDIRECT_URI.to_owned()],
            scopes: SCOPES.map(str::to_owned).to_vec(),
            ..ClientDraft::default()
        };
        let rate_limit = RateLimit::default();
        NewClient { app: self, confidential, draft, owner: None, rate_limit, app_origins: vec![] }
    }

    /// A browser that has signed in.
    pub(crate) async fn signed_in(&self, person: &Person) -> Browser {
        let mut browser = self.browser();
        browser.sign_in(person).await;
        assert!(browser.session().is_some(), "{}", browser.reply());
        browser
    }

    /// A session token of the account API, as its sign-in would give it.
    pub(crate) async fn session_token(&self, person: &Person) -> String {
        let (parts, now) = (&self.app, self.app.clock.now());
        let id = SessionId(parts.mint.uuid(now).unwrap());
        let secret = parts.mint.named::<SessionRefresh>(id.0).unwrap();
        let record = SessionRecord {
            id,
            hash: secret.hash(),
            user_id: person.id,
            auth_time: now,
            amr: vec!["pwd".to_owned()],
            user_agent: None,
            ip: None,
            created_at: now,
            last_used_at: now,
            expires_at: now.plus(parts.config.auth.refresh_token_duration),
            revoked_at: None,
        };
        let user = parts.store.user(person.id).await.unwrap().unwrap();
        assert!(parts.store.insert_api_session(&record, verified(&user)).await.unwrap());
        let claims = SessionClaims { user: person.id, session: id };
        session_token::sign(parts, claims, parts.config.auth.token_duration, now).unwrap()
    }

    /// A code, by the way of a person: sign in and allow.
    pub(crate) async fn authorize_code(&self, client: &Client, person: &Person, scope: &str) -> String {
        self.authorize_code_with(client, person, scope, &[]).await
    }

    /// The same, with further parameters of the request.
    pub(crate) async fn authorize_code_with(
        &self,
        client: &Client,
        person: &Person,
        scope: &str,
        with: &[(&str, &str)],
    ) -> String {
        let mut browser = self.signed_in(person).await;
        self.code_in(&mut browser, client, scope, with).await
    }

    /// A code, in a browser that is signed in.
    pub(crate) async fn code_in(
        &self,
        browser: &mut Browser,
        client: &Client,
        scope: &str,
        with: &[(&str, &str)],
    ) -> String {
        browser.visit(&client.authorize(scope, with)).await;
        if browser.away.is_none() {
            browser.submit("consent-allow").await;
        }
        let code = browser.answer().get("code").to_owned();
        assert!(!code.is_empty(), "{:?}", browser.away);
        code
    }

    /// A token request; the client proves itself by HTTP Basic, or names itself when it is public.
    pub(crate) fn token_request(&self, client: &Client, pairs: &[(&str, &str)]) -> Call {
        self.client_post("/oauth/token", client, pairs)
    }

    /// A request of a client that proves itself.
    pub(crate) fn client_post(&self, path: &str, client: &Client, pairs: &[(&str, &str)]) -> Call {
        let mut pairs = pairs.to_vec();
        let call = self.post(path);
        match &client.secret {
            Some(secret) => call.form(&pairs).basic(&client.client_id, secret),
            None => {
                pairs.push(("client_id", &client.client_id));
                call.form(&pairs)
            }
        }
    }

    /// Redeems a code.
    pub(crate) fn redeem(&self, client: &Client, code: &str) -> Call {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", client.redirect_uri.as_str()),
            ("code_verifier", VERIFIER),
        ];
        self.token_request(client, &pairs)
    }

    /// Redeems a refresh token.
    pub(crate) fn refresh(&self, client: &Client, token: &str) -> Call {
        self.token_request(client, &[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    /// Revokes a token.
    pub(crate) fn revoke(&self, client: &Client, token: &str) -> Call {
        self.client_post("/oauth/revoke", client, &[("token", token)])
    }

    /// Tokens, by the whole way of a person and a client.
    pub(crate) async fn tokens(&self, client: &Client, person: &Person, scope: &str) -> Tokens {
        let code = self.authorize_code(client, person, scope).await;
        Tokens::of(&self.redeem(client, &code).await)
    }

    /// The status of UserInfo for a token: 200 while it is alive, 401 when it is dead.
    pub(crate) async fn userinfo(&self, access: &str) -> u16 {
        self.get("/oauth/userinfo").bearer(access).await.status.as_u16()
    }
}
