//! API keys: whether one is alive, and what a new one may be.

use crate::kit::{ADA, NOW, found_key as found, reason, tables};
use ayb_protocol::error::ErrorCode;
use ayb_protocol::ids::ApiKeyId;
use ayb_protocol::scope::ResourceScope;
use ayb_protocol::secret::{ApiKey, Secret, SecretHash};
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::api_key::{ApiKeyRecord, FoundKey, KeyDraft, check, prefix, settle};
use ayb_provider::register::FieldError;

fn hash() -> SecretHash<ApiKey> {
    SecretHash::of("key")
}

#[test]
fn a_live_key_opens_the_api() {
    let live = check(&hash(), Some(found(|_| {})), NOW).expect("alive");
    assert_eq!(live.key(), &found(|_| {}).key);
}

#[test]
fn each_reason_kills_and_only_the_log_learns_which() {
    type Change = fn(&mut FoundKey);
    let cases: [(&str, Change); 4] = [
        ("revoked API key", |found| found.key.revoked_at = Some(NOW)),
        ("disabled account", |found| found.user_active = false),
        ("expired API key", |found| found.key.expires_at = Some(NOW)),
        ("unknown API key", |found| found.key.hash = SecretHash::of("another")),
    ];
    let unknown = check(&hash(), None, NOW).expect_err("unknown");
    assert_eq!(reason(&unknown), (ErrorCode::InvalidToken, "unknown API key"));
    for (detail, change) in cases {
        let refusal = check(&hash(), Some(found(change)), NOW).expect_err(detail);
        assert_eq!(reason(&refusal), (ErrorCode::InvalidToken, detail));
        assert_eq!(refusal.public, unknown.public);
    }
}

#[test]
fn a_key_without_an_end_lives_until_it_is_revoked() {
    let ages = |change: fn(&mut FoundKey)| {
        check(&hash(), Some(found(change)), Timestamp::from_millis(i64::MAX)).is_ok()
    };
    assert!(ages(|found| found.key.expires_at = None));
    assert!(!ages(|_| {}));
}

#[test]
fn a_key_shows_its_beginning_and_not_more() {
    let key =
        Secret::<ApiKey>::generate(|bytes| bytes.iter_mut().enumerate().for_each(|(i, b)| *b = i as u8));
    assert_eq!(prefix(&key), "ayb_00010203");
    assert!(!format!("{key:?}").contains("0001"));
}

fn draft(change: impl FnOnce(&mut KeyDraft)) -> Result<ApiKeyRecord, FieldError> {
    let mut draft = KeyDraft { name: " Nightly import ".into(), ..KeyDraft::default() };
    change(&mut draft);
    let key = Secret::<ApiKey>::generate(|bytes| bytes.fill(7));
    let id = ApiKeyId(uuid::Uuid::nil());
    settle(&draft, NOW).map(|settings| settings.record(id, &key, ADA, None, NOW))
}

#[test]
fn a_key_of_which_nothing_is_said_but_its_name_may_read_every_table() {
    let key = draft(|_| {}).expect("valid");
    assert_eq!(
        (key.name.as_str(), key.scope, &key.tables),
        ("Nightly import", ResourceScope::Readonly, &tables(""))
    );
    assert_eq!((key.expires_at, key.last_used_at, key.revoked_at), (None, None, None));
    assert_eq!(
        (key.hash, key.prefix.as_str()),
        (SecretHash::of(&format!("ayb_{}", "07".repeat(24))), "ayb_07070707")
    );
}

#[test]
fn a_draft_says_scope_tables_and_end() {
    let end = Some(NOW.plus(Seconds(1)));
    let key = draft(|draft| {
        draft.scope = Some("*".into());
        draft.allowed_tables = vec!["notes".into(), "tags".into()];
        draft.expires_at = end;
    });
    let key = key.expect("valid");
    assert_eq!((key.scope, key.tables, key.expires_at), (ResourceScope::Full, tables("notes,tags"), end));
}

#[test]
fn each_field_that_breaks_a_rule_is_named() {
    type Change = fn(&mut KeyDraft);
    let cases: [(&str, Change); 11] = [
        ("name", |draft| draft.name = " ".into()),
        ("name", |draft| draft.name = "a".repeat(101)),
        ("name", |draft| draft.name = "a\0b".into()),
        ("scope", |draft| draft.scope = Some(String::new())),
        ("scope", |draft| draft.scope = Some("openid".into())),
        ("scope", |draft| draft.scope = Some("readonly readwrite".into())),
        ("allowedTables", |draft| draft.allowed_tables = vec![String::new()]),
        ("allowedTables", |draft| draft.allowed_tables = vec!["a\"; drop".into()]),
        ("allowedTables", |draft| draft.allowed_tables = (0..101).map(|i| format!("t{i}")).collect()),
        ("expiresAt", |draft| draft.expires_at = Some(NOW)),
        ("expiresAt", |draft| draft.expires_at = Some(Timestamp::from_millis(i64::MIN))),
    ];
    for (field, change) in cases {
        assert_eq!(draft(change).expect_err(field).field, field);
    }
}
