//! A small world to test in: one app, one client, one person with one session. Everything that is made has its own
//! number, so that nothing is alike by accident.

use std::sync::atomic::{AtomicU64, Ordering};

use ayb_protocol::claims::{ClaimsRequest, UserClaim};
use ayb_protocol::ids::{ApiKeyId, AppId, ClientId, GrantId, SessionId, UserId};
use ayb_protocol::message::client_auth::{ClientProof, Credentials};
use ayb_protocol::pkce::CodeVerifier;
use ayb_protocol::redirect_uri::{RedirectUri, RegisteredRedirectUri};
use ayb_protocol::scope::{GrantedScope, RegisteredScopes, ResourceScope, Scope};
use ayb_protocol::secret::{Access, BrowserSession, SecretHash};
use ayb_protocol::tables::AllowedTables;
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::api_key::ApiKeyRecord;
use ayb_provider::app::{AppRecord, RateLimit};
use ayb_provider::client::{ClientKind, ClientRecord, ClientSettings, SigningAlg, TokenFormat};
use ayb_provider::client_auth::{AuthenticatedClient, verify};
use ayb_provider::consent::ConsentRecord;
use ayb_provider::grant::code::{CodeAsk, FoundCode, Redemption, redeem};
use ayb_provider::grant::refresh::{FoundRefresh, RefreshAsk, Rotation, rotate};
use ayb_provider::grant::{Answer, CodeRecord, FreshPair, FreshToken, Issuance, TokenRecord};
use ayb_provider::keys::{KeyRecord, KeyState};
use ayb_provider::policy::Policy;
use ayb_provider::revoke::{FoundToken, Revocation};
use ayb_provider::session::SessionRecord;
use ayb_provider::user::UserRecord;
use ayb_store::Store;
use ayb_store::db::Db;
use uuid::Uuid;

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_763_700_000);
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-rfc-7636";
pub(crate) const REDIRECT: &str = "https://app.example/callback";

/// The time so many seconds after the start of every test.
pub(crate) fn after(seconds: u64) -> Timestamp {
    NOW.plus(Seconds(seconds))
}

pub(crate) fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// An identifier that was made at `time`.
pub(crate) fn id_at(time: Timestamp) -> Uuid {
    let millis = u128::try_from(time.as_millis()).unwrap();
    Uuid::from_u128(millis << 80 | 7 << 76 | 1 << 63 | u128::from(number()))
}

pub(crate) fn id() -> Uuid {
    id_at(NOW)
}

pub(crate) fn hash<K>() -> SecretHash<K> {
    SecretHash::of(&format!("secret {}", number()))
}

/// The hash of the password of [`user`].
pub(crate) const PASSWORD: &str = "$argon2id$old";

pub(crate) fn user() -> UserRecord {
    UserRecord {
        id: UserId(id()),
        email: format!("user{}@example.com", number()),
        password_hash: Some(PASSWORD.to_owned()),
        email_verified: false,
        name: Some("Ada".to_owned()),
        picture: None,
        disabled_at: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(crate) fn app() -> AppRecord {
    AppRecord {
        id: AppId(id()),
        name: "Notes".to_owned(),
        description: "Keeps notes.".to_owned(),
        owner_user_id: None,
        rate_limit: RateLimit { requests: 100, window: Seconds(60) },
        allowed_origins: vec!["https://notes.example".to_owned()],
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(crate) fn client_id() -> ClientId {
    ClientId::parse(&format!("ayb_cid_{:048x}", number())).unwrap()
}

pub(crate) fn settings() -> ClientSettings {
    let uri = |text| RegisteredRedirectUri::parse(text).unwrap();
    ClientSettings {
        name: "Notes on the web".to_owned(),
        redirect_uris: vec![uri(REDIRECT), uri("http://127.0.0.1:*/cb")],
        scopes: RegisteredScopes::parse(&["readonly", "*", "openid", "email", "profile"]).unwrap(),
        allowed_origins: vec!["https://app.example".to_owned()],
        post_logout_redirect_uris: vec![uri("https://app.example/bye")],
        token_format: TokenFormat::Jwt,
        signing_alg: SigningAlg::EdDSA,
        audience: Some("https://api.example".to_owned()),
        refresh_tokens: true,
        refresh_grace: Seconds(30),
    }
}

/// A public client, whose requests need no secret.
pub(crate) fn client(app: AppId) -> ClientRecord {
    ClientRecord {
        id: id(),
        app_id: app,
        client_id: client_id(),
        kind: ClientKind::Public,
        settings: settings(),
        created_at: NOW,
        updated_at: NOW,
        revoked_at: None,
        version: 1,
        app_allowed_origins: vec!["https://notes.example".to_owned()],
    }
}

pub(crate) fn session<K>(user: UserId) -> SessionRecord<K> {
    SessionRecord {
        id: SessionId(id()),
        hash: hash(),
        user_id: user,
        auth_time: NOW,
        amr: vec!["pwd".to_owned()],
        user_agent: Some("Firefox".to_owned()),
        ip: Some("203.0.113.9".to_owned()),
        created_at: NOW,
        last_used_at: NOW,
        expires_at: after(3600),
        revoked_at: None,
    }
}

pub(crate) fn key(algorithm: SigningAlg, state: KeyState) -> KeyRecord {
    KeyRecord {
        kid: format!("key-{}", number()),
        algorithm,
        state,
        sealed: vec![0, 159, 146, 150],
        public_jwk: "{\"kty\":\"OKP\"}".to_owned(),
        created_at: NOW,
        published_at: NOW,
        activated_at: (state != KeyState::Next).then_some(NOW),
        retired_at: None,
        expires_at: None,
    }
}

/// A key of `user` for everything, without an end.
pub(crate) fn api_key(user: UserId) -> ApiKeyRecord {
    ApiKeyRecord {
        id: ApiKeyId(id()),
        hash: hash(),
        prefix: "ayb_01234567".to_owned(),
        user_id: user,
        name: "Nightly import".to_owned(),
        scope: ResourceScope::Full,
        tables: AllowedTables::All,
        app_id: None,
        created_at: NOW,
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
    }
}

pub(crate) fn tables(names: &[&str]) -> AllowedTables {
    AllowedTables::parse(names.iter().copied()).unwrap()
}

pub(crate) fn fresh() -> FreshPair {
    FreshPair {
        access: FreshToken { id: id(), hash: hash() },
        refresh: FreshToken { id: id(), hash: hash() },
    }
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) app: AppRecord,
    pub(crate) client: ClientRecord,
    pub(crate) user: UserRecord,
    pub(crate) session: SessionRecord<BrowserSession>,
}

impl World {
    pub(crate) async fn new(db: Db) -> Self {
        let (store, app, user) = (Store::new(db), app(), user());
        let (client, session) = (client(app.id), session(user.id));
        store.insert_app(&app).await.unwrap();
        store.insert_client(&client).await.unwrap();
        store.insert_user(&user).await.unwrap();
        assert!(store.insert_browser_session(&session, PASSWORD).await.unwrap());
        Self { store, app, client, user, session }
    }

    /// The same world, seen through another handle of the database.
    pub(crate) fn through(&self, db: Db) -> Self {
        Self { store: Store::new(db), ..self.clone() }
    }

    /// The client as it is now.
    pub(crate) async fn current_client(&self) -> ClientRecord {
        self.store.client(&self.client.client_id).await.unwrap().unwrap()
    }

    pub(crate) fn authenticated(&self) -> AuthenticatedClient {
        let client_id = self.client.client_id.to_string();
        let credentials = Credentials { client_id, proof: ClientProof::None };
        verify(&credentials, Some(self.client.clone().into()), NOW).unwrap()
    }

    pub(crate) fn consent_to(&self, scope: &str, tables: AllowedTables) -> ConsentRecord {
        ConsentRecord {
            user_id: self.user.id,
            client_id: self.client.client_id.clone(),
            scope: Scope::parse(scope).unwrap(),
            tables,
            granted_at: NOW,
        }
    }

    pub(crate) fn new_code(&self) -> CodeRecord {
        let verifier = CodeVerifier::parse(VERIFIER).unwrap();
        let mut claims = ClaimsRequest::default();
        claims.id_token.insert(UserClaim::Email);
        CodeRecord {
            id: id(),
            hash: hash(),
            client_id: self.client.client_id.clone(),
            user_id: self.user.id,
            redirect_uri: RedirectUri::from_stored(REDIRECT.to_owned()),
            scope: GrantedScope::from_stored("openid email readwrite").unwrap(),
            tables: tables(&["notes", "tags"]),
            challenge: verifier.challenge(),
            state: "a state with \"quotes\" and ünïcode".to_owned(),
            nonce: Some("nonce".to_owned()),
            claims,
            auth_time: NOW,
            amr: vec!["pwd".to_owned(), "otp".to_owned()],
            session_id: Some(self.session.id),
            grant_id: GrantId(id()),
            expires_at: after(600),
            used_at: None,
            created_at: NOW,
        }
    }

    /// A code that is stored, after the person has said yes.
    pub(crate) async fn code(&self) -> CodeRecord {
        let code = self.new_code();
        let approved = (self.consent_to("openid email readwrite", tables(&["notes", "tags"])), code.clone());
        let rule = move |_: Option<&ConsentRecord>| Ok::<_, ()>(approved.clone());
        self.store.approve(self.user.id, &self.client.client_id, rule).await.unwrap();
        code
    }

    /// The rule of redemption with everything it needs, as the server would hand it over.
    pub(crate) fn redemption(
        &self,
        code: &CodeRecord,
        now: Timestamp,
    ) -> impl Fn(Option<&FoundCode>) -> Redemption + Send + Sync + 'static {
        let ask = CodeAsk {
            hash: code.hash,
            redirect_uri: REDIRECT.to_owned(),
            verifier: CodeVerifier::parse(VERIFIER).unwrap(),
        };
        let (client, fresh) = (self.authenticated(), fresh());
        move |found| redeem(found, &ask, &client, &fresh, &Policy::default(), now)
    }

    pub(crate) async fn redeem(&self, code: &CodeRecord, now: Timestamp) -> Redemption {
        let rule = self.redemption(code, now);
        self.store.redeem_code(code.id, &self.current_client().await, now, None, rule).await.unwrap().unwrap()
    }

    /// The tokens of a new grant.
    pub(crate) async fn granted(&self) -> Answer {
        let code = self.code().await;
        match self.redeem(&code, NOW).await {
            Redemption::Issue(answer) => *answer,
            other => panic!("{other:?}"),
        }
    }

    /// The rule of rotation with everything it needs, as the server would hand it over.
    pub(crate) fn rotation(
        &self,
        hash: SecretHash<ayb_protocol::secret::Refresh>,
        fresh: FreshPair,
        now: Timestamp,
    ) -> impl Fn(Option<&FoundRefresh>) -> Rotation + Send + Sync + 'static {
        let (client, ask) = (self.authenticated(), RefreshAsk { hash, scope: Ok(None) });
        move |found| rotate(found, &ask, &client, &fresh, &Policy::default(), now)
    }

    /// Rotates the refresh token of an answer.
    pub(crate) async fn refresh(&self, issuance: &Issuance, fresh: FreshPair, now: Timestamp) -> Rotation {
        let token = issuance.refresh.as_ref().unwrap();
        let rule = self.rotation(token.hash, fresh, now);
        self.store
            .rotate_refresh(token.id, &self.current_client().await, now, None, rule)
            .await
            .unwrap()
            .unwrap()
    }

    /// Revokes as the client does.
    pub(crate) async fn revoke(&self, id: Uuid, now: Timestamp) -> Revocation {
        let rule = |found: Option<&FoundToken>| match found {
            Some(found) if found.is_refresh => Revocation::Grant(found.grant_id),
            Some(found) => Revocation::Token(found.id),
            None => Revocation::Nothing,
        };
        self.store.revoke_token(id, now, rule).await.unwrap()
    }

    /// Whether an access token opens the door.
    pub(crate) async fn is_live(&self, token: &TokenRecord<Access>, now: Timestamp) -> bool {
        let found = self.store.access(token.id).await.unwrap();
        ayb_provider::bearer::check(&token.hash, found, now).is_ok()
    }
}

/// The tokens of a rotation that issued some.
pub(crate) fn issued(rotation: Rotation) -> Issuance {
    match rotation {
        Rotation::Issue(answer) => answer.issuance,
        other => panic!("{other:?}"),
    }
}
