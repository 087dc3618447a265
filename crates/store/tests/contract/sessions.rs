//! Sessions of browsers, of the account API, of the administrator.

use ayb_protocol::secret::{SecretHash, SessionRefresh};
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::session::{SessionRecord, SessionRotation, rotate};
use ayb_store::{AdminSessionRecord, NewPassword, SessionKind, Store};

use crate::kit::each_migrated;
use crate::sample::{NOW, PASSWORD, World, after, hash, id, session, user};

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_read_back_as_written_and_only_as_its_kind() {
    each_migrated(async |db| {
        let (store, person) = (Store::new(db), user());
        store.insert_user(&person).await.unwrap();
        let browser = session(person.id);
        let api = SessionRecord { user_agent: None, ip: None, ..session(person.id) };
        assert!(store.insert_browser_session(&browser, PASSWORD).await.unwrap());
        assert!(store.insert_api_session(&api, PASSWORD).await.unwrap());
        assert!(store.browser_session(browser.id).await.unwrap() == Some((browser.clone(), person.clone())));
        assert!(store.api_session(api.id).await.unwrap() == Some((api.clone(), person)));
        assert!(store.browser_session(api.id).await.unwrap().is_none());
        assert!(store.api_session(browser.id).await.unwrap().is_none());
        assert!(store.admin_session(browser.id).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn use_is_recorded_once_a_minute() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let last_used = async || {
            let found = world.store.browser_session(world.session.id).await.unwrap().unwrap().0;
            found.last_used_at
        };
        world.store.touch_session(&world.session, after(59)).await.unwrap();
        assert_eq!(last_used().await, NOW);
        world.store.touch_session(&world.session, after(60)).await.unwrap();
        assert_eq!(last_used().await, after(60));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_one_by_one_or_together() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let (store, user) = (&world.store, world.user.id);
        let api: SessionRecord<SessionRefresh> = SessionRecord { last_used_at: after(1), ..session(user) };
        let (second, over) = (session(user), SessionRecord { expires_at: after(2), ..session(user) });
        assert!(store.insert_api_session(&api, PASSWORD).await.unwrap());
        assert!(store.insert_browser_session(&second, PASSWORD).await.unwrap());
        assert!(store.insert_browser_session(&over, PASSWORD).await.unwrap());
        let live = store.list_live_sessions(user, after(2)).await.unwrap();
        let live: Vec<_> = live.into_iter().map(|session| (session.id, session.kind)).collect();
        let expected = [
            (api.id, SessionKind::Api),
            (world.session.id, SessionKind::Browser),
            (second.id, SessionKind::Browser),
        ];
        assert_eq!(live, expected);
        let end = |id, kind, at| store.end_session(id, kind, after(at));
        assert!(!end(second.id, SessionKind::Api, 3).await.unwrap(), "it is no session of the API");
        assert!(!end(api.id, SessionKind::Browser, 3).await.unwrap(), "nor is the other one of a browser");
        assert!(end(second.id, SessionKind::Browser, 3).await.unwrap());
        assert!(!end(second.id, SessionKind::Browser, 4).await.unwrap());
        assert_eq!(store.browser_session(second.id).await.unwrap().unwrap().0.revoked_at, Some(after(3)));
        assert_eq!(store.end_sessions(user, Some(api.id), after(5)).await.unwrap(), 2);
        assert_eq!(store.end_sessions(user, None, after(6)).await.unwrap(), 1);
        assert_eq!(store.list_live_sessions(user, after(2)).await.unwrap(), vec![]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_begins_only_with_the_password_that_was_verified() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let (store, user) = (&world.store, world.user.id);
        let begins = async |verified: &str| {
            let (browser, api) = (session(user), session(user));
            let begun = [
                store.insert_browser_session(&browser, verified).await.unwrap(),
                store.insert_api_session(&api, verified).await.unwrap(),
            ];
            assert_eq!(store.browser_session(browser.id).await.unwrap().is_some(), begun[0]);
            assert_eq!(store.api_session(api.id).await.unwrap().is_some(), begun[1]);
            begun
        };
        assert_eq!(begins(PASSWORD).await, [true; 2]);
        assert_eq!(begins("").await, [false; 2]);
        // While that hash is verified, the password changes.
        let new = NewPassword { hash: "new".to_owned(), keep: None, revoke_grants: true };
        assert!(store.set_password_hash(user, new, NOW).await.unwrap());
        assert_eq!((begins(PASSWORD).await, begins("new").await), ([false; 2], [true; 2]));
        // A hash at today's cost is another hash of the same password.
        assert!(store.renew_password_hash(user, "new", "renewed", NOW).await.unwrap());
        assert_eq!((begins("new").await, begins("renewed").await), ([false; 2], [true; 2]));
        assert!(store.set_user_disabled(user, Some(NOW), NOW).await.unwrap());
        assert_eq!(begins("renewed").await, [false; 2]);
        let stranger: SessionRecord<SessionRefresh> = session(ayb_protocol::ids::UserId(id()));
        assert!(!store.insert_api_session(&stranger, "renewed").await.unwrap());
    })
    .await;
}

async fn refresh(
    store: &Store,
    session: &SessionRecord<SessionRefresh>,
    sent: SecretHash<SessionRefresh>,
    now: Timestamp,
) -> SessionRotation {
    let fresh = hash();
    let rule = move |found| rotate(found, &sent, fresh, Seconds(3600), now);
    store.rotate_api_session(session.id, now, rule).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_secret_ends_the_session() {
    each_migrated(async |db| {
        let (store, person) = (Store::new(db), user());
        store.insert_user(&person).await.unwrap();
        let session = session(person.id);
        assert!(store.insert_api_session(&session, PASSWORD).await.unwrap());
        let first = refresh(&store, &session, session.hash, after(5)).await;
        let SessionRotation::Issue { session: next } = first else { panic!("{first:?}") };
        let stored = store.api_session(session.id).await.unwrap().unwrap().0;
        assert_eq!(stored, next);
        assert_eq!((stored.expires_at, stored.last_used_at), (after(3605), after(5)));
        let replay = refresh(&store, &session, session.hash, after(6)).await;
        assert_eq!(replay, SessionRotation::Replay { revoke: session.id });
        assert_eq!(store.api_session(session.id).await.unwrap().unwrap().0.revoked_at, Some(after(6)));
        assert_eq!(refresh(&store, &session, next.hash, after(7)).await, SessionRotation::Refuse);
    })
    .await;
}

fn admin_session() -> AdminSessionRecord {
    AdminSessionRecord {
        id: ayb_protocol::ids::SessionId(id()),
        hash: hash(),
        user_agent: None,
        ip: None,
        created_at: NOW,
        expires_at: after(60),
        revoked_at: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_administrator_has_sessions_without_an_account() {
    each_migrated(async |db| {
        let store = Store::new(db);
        let session = AdminSessionRecord { user_agent: Some("curl".to_owned()), ..admin_session() };
        store.insert_admin_session(&session).await.unwrap();
        assert_eq!(store.admin_session(session.id).await.unwrap(), Some(session.clone()));
        assert!(store.browser_session(session.id).await.unwrap().is_none());
        for kind in [SessionKind::Browser, SessionKind::Api] {
            assert!(!store.end_session(session.id, kind, after(1)).await.unwrap(), "{kind:?}");
        }
        store.end_admin_session(session.id, after(1)).await.unwrap();
        assert_eq!(store.admin_session(session.id).await.unwrap().unwrap().revoked_at, Some(after(1)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_second_with_a_new_password_ends_no_session() {
    each_migrated(async |db| {
        let store = Store::new(db);
        let begin = async || {
            let session = admin_session();
            store.insert_admin_session(&session).await.unwrap();
            session.id
        };
        let ended = async |id| store.admin_session(id).await.unwrap().unwrap().revoked_at;
        // The first start: both see that there is none.
        assert_eq!(store.admin_password_or_insert("first", NOW).await.unwrap(), "first");
        let session = begin().await;
        assert_eq!(store.admin_password_or_insert("second", NOW).await.unwrap(), "first");
        assert_eq!(ended(session).await, None);
        // A new password: both see the old one.
        assert!(store.replace_admin_password("first", "new", after(1)).await.unwrap());
        assert_eq!(ended(session).await, Some(after(1)), "it was begun with the old password");
        let session = begin().await;
        assert!(!store.replace_admin_password("first", "new as well", after(2)).await.unwrap());
        assert_eq!(ended(session).await, None);
        assert_eq!(store.admin_password().await.unwrap().as_deref(), Some("new"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_administrator_signs_in_only_with_the_password_that_was_verified() {
    each_migrated(async |db| {
        let store = Store::new(db);
        let begins = async |verified: &str| {
            let session = admin_session();
            let begun = store.insert_verified_admin_session(&session, verified).await.unwrap();
            let stored = store.admin_session(session.id).await.unwrap();
            assert_eq!(stored, begun.then_some(session));
            begun
        };
        assert!(!begins("").await && !begins("first").await, "there is no password");
        store.set_admin_password("first", NOW).await.unwrap();
        assert!(begins("first").await && !begins("other").await);
        store.set_admin_password("second", after(1)).await.unwrap();
        assert!(!begins("first").await && begins("second").await);
    })
    .await;
}
