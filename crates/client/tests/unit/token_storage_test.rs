//! One contract for every storage, and what only files have to keep.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ayb_client::error::StorageError;
use ayb_client::mock::{FailingStorage, TestAuthServer};
use ayb_client::{
    ClientCredentials, Endpoint, ExposeSecret as _, FileTokenStorage, InMemoryTokenStorage, KeySource,
    OAuth2, OAuth2Client as _, OAuth2Config, OAuth2Error, ProviderConfig, SecretString, Timestamp, TokenSet,
    TokenStorage, TokenStorageConfig, TokenStorageKey,
};

use crate::kit::signed_in;

fn set(name: &str) -> TokenSet {
    TokenSet {
        access_token: format!("canary-access-{name}").into(),
        token_type: "Bearer".to_owned(),
        expires_at: Some(Timestamp::from_millis(1_800_000_000_123)),
        refresh_token: Some(format!("canary-refresh-{name}").into()),
        refresh_token_expires_at: None,
        scope: Some("a b".to_owned()),
        id_token: Some("canary-id".into()),
        issued_at: Some(Timestamp::from_seconds(1_700_000_000)),
        dpop_jkt: None,
        extra: HashMap::from([("instance_url".to_owned(), "https://x".into())]),
    }
}

fn is(result: Result<impl Sized, OAuth2Error>, expected: &StorageError) -> bool {
    matches!(result, Err(OAuth2Error::Storage(found)) if found == *expected)
}

async fn contract(storage: &dyn TokenStorage) {
    assert!(storage.retrieve("k").await.unwrap().is_none() && !storage.exists("k").await.unwrap());
    storage.store("k", &set("1")).await.unwrap();
    let read = storage.retrieve("k").await.unwrap().unwrap();
    assert_eq!(read.fingerprint(), set("1").fingerprint());
    assert_eq!((read.expires_at, read.scopes()), (set("1").expires_at, vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(
        (read.id_token.unwrap().expose_secret(), &read.extra["instance_url"]),
        ("canary-id", &"https://x".into())
    );
    let (one, two) = (set("1").fingerprint(), set("2").fingerprint());
    assert!(is(storage.compare_and_store("k", Some(two), &set("3")).await, &StorageError::Conflict));
    assert!(is(storage.compare_and_store("k", None, &set("3")).await, &StorageError::Conflict));
    storage.compare_and_store("k", Some(one), &set("2")).await.unwrap();
    storage.compare_and_store("new", None, &set("4")).await.unwrap();
    assert_eq!(storage.retrieve("k").await.unwrap().unwrap().fingerprint(), two);
    assert!(is(storage.compare_and_delete("k", one).await, &StorageError::Conflict));
    assert!(storage.exists("k").await.unwrap(), "something else is there");
    storage.compare_and_delete("k", two).await.unwrap();
    assert!(!storage.exists("k").await.unwrap());
    storage.compare_and_delete("k", two).await.unwrap();
    storage.store("k", &set("1")).await.unwrap();
    storage.delete("k").await.unwrap();
    storage.delete("k").await.unwrap();
    assert!(!storage.exists("k").await.unwrap() && storage.exists("new").await.unwrap());
    storage.clear_all().await.unwrap();
    assert!(!storage.exists("new").await.unwrap());
}

fn files(folder: &Path) -> FileTokenStorage {
    FileTokenStorage::open(folder, KeySource::raw([7; 32])).unwrap()
}

/// The files in a folder but those that are there to be locked.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_none_or(|ending| ending != "write-lock")).collect()
}

#[tokio::test]
async fn no_write_and_no_removal_passes_a_write_that_is_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let storage = files(folder.path());
    storage.store("k", &set("1")).await.unwrap();
    let lock = entries(folder.path())[0].with_extension("write-lock");
    // As another process has it between the comparison and the write of `compare_and_store`.
    let writing = File::options().write(true).create(true).truncate(false).open(lock).unwrap();
    let waiting = |name: &'static str| {
        let storage = storage.clone();
        writing.lock().unwrap();
        let done = tokio::spawn(async move {
            match name {
                "store" => storage.store("k", &set("2")).await,
                "delete" => storage.delete("k").await,
                "compare_and_delete" => storage.compare_and_delete("k", set("1").fingerprint()).await,
                _ => storage.clear_all().await,
            }
        });
        (name, done)
    };
    for name in ["store", "delete", "compare_and_delete", "clear_all"] {
        storage.store("k", &set("1")).await.unwrap();
        let (name, done) = waiting(name);
        tokio::time::sleep(Duration::from_millis(60)).await;
        let still = storage.retrieve("k").await.unwrap().map(|set| set.fingerprint());
        assert_eq!(still, Some(set("1").fingerprint()), "{name} did not wait");
        writing.unlock().unwrap();
        done.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn every_storage_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    contract(&InMemoryTokenStorage::default()).await;
    contract(&files(folder.path())).await;
    contract(&FailingStorage::default()).await;
}

#[tokio::test]
async fn a_lock_excludes_everybody_until_it_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let memory: Arc<dyn TokenStorage> = Arc::new(InMemoryTokenStorage::default());
    // Two openings of one folder, as two processes have.
    let pairs: [(Arc<dyn TokenStorage>, Arc<dyn TokenStorage>); 2] =
        [(Arc::clone(&memory), memory), (Arc::new(files(folder.path())), Arc::new(files(folder.path())))];
    for (one, other) in pairs {
        let held = one.lock("k", Duration::ZERO).await.unwrap();
        assert!(is(other.lock("k", Duration::from_millis(20)).await.map(drop), &StorageError::LockTimeout));
        assert!(other.lock("another", Duration::ZERO).await.is_ok());
        drop(held);
        // Not at once: a process that another test starts has the files of this one until it is another program.
        assert!(other.lock("k", Duration::from_secs(5)).await.is_ok());
    }
}

#[tokio::test]
async fn files_show_nothing_are_their_owners_only_and_open_with_their_key_and_name_only() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("tokens");
    let storage = files(&inside);
    storage.store("tenant:ada:idp", &set("1")).await.unwrap();
    assert_eq!(std::fs::metadata(&inside).unwrap().permissions().mode() & 0o777, 0o700);
    let entries = entries(&inside);
    let [path] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(path).unwrap();
    assert!(!text.contains("canary") && !path.to_string_lossy().contains("ada"), "{text}");
    let other_key = FileTokenStorage::open(&inside, KeySource::raw([8; 32])).unwrap();
    assert!(is(other_key.retrieve("tenant:ada:idp").await, &StorageError::DecryptionFailed));
    storage.store("other", &set("2")).await.unwrap();
    let other = self::entries(&inside).into_iter().find(|found| found != path).unwrap();
    std::fs::copy(path, &other).unwrap();
    assert!(
        is(storage.retrieve("other").await, &StorageError::DecryptionFailed),
        "a file does not open under another name"
    );
}

#[tokio::test]
async fn a_file_that_was_changed_anywhere_is_refused_and_a_torn_one_too() {
    let folder = tempfile::tempdir().unwrap();
    let storage = files(folder.path());
    storage.store("k", &set("1")).await.unwrap();
    let path = entries(folder.path()).remove(0);
    let whole = std::fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(7) {
        let mut changed = whole.clone();
        changed[at] ^= 0x02;
        std::fs::write(&path, &changed).unwrap();
        assert!(storage.retrieve("k").await.is_err(), "byte {at}");
        std::fs::write(&path, &whole[..at]).unwrap();
        assert!(storage.retrieve("k").await.is_err(), "cut at {at}");
    }
    std::fs::write(&path, &whole).unwrap();
    assert!(storage.retrieve("k").await.is_ok());
}

#[tokio::test]
async fn what_cannot_be_written_leaves_the_old_file_whole() {
    let folder = tempfile::tempdir().unwrap();
    let storage = files(folder.path());
    storage.store("k", &set("1")).await.unwrap();
    let path = entries(folder.path()).remove(0);
    // A folder in the place of the file cannot be replaced by one.
    let aside = folder.path().join("aside");
    std::fs::rename(&path, &aside).unwrap();
    std::fs::create_dir(&path).unwrap();
    let failed = storage.store("k", &set("2")).await;
    assert!(matches!(failed, Err(OAuth2Error::Storage(StorageError::WriteFailed(_)))), "{failed:?}");
    let left = entries(folder.path());
    assert_eq!(left.len(), 2, "no half-written file is left: {left:?}");
    std::fs::remove_dir(&path).unwrap();
    std::fs::rename(&aside, &path).unwrap();
    assert_eq!(storage.retrieve("k").await.unwrap().unwrap().fingerprint(), set("1").fingerprint());
}

#[tokio::test]
async fn a_passphrase_opens_its_folder_again_and_another_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let open = |words: &str| {
        FileTokenStorage::open(folder.path(), KeySource::Passphrase(SecretString::from(words))).unwrap()
    };
    open("correct horse").store("k", &set("1")).await.unwrap();
    assert!(open("correct horse").retrieve("k").await.unwrap().is_some());
    assert!(is(open("wrong horse").retrieve("k").await, &StorageError::DecryptionFailed));
    let weak = std::fs::read_to_string(folder.path().join("key.json")).unwrap().replace("65536", "8");
    std::fs::write(folder.path().join("key.json"), weak).unwrap();
    let refused = FileTokenStorage::open(folder.path(), KeySource::Passphrase("correct horse".into()));
    assert!(refused.is_err(), "less work than is safe");
}

#[test]
fn keys_are_32_bytes_as_text() {
    for good in ["07".repeat(32), "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc".to_owned()] {
        assert!(KeySource::from_text(&good.clone().into()).is_ok(), "{good}");
    }
    for bad in [String::new(), "07".repeat(31), "secret".to_owned()] {
        assert!(KeySource::from_text(&bad.clone().into()).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn tenants_and_people_are_kept_apart_and_files_outlive_the_client() {
    let folder = tempfile::tempdir().unwrap();
    let idp = TestAuthServer::start();
    let config = TokenStorageConfig::File { path: folder.path().to_owned(), key: KeySource::raw([7; 32]) };
    let build = || idp.client("app").configure(|c| c.storage = config.clone()).build().unwrap();
    let client = build();
    let default = signed_in(&idp, &client).await;
    let key = TokenStorageKey::new("acme").user("ada").provider("idp");
    client.tokens_for(&key).store_tokens(set("ada")).await.unwrap();
    let other = client.tokens_for(&TokenStorageKey::new("acme").user("eve").provider("idp"));
    assert!(!other.has_tokens().await.unwrap());
    let later = build();
    let token = later.tokens().get_access_token().await.unwrap();
    assert_eq!(token.secret(), default.access_token.expose_secret());
    assert_eq!(later.tokens_for(&key).get_access_token().await.unwrap().secret(), "canary-access-ada");
    let another_client = idp.client("other").configure(|c| c.storage = config.clone()).build().unwrap();
    assert!(!another_client.tokens().has_tokens().await.unwrap(), "tokens of one client are not another's");
}

#[tokio::test]
async fn no_tenant_has_the_key_of_the_program_or_of_the_client_itself() {
    let idp = TestAuthServer::start();
    let client = idp.confidential("svc").build().unwrap();
    client.own_tokens(["orders"]).get_access_token().await.unwrap();
    signed_in(&idp, &client).await;
    for tenant in ["client_credentials", "default", "%default", "%program", "", "%"] {
        for provider in ["orders", "default", ""] {
            let key = TokenStorageKey::new(tenant).provider(provider);
            for key in [key.clone(), key.user("orders")] {
                assert!(!client.tokens_for(&key).has_tokens().await.unwrap(), "{key:?}");
            }
        }
    }
}

#[tokio::test]
async fn two_providers_without_an_issuer_on_one_host_do_not_share_tokens() {
    let shared: Arc<dyn TokenStorage> = Arc::new(InMemoryTokenStorage::default());
    let client = |path: &str| {
        let token = format!("https://login.example{path}").parse().unwrap();
        let provider = ProviderConfig::default().with(Endpoint::Token, token);
        let mut config = OAuth2Config::new(provider, ClientCredentials::public("app"));
        config.storage = TokenStorageConfig::Custom(Arc::clone(&shared));
        OAuth2::builder(config).build().unwrap()
    };
    client("/one/token").tokens().store_tokens(set("1")).await.unwrap();
    assert!(client("/one/token").tokens().has_tokens().await.unwrap());
    assert!(!client("/two/token").tokens().has_tokens().await.unwrap());
}

#[tokio::test]
async fn a_file_that_is_older_than_what_was_seen_is_refused_until_it_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, other) = (files(folder.path()), files(folder.path()));
    storage.store("k", &set("1")).await.unwrap();
    let path = entries(folder.path()).remove(0);
    let first = std::fs::read(&path).unwrap();
    other.store("k", &set("2")).await.unwrap();
    assert_eq!(storage.retrieve("k").await.unwrap().unwrap().fingerprint(), set("2").fingerprint());
    std::fs::write(&path, &first).unwrap();
    let refused = storage.retrieve("k").await.unwrap_err();
    assert!(matches!(refused, OAuth2Error::Storage(StorageError::ReadFailed(_))), "{refused}");
    let stale = set("1").fingerprint();
    assert!(storage.compare_and_store("k", Some(stale), &set("3")).await.is_err());
    // Nothing on the disk says that there was a later one.
    assert!(files(folder.path()).retrieve("k").await.is_ok());
    let second = String::from_utf8(first.clone()).unwrap().replace("\"generation\":1", "\"generation\":2");
    std::fs::write(&path, second).unwrap();
    assert!(is(storage.retrieve("k").await, &StorageError::DecryptionFailed), "the number is bound");
    std::fs::write(&path, &first).unwrap();
    storage.store("k", &set("4")).await.unwrap();
    assert!(storage.retrieve("k").await.is_ok() && other.retrieve("k").await.is_ok());
    // What another process removed and wrote anew is no older one.
    other.delete("k").await.unwrap();
    other.store("k", &set("5")).await.unwrap();
    assert_eq!(storage.retrieve("k").await.unwrap().unwrap().fingerprint(), set("5").fingerprint());
}
