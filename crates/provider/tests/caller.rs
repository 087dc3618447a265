//! What each kind of credential says about who calls.

use crate::kit::{ADA, NOW, found_access, found_key, granted, our_id, signed_in, tables};
use ayb_protocol::ids::AppId;
use ayb_protocol::scope::ResourceScope;
use ayb_protocol::secret::SecretHash;
use ayb_protocol::time::Seconds;
use ayb_provider::access::{Access, Denied, Read, Write};
use ayb_provider::api_key;
use ayb_provider::app::RateLimit;
use ayb_provider::bearer::{self, FoundAccess};
use ayb_provider::caller::{Caller, CallersApp, Person};
use uuid::Uuid;

const APP: AppId = AppId(Uuid::from_u128(0xa));
const PERSON: Person<'_> = Person { id: ADA, email: "ada@example.com" };

fn session() -> Caller {
    Caller::Session(Box::new(signed_in(ADA, 1)))
}

fn token(change: impl FnOnce(&mut FoundAccess)) -> Caller {
    let found = found_access(change);
    Caller::Token(Box::new(bearer::check(&SecretHash::of("access"), Some(found), NOW).expect("alive")))
}

fn key() -> Caller {
    let live = api_key::check(&SecretHash::of("key"), Some(found_key(|_| {})), NOW).expect("alive");
    Caller::ApiKey(Box::new(live))
}

#[test]
fn a_session_is_its_person_with_everything() {
    let caller = session();
    assert_eq!((caller.person(), caller.client_id(), caller.app()), (Some(PERSON), None, None));
    assert_eq!((caller.access(), caller.scope().to_string()), (Access::everything(), "*".to_owned()));
    assert_eq!(caller.allowed_origins(), [&[] as &[String]; 2]);
}

#[test]
fn a_token_has_what_was_granted_and_the_limit_of_its_app() {
    let limit = RateLimit { requests: 3, window: Seconds(10) };
    let caller = token(|found| {
        found.rate_limit = limit;
        found.allowed_origins = vec!["https://client.example".into()];
        found.app_allowed_origins = vec!["https://app.example".into()];
    });
    assert_eq!((caller.person(), caller.client_id()), (Some(PERSON), Some(&our_id())));
    assert_eq!(caller.app(), Some(CallersApp { id: APP, rate_limit: limit }));
    assert_eq!(caller.access(), Access::new(Some(ResourceScope::Readwrite), &tables("notes,tags")));
    assert_eq!(caller.scope().to_string(), "openid email readwrite");
    assert_eq!(caller.allowed_origins(), [["https://app.example"], ["https://client.example"]]);
}

#[test]
fn a_token_about_identity_alone_opens_no_table() {
    let caller = token(|found| {
        found.token.scope = granted("openid profile email offline_access");
        found.token.tables = tables("");
    });
    let would_do = |would_do| Err(Denied::InsufficientScope { would_do });
    assert_eq!(caller.access().permit::<Read>("notes").map(drop), would_do(ResourceScope::Readonly));
    assert_eq!(caller.access().permit::<Write>("notes").map(drop), would_do(ResourceScope::Readwrite));
}

#[test]
fn a_client_that_acts_for_itself_is_nobody() {
    let caller = token(|found| {
        found.token.user_id = None;
        found.user_email = None;
    });
    assert_eq!(caller.person(), None);
    assert_eq!(caller.client_id(), Some(&our_id()));
}

#[test]
fn a_key_is_its_owner_within_its_scope_and_tables() {
    let caller = key();
    assert_eq!((caller.person(), caller.client_id()), (Some(PERSON), None));
    assert_eq!(
        caller.app(),
        Some(CallersApp { id: APP, rate_limit: RateLimit { requests: 7, window: Seconds(60) } })
    );
    assert_eq!(caller.access(), Access::new(Some(ResourceScope::Readonly), &tables("notes")));
    assert_eq!(caller.scope().to_string(), "readonly");
}

#[test]
fn a_token_for_another_api_opens_no_table_whatever_its_scope() {
    let found = found_access(|found| found.token.scope = granted("*"));
    let live = bearer::check(&SecretHash::of("access"), Some(found), NOW).expect("alive");
    let live = live.with_audience(Some("https://api.example"), "https://id.example");
    let caller = Caller::Token(Box::new(live));
    assert_eq!(caller.access().permit::<Read>("notes").map(drop), Err(Denied::AnotherAudience));
    assert_eq!(caller.access().suffices::<Write>(), Err(Denied::AnotherAudience));
    assert_eq!(
        (caller.person(), caller.client_id()),
        (Some(PERSON), Some(&our_id())),
        "it is alive all the same"
    );
}
