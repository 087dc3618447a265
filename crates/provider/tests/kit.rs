//! Records with good defaults. A test changes the one fact that it is about.

use ayb_protocol::claims::ClaimsRequest;
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::ids::{ApiKeyId, AppId, ClientId, GrantId, SessionId, UserId};
use ayb_protocol::message::client_auth::{ClientProof, Credentials};
use ayb_protocol::pkce::{CodeChallenge, CodeVerifier};
use ayb_protocol::redirect_uri::{RedirectUri, RegisteredRedirectUri};
use ayb_protocol::scope::{GrantedScope, RegisteredScopes, ResourceScope, Scope};
use ayb_protocol::secret::{BrowserSession, SecretHash};
use ayb_protocol::tables::AllowedTables;
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::api_key::{ApiKeyRecord, FoundKey};
use ayb_provider::app::RateLimit;
use ayb_provider::bearer::FoundAccess;
use ayb_provider::client::{ClientKind, ClientRecord, ClientSettings, SigningAlg, TokenFormat};
use ayb_provider::client_auth::{AuthenticatedClient, verify};
use ayb_provider::grant::{CodeRecord, FreshPair, FreshToken, GrantRecord, TokenRecord};
use ayb_provider::policy::Policy;
use ayb_provider::session::{Present, SessionRecord, present};
use ayb_provider::user::UserRecord;
use uuid::Uuid;

/// When every request arrives.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// The person that clients ask about.
pub(crate) const ADA: UserId = UserId(Uuid::from_u128(0xada));
/// Somebody else.
pub(crate) const BOB: UserId = UserId(Uuid::from_u128(0xb0b));
/// The grant that codes open and refresh tokens belong to.
pub(crate) const GRANT: GrantId = GrantId(Uuid::from_u128(0x9));
/// The browser session in which codes are issued.
pub(crate) const SESSION: SessionId = SessionId(Uuid::from_u128(0x5));
/// Where the client's answers go.
pub(crate) const CALLBACK: &str = "https://app.example/cb";
/// The client's secret.
pub(crate) const SECRET: &str = "ayb_cs_0000000000000000000000000000000000000000000000000000000000000000";
/// The verifier of RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// Its challenge.
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The name of the client that is asked about.
pub(crate) fn our_id() -> ClientId {
    ClientId::from_bytes(&[1; 24])
}

/// The name of another client.
pub(crate) fn other_id() -> ClientId {
    ClientId::from_bytes(&[2; 24])
}

pub(crate) fn scope(words: &str) -> Scope {
    Scope::parse(words).expect(words)
}

pub(crate) fn granted(words: &str) -> GrantedScope {
    GrantedScope::from_stored(words).expect(words)
}

/// Names separated by commas; nothing means every table.
pub(crate) fn tables(names: &str) -> AllowedTables {
    AllowedTables::parse(Some(names).filter(|names| !names.is_empty()).into_iter()).expect(names)
}

pub(crate) fn registered(uri: &str) -> RegisteredRedirectUri {
    RegisteredRedirectUri::parse(uri).expect(uri)
}

/// The words that a client is registered with, separated by spaces.
pub(crate) fn registered_scopes(words: &str) -> RegisteredScopes {
    RegisteredScopes::parse(&words.split(' ').collect::<Vec<_>>()).expect(words)
}

/// A confidential client that may have everything.
pub(crate) fn client(change: impl FnOnce(&mut ClientRecord)) -> ClientRecord {
    let mut client = ClientRecord {
        id: Uuid::from_u128(0xc),
        app_id: AppId(Uuid::from_u128(0xa)),
        client_id: our_id(),
        kind: ClientKind::confidential(SecretHash::of(SECRET)),
        settings: ClientSettings {
            name: "Notes".into(),
            redirect_uris: vec![registered(CALLBACK)],
            scopes: registered_scopes("readonly readwrite * openid profile email"),
            allowed_origins: vec![],
            post_logout_redirect_uris: vec![],
            token_format: TokenFormat::Opaque,
            signing_alg: SigningAlg::RS256,
            audience: None,
            refresh_tokens: true,
            refresh_grace: Seconds(0),
        },
        created_at: NOW,
        updated_at: NOW,
        revoked_at: None,
        version: 1,
        app_allowed_origins: vec![],
    };
    change(&mut client);
    client
}

/// The client of [`client`], authenticated.
pub(crate) fn authenticated(change: impl FnOnce(&mut ClientRecord)) -> AuthenticatedClient {
    let client = client(change);
    let proof = match client.kind {
        ClientKind::Confidential { .. } => ClientProof::Basic(SECRET.to_owned().into()),
        ClientKind::Public => ClientProof::None,
    };
    let credentials = Credentials { client_id: client.client_id.to_string(), proof };
    verify(&credentials, Some(client.into()), NOW).expect("authenticated")
}

/// Another client, authenticated.
pub(crate) fn stranger() -> AuthenticatedClient {
    authenticated(|client| client.client_id = other_id())
}

pub(crate) fn person(change: impl FnOnce(&mut UserRecord)) -> UserRecord {
    let mut person = UserRecord {
        id: ADA,
        email: "ada@example.com".into(),
        password_hash: None,
        email_verified: true,
        name: Some("Ada".into()),
        picture: None,
        disabled_at: None,
        created_at: NOW,
        updated_at: NOW,
    };
    change(&mut person);
    person
}

/// A browser in which `user` signed in some seconds ago.
pub(crate) fn signed_in(user: UserId, seconds_ago: u64) -> Present {
    let hash = SecretHash::<BrowserSession>::of("cookie");
    let session = SessionRecord {
        id: SESSION,
        hash,
        user_id: user,
        auth_time: NOW.minus(Seconds(seconds_ago)),
        amr: vec!["pwd".into()],
        user_agent: None,
        ip: None,
        created_at: NOW.minus(Seconds(seconds_ago)),
        last_used_at: NOW,
        expires_at: NOW.plus(Seconds(1)),
        revoked_at: None,
    };
    present(&hash, Some((session, person(|person| person.id = user))), NOW).expect("alive")
}

/// A code that can be redeemed for one more second.
pub(crate) fn code(change: impl FnOnce(&mut CodeRecord)) -> CodeRecord {
    let mut code = CodeRecord {
        id: Uuid::from_u128(0xc0de),
        hash: SecretHash::of("code"),
        client_id: our_id(),
        user_id: ADA,
        redirect_uri: RedirectUri::from_stored(CALLBACK.into()),
        scope: granted("openid email readwrite"),
        tables: tables("notes,tags"),
        challenge: CodeChallenge::from_stored(CHALLENGE).expect("challenge"),
        state: "s".into(),
        nonce: Some("n".into()),
        claims: ClaimsRequest::parse(r#"{"userinfo":{"name":null}}"#).expect("claims"),
        auth_time: NOW.minus(Seconds(100)),
        amr: vec!["pwd".into(), "otp".into()],
        session_id: Some(SESSION),
        grant_id: GRANT,
        expires_at: NOW.plus(Seconds(1)),
        used_at: None,
        created_at: NOW.minus(Seconds(599)),
    };
    change(&mut code);
    code
}

pub(crate) fn verifier() -> CodeVerifier {
    CodeVerifier::parse(VERIFIER).expect("verifier")
}

/// The grant that the code of [`code`] opened a while ago.
pub(crate) fn grant(change: impl FnOnce(&mut GrantRecord)) -> GrantRecord {
    let mut grant = ayb_provider::grant::code::open(&code(|_| {}), NOW.minus(Seconds(500)));
    change(&mut grant);
    grant
}

/// A token of [`grant`] that lives for one more second.
pub(crate) fn token<K>(text: &str, change: impl FnOnce(&mut TokenRecord<K>)) -> TokenRecord<K> {
    let grant = grant(|_| {});
    let mut token = TokenRecord {
        id: Uuid::from_u128(0x70),
        hash: SecretHash::of(text),
        client_id: grant.client_id,
        user_id: Some(grant.user_id),
        scope: grant.scope,
        tables: grant.tables,
        grant_id: grant.id,
        expires_at: NOW.plus(Seconds(1)),
        revoked_at: None,
        created_at: grant.created_at,
    };
    change(&mut token);
    token
}

/// What the store finds about the token `access`.
pub(crate) fn found_access(change: impl FnOnce(&mut FoundAccess)) -> FoundAccess {
    let mut found = FoundAccess {
        token: token("access", |_| {}),
        client_revoked: false,
        grant_revoked: false,
        claims: ClaimsRequest::default(),
        user_email: Some("ada@example.com".into()),
        user_active: true,
        app_id: AppId(Uuid::from_u128(0xa)),
        rate_limit: RateLimit::default(),
        allowed_origins: vec![],
        app_allowed_origins: vec![],
        record_first_use: false,
    };
    change(&mut found);
    found
}

/// What the store finds about the API key `key` of Ada, which lives for one more second.
pub(crate) fn found_key(change: impl FnOnce(&mut FoundKey)) -> FoundKey {
    let key = ApiKeyRecord {
        id: ApiKeyId(Uuid::from_u128(0xe)),
        hash: SecretHash::of("key"),
        prefix: "ayb_01234567".into(),
        user_id: ADA,
        name: "Nightly import".into(),
        scope: ResourceScope::Readonly,
        tables: tables("notes"),
        app_id: Some(AppId(Uuid::from_u128(0xa))),
        created_at: NOW.minus(Seconds(100)),
        expires_at: Some(NOW.plus(Seconds(1))),
        last_used_at: None,
        revoked_at: None,
    };
    let rate_limit = RateLimit { requests: 7, window: Seconds(60) };
    let mut found = FoundKey {
        key,
        user_email: "ada@example.com".into(),
        user_active: true,
        rate_limit,
        app_allowed_origins: vec![],
    };
    change(&mut found);
    found
}

/// What the server has drawn for one answer.
pub(crate) fn fresh() -> FreshPair {
    FreshPair {
        access: FreshToken { id: Uuid::from_u128(0xa2), hash: SecretHash::of("access-2") },
        refresh: FreshToken { id: Uuid::from_u128(0xb2), hash: SecretHash::of("refresh-2") },
    }
}

/// Lifetimes that differ from each other and from the defaults.
pub(crate) fn policy() -> Policy {
    Policy {
        access_token: Seconds(300),
        refresh_token: Seconds(9000),
        code: Seconds(60),
        id_token: Seconds(400),
    }
}

/// A refusal of the peer: its code, and the reason that only the log learns.
pub(crate) fn reason(refusal: &Refusal) -> (ErrorCode, &str) {
    (refusal.code, refusal.detail.as_deref().unwrap_or(""))
}
