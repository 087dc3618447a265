//! People, their links, apps.

use ayb_protocol::ids::{AppId, UserId};
use ayb_protocol::secret::{MailLink, SecretHash};
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::app::{AppRecord, RateLimit};
use ayb_provider::grant::code::Redemption;
use ayb_provider::user::UserRecord;
use ayb_store::db::Value;
use ayb_store::error::StoreError;
use ayb_store::{DeletedApp, LinkKind, LinkRecord, LinkUse, NewPassword, Page, Store, UserInsertion};

use crate::kit::each_migrated;
use crate::sample::{NOW, PASSWORD, World, after, app, client, hash, id, session, user};

const FIRST: Page = Page { number: 1, per_page: 20 };

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_read_back_as_written() {
    each_migrated(async |db| {
        let store = Store::new(db);
        let bare = UserRecord { password_hash: None, name: None, ..user() };
        let full = UserRecord {
            email_verified: true,
            picture: Some("https://pictures.example/ä.png".to_owned()),
            disabled_at: Some(after(5)),
            updated_at: after(6),
            ..user()
        };
        for person in [bare, full] {
            assert_eq!(store.insert_user(&person).await.unwrap(), UserInsertion::Inserted);
            assert!(store.user(person.id).await.unwrap() == Some(person.clone()));
            assert!(store.user_by_email(&person.email).await.unwrap() == Some(person));
        }
        assert!(store.user(UserId(id())).await.unwrap().is_none());
        assert!(store.user_by_email("nobody@example.com").await.unwrap().is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_one_account() {
    each_migrated(async |db| {
        let (store, first) = (Store::new(db), user());
        store.insert_user(&first).await.unwrap();
        let second = UserRecord { email: first.email.clone(), ..user() };
        assert_eq!(store.insert_user(&second).await.unwrap(), UserInsertion::EmailTaken);
        let same_row = UserRecord { id: first.id, ..user() };
        let refused = store.insert_user(&same_row).await;
        assert!(matches!(refused, Err(StoreError::Duplicate { .. })), "{refused:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_searched_for_letter_by_letter() {
    each_migrated(async |db| {
        let store = Store::new(db);
        for (email, name) in
            [("a_b@example.com", "Ada"), ("axb@example.com", "100%"), ("c@example.com", "Bo!b")]
        {
            let person = UserRecord { email: email.to_owned(), name: Some(name.to_owned()), ..user() };
            store.insert_user(&person).await.unwrap();
        }
        let found =
            [("a_b", 1), ("ADA", 1), ("%", 1), ("o!b", 1), ("example.com", 3), ("'; drop", 0), ("", 3)];
        for (search, count) in found {
            let (people, total) = store.list_users(FIRST, search).await.unwrap();
            assert_eq!((people.len(), total), (count, count as u64), "{search}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_newest_first_and_count_everything() {
    each_migrated(async |db| {
        let store = Store::new(db);
        let mut ids = Vec::new();
        for _ in 0..5 {
            let person = user();
            store.insert_user(&person).await.unwrap();
            ids.push(person.id);
        }
        ids.reverse();
        let (people, total) = store.list_users(Page { number: 2, per_page: 2 }, "").await.unwrap();
        assert_eq!(people.iter().map(|person| person.id).collect::<Vec<_>>(), ids[2..4]);
        assert_eq!(total, 5);
        assert!(store.list_users(Page { number: 9, per_page: 2 }, "").await.unwrap().0.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_changes_field_by_field() {
    each_migrated(async |db| {
        let (store, person) = (Store::new(db), user());
        store.insert_user(&person).await.unwrap();
        assert!(
            store
                .update_profile(person.id, Some("Grace"), Some("https://p.example"), after(1))
                .await
                .unwrap()
        );
        assert!(!store.mark_email_verified(person.id, "other@example.com", after(2)).await.unwrap());
        assert!(store.mark_email_verified(person.id, &person.email, after(2)).await.unwrap());
        assert!(store.set_user_disabled(person.id, Some(after(3)), after(3)).await.unwrap());
        let expected = UserRecord {
            name: Some("Grace".to_owned()),
            picture: Some("https://p.example".to_owned()),
            email_verified: true,
            disabled_at: Some(after(3)),
            updated_at: after(3),
            ..person.clone()
        };
        assert!(store.user(person.id).await.unwrap() == Some(expected));
        let nobody = UserId(id());
        assert!(!store.update_profile(nobody, None, None, NOW).await.unwrap());
        assert!(!store.set_user_disabled(nobody, None, NOW).await.unwrap());
        assert!(!store.delete_user(nobody).await.unwrap());
    })
    .await;
}

fn new_password(revoke_grants: bool) -> NewPassword {
    NewPassword { hash: "$argon2id$new".to_owned(), keep: None, revoke_grants }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_sessions_and_if_asked_grants() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let store = &world.store;
        let answer = world.granted().await;
        let waiting = world.code().await;
        let other = session(world.user.id);
        assert!(store.insert_browser_session(&other, PASSWORD).await.unwrap());
        let keep = NewPassword { keep: Some(other.id), ..new_password(false) };
        assert!(store.set_password_hash(world.user.id, keep, after(1)).await.unwrap());
        let ended = store.browser_session(world.session.id).await.unwrap().unwrap();
        assert_eq!(ended.0.revoked_at, Some(after(1)));
        assert_eq!(ended.1.password_hash.as_deref(), Some("$argon2id$new"));
        assert_eq!(store.browser_session(other.id).await.unwrap().unwrap().0.revoked_at, None);
        assert!(world.is_live(&answer.issuance.access, after(1)).await);

        assert!(store.set_password_hash(world.user.id, new_password(true), after(2)).await.unwrap());
        assert_eq!(store.browser_session(other.id).await.unwrap().unwrap().0.revoked_at, Some(after(2)));
        assert!(!world.is_live(&answer.issuance.access, after(2)).await);
        assert!(matches!(world.redeem(&waiting, after(2)).await, Redemption::Refuse(_)));
        assert!(!store.set_password_hash(UserId(id()), new_password(true), NOW).await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_replaced_only_by_who_showed_the_last_one() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let (store, user) = (&world.store, world.user.id);
        let replace = async |verified: &str, hash: &str| {
            let new = NewPassword { hash: hash.to_owned(), ..new_password(true) };
            store.replace_password_hash(user, verified, new, after(1)).await.unwrap()
        };
        let stored = async || store.user(user).await.unwrap().unwrap().password_hash.unwrap();
        let reset = NewPassword { hash: "reset".to_owned(), ..new_password(false) };
        let reset = NewPassword { keep: Some(world.session.id), ..reset };
        assert!(store.set_password_hash(user, reset, NOW).await.unwrap());
        assert!(!replace(PASSWORD, "changed").await, "the reset came first");
        assert_eq!(stored().await, "reset");
        let ended = async || store.browser_session(world.session.id).await.unwrap().unwrap().0.revoked_at;
        assert_eq!(ended().await, None, "what is refused ends nothing");
        assert!(replace("reset", "changed").await);
        assert_eq!((stored().await.as_str(), ended().await), ("changed", Some(after(1))));
        store.set_user_disabled(user, Some(NOW), NOW).await.unwrap();
        assert!(!replace("changed", "again").await, "the account is disabled");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_person_leaves_nothing_but_their_apps() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let store = &world.store;
        let owned = AppRecord { owner_user_id: Some(world.user.id), ..app() };
        store.insert_app(&owned).await.unwrap();
        let answer = world.granted().await;
        let waiting = world.code().await;
        store.insert_link(&link(world.user.id, &world.user.email, LinkKind::Verify)).await.unwrap();
        assert!(store.app_owner(owned.id).await.unwrap() == Some(world.user.clone()));
        assert!(store.delete_user(world.user.id).await.unwrap());
        assert!(store.user(world.user.id).await.unwrap().is_none());
        assert!(store.access(answer.issuance.access.id).await.unwrap().is_none());
        assert!(store.peek_code(waiting.id).await.unwrap().is_none());
        assert!(store.browser_session(world.session.id).await.unwrap().is_none());
        assert!(store.app_owner(owned.id).await.unwrap().is_none());
        assert_eq!(store.app(owned.id).await.unwrap(), Some(AppRecord { owner_user_id: None, ..owned }));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_read_back_as_written() {
    each_migrated(async |db| {
        let (store, owner) = (Store::new(db), user());
        store.insert_user(&owner).await.unwrap();
        let first = AppRecord { owner_user_id: Some(owner.id), ..app() };
        let second = AppRecord { rate_limit: RateLimit::default(), description: String::new(), ..app() };
        store.insert_app(&first).await.unwrap();
        store.insert_app(&second).await.unwrap();
        assert_eq!(store.app(first.id).await.unwrap().as_ref(), Some(&first));
        assert_eq!(store.list_apps(FIRST).await.unwrap(), (vec![second, first.clone()], 2));
        let changed = AppRecord {
            name: "Diary".to_owned(),
            owner_user_id: None,
            rate_limit: RateLimit { requests: u32::MAX >> 1, window: Seconds(1) },
            allowed_origins: vec![],
            updated_at: after(9),
            ..first
        };
        assert!(store.update_app(&changed).await.unwrap());
        assert_eq!(store.app(changed.id).await.unwrap(), Some(changed));
        assert!(!store.update_app(&app()).await.unwrap());
        let stranger = AppRecord { owner_user_id: Some(UserId(id())), ..app() };
        assert_eq!(store.insert_app(&stranger).await, Err(StoreError::ForeignKey));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_with_clients_is_not_deleted() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let store = &world.store;
        store.insert_client(&client(world.app.id)).await.unwrap();
        assert_eq!(
            store.delete_app(world.app.id).await.unwrap(),
            DeletedApp::InUse { clients: 2, api_keys: 0 }
        );
        assert_eq!(store.app(world.app.id).await.unwrap(), Some(world.app.clone()));
        let empty = app();
        store.insert_app(&empty).await.unwrap();
        assert_eq!(store.delete_app(empty.id).await.unwrap(), DeletedApp::Deleted);
        assert_eq!(store.delete_app(empty.id).await.unwrap(), DeletedApp::NotFound);
        assert_eq!(store.insert_client(&client(AppId(id()))).await, Err(StoreError::ForeignKey));
    })
    .await;
}

fn link(user: UserId, email: &str, kind: LinkKind) -> LinkRecord {
    LinkRecord {
        id: id(),
        kind,
        hash: hash(),
        user_id: user,
        email: email.to_owned(),
        expires_at: after(3600),
        used_at: None,
        created_at: NOW,
    }
}

async fn consume(
    store: &Store,
    link: &LinkRecord,
    kind: LinkKind,
    sent: SecretHash<MailLink>,
    now: Timestamp,
) -> LinkUse {
    let rule = move |found: Option<&ayb_store::FoundLink>| match (found, kind) {
        (Some(found), LinkKind::Verify) if found.opens(kind, &sent, now) => LinkUse::VerifyEmail,
        (Some(found), LinkKind::Reset) if found.opens(kind, &sent, now) => {
            LinkUse::SetPassword(new_password(true))
        }
        _ => LinkUse::Refuse,
    };
    store.consume_link(link.id, now, rule).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_for_the_address_works_once() {
    each_migrated(async |db| {
        let (store, person) = (Store::new(db), user());
        store.insert_user(&person).await.unwrap();
        let link = link(person.id, &person.email, LinkKind::Verify);
        store.insert_link(&link).await.unwrap();
        let found = store.peek_link(link.id).await.unwrap().unwrap();
        assert!(found.link == link && found.user == person);
        let refused = [
            (LinkKind::Verify, hash(), NOW),
            (LinkKind::Reset, link.hash, NOW),
            (LinkKind::Verify, link.hash, link.expires_at),
        ];
        for (kind, sent, now) in refused {
            assert!(matches!(consume(&store, &link, kind, sent, now).await, LinkUse::Refuse));
        }
        assert!(!store.user(person.id).await.unwrap().unwrap().email_verified);
        let first = consume(&store, &link, LinkKind::Verify, link.hash, NOW).await;
        assert!(matches!(first, LinkUse::VerifyEmail));
        assert!(store.user(person.id).await.unwrap().unwrap().email_verified);
        assert_eq!(store.peek_link(link.id).await.unwrap().unwrap().link.used_at, Some(NOW));
        let second = consume(&store, &link, LinkKind::Verify, link.hash, NOW).await;
        assert!(matches!(second, LinkUse::Refuse));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_for_a_password_takes_all_others_with_it() {
    each_migrated(async |db| {
        let world = World::new(db).await;
        let store = &world.store;
        let links =
            [LinkKind::Reset, LinkKind::Reset].map(|kind| link(world.user.id, &world.user.email, kind));
        for link in &links {
            store.insert_link(link).await.unwrap();
        }
        let answer = world.granted().await;
        let used = consume(store, &links[0], LinkKind::Reset, links[0].hash, after(1)).await;
        assert!(matches!(used, LinkUse::SetPassword(_)));
        let (session, person) = store.browser_session(world.session.id).await.unwrap().unwrap();
        assert_eq!(person.password_hash.as_deref(), Some("$argon2id$new"));
        assert_eq!(session.revoked_at, Some(after(1)));
        assert!(!world.is_live(&answer.issuance.access, after(1)).await);
        let other = consume(store, &links[1], LinkKind::Reset, links[1].hash, after(1)).await;
        assert!(matches!(other, LinkUse::Refuse));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_uses_up_the_links_for_new_passwords() {
    each_migrated(async |db| {
        let (store, person, other) = (Store::new(db), user(), user());
        store.insert_user(&person).await.unwrap();
        store.insert_user(&other).await.unwrap();
        let of = async |user: &UserRecord, kind| {
            let link = link(user.id, &user.email, kind);
            store.insert_link(&link).await.unwrap();
            link
        };
        let used = async |link: &LinkRecord| store.peek_link(link.id).await.unwrap().unwrap().link.used_at;
        let (first, verify) = (of(&person, LinkKind::Reset).await, of(&person, LinkKind::Verify).await);
        let of_other = of(&other, LinkKind::Reset).await;
        assert!(store.set_password_hash(person.id, new_password(false), after(1)).await.unwrap());
        assert_eq!(used(&first).await, Some(after(1)));
        let late = consume(&store, &first, LinkKind::Reset, first.hash, after(1)).await;
        assert!(matches!(late, LinkUse::Refuse));

        let second = of(&person, LinkKind::Reset).await;
        let known = new_password(true).hash;
        assert!(!store.replace_password_hash(person.id, "", new_password(true), after(2)).await.unwrap());
        assert_eq!(used(&second).await, None);
        assert!(store.replace_password_hash(person.id, &known, new_password(true), after(2)).await.unwrap());
        assert_eq!((used(&second).await, used(&first).await), (Some(after(2)), Some(after(1))));
        assert_eq!(
            (used(&verify).await, used(&of_other).await),
            (None, None),
            "for something or somebody else"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_an_earlier_address_or_a_disabled_account_opens_nothing() {
    each_migrated(async |db| {
        let (store, person) = (Store::new(db), user());
        store.insert_user(&person).await.unwrap();
        let earlier = link(person.id, "earlier@example.com", LinkKind::Verify);
        let current = link(person.id, &person.email, LinkKind::Verify);
        store.insert_link(&earlier).await.unwrap();
        store.insert_link(&current).await.unwrap();
        assert!(matches!(
            consume(&store, &earlier, LinkKind::Verify, earlier.hash, NOW).await,
            LinkUse::Refuse
        ));
        store.set_user_disabled(person.id, Some(NOW), NOW).await.unwrap();
        assert!(matches!(
            consume(&store, &current, LinkKind::Verify, current.hash, NOW).await,
            LinkUse::Refuse
        ));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impossible_row_is_an_error_and_not_a_guess() {
    each_migrated(async |db| {
        let world = World::new(db.clone()).await;
        let code = world.code().await;
        let broken = [
            ("update _ayb_oauth_authorization_codes set scope = $1", Value::from("root")),
            ("update _ayb_oauth_authorization_codes set scope = 'openid', code_challenge = $1", "short".into()),
            (
                "update _ayb_oauth_authorization_codes set code_challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_hash = $1",
                Value::Hex("", vec![1]),
            ),
        ];
        for (sql, value) in broken {
            db.execute(sql, vec![value]).await.unwrap();
            let read = world.store.peek_code(code.id).await;
            assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{sql}: {read:?}");
        }
        db.execute("update _ayb_oauth_consents set allowed_tables = $1", vec![Value::List(vec![])]).await.unwrap();
        let read = world.store.consent(world.user.id, &world.client.client_id).await;
        assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{read:?}");
    })
    .await;
}
