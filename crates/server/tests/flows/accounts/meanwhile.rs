//! A password that changes while somebody is still being verified by the one until then.

use std::net::{IpAddr, Ipv4Addr};

use ayb_server::http::client_ip::ClientIp;
use ayb_server::limits::Attempt;
use ayb_server::sign_in;
use ayb_store::NewPassword;
use ayb_testkit::Kind;
use futures_util::future::join_all;
use zeroize::Zeroizing;

use super::{Session, envelope, login, noted};
use crate::kit::{Person, TestApp};

const OTHER: &str = "the other password";

async fn hash(app: &TestApp, password: &str) -> String {
    app.app.passwords.hash(Zeroizing::new(password.to_owned())).await.unwrap().as_str().to_owned()
}

/// From now on somebody else sets a password in the moment in which a sign-in stores a hash at today's cost: after the
/// password was verified, and before the session begins.
async fn interfere(app: &TestApp) {
    let other = hash(app, OTHER).await;
    let script = match app.kind {
        Kind::Sqlite => format!(
            "create trigger meanwhile after update of password_hash on _ayb_users
             when new.password_hash <> '{other}' begin
             update _ayb_users set password_hash = '{other}' where id = new.id; end"
        ),
        Kind::Postgres => format!(
            "create function meanwhile() returns trigger language plpgsql as $$
             begin new.password_hash := '{other}'; return new; end $$;
             create trigger meanwhile before update of password_hash on _ayb_users
             for each row execute function meanwhile()"
        ),
    };
    app.app.store.db().script_dynamic(script).await.unwrap();
}

async fn live_sessions(app: &TestApp, person: &Person) -> usize {
    app.app.store.list_live_sessions(person.id, app.clock.now()).await.unwrap().len()
}

#[tokio::test]
async fn a_sign_in_with_a_password_that_changes_meanwhile_is_one_with_a_wrong_password() {
    for app in TestApp::everywhere().await {
        let (ada, bob) = (app.user("ada").await, app.user("bob").await);
        let app = app.twin(|config| config.auth.password_iterations = 2).await;
        interfere(&app).await;
        let reply = login(&app, &ada.email, &ada.password).await;
        assert_eq!(envelope(&reply).0, 401, "{}", app.kind);

        let mut browser = app.browser();
        browser.sign_in(&bob).await;
        assert_eq!((browser.status(), browser.session()), (401, None), "{}", app.kind);
        assert!(browser.page().text.contains("do not belong together"), "{}", browser.reply());

        assert_eq!((live_sessions(&app, &ada).await, live_sessions(&app, &bob).await), (0, 0));
        assert_eq!((noted(&app, "signed_in").await.len(), noted(&app, "sign_in_failed").await.len()), (0, 2));
        for person in [ada, bob] {
            assert_eq!(login(&app, &person.email, OTHER).await.status, 200);
        }
    }
}

#[tokio::test]
async fn sign_ins_at_once_all_succeed_although_one_of_them_renews_the_hash() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let app = app.twin(|config| config.auth.password_iterations = 2).await;
        let replies = join_all((0..4).map(|_| login(&app, &ada.email, &ada.password).send())).await;
        for reply in &replies {
            assert_eq!(Session::of(reply).me(&app).await, 200, "{}", app.kind);
        }
        let stored = app.app.store.user(ada.id).await.unwrap().unwrap().password_hash.unwrap();
        assert!(stored.contains("t=2"), "{stored}");
    }
}

#[tokio::test]
async fn a_change_that_began_with_the_old_password_does_not_undo_a_reset() {
    for app in TestApp::everywhere().await {
        let ada = app.user("ada").await;
        let (store, now) = (&app.app.store, app.clock.now());
        let seen = store.user(ada.id).await.unwrap().unwrap();
        let reset = NewPassword { hash: hash(&app, OTHER).await, keep: None, revoke_grants: true };
        assert!(store.set_password_hash(ada.id, reset, now).await.unwrap());

        let here = ClientIp(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let attempt = Attempt::count(&app.app, here, now).await.unwrap();
        let change = async |current: &str, seen| {
            sign_in::replace_password(&app.app, &attempt, seen, current, "changed password", now)
                .await
                .unwrap()
        };
        assert!(change(&ada.password, &seen).await.is_none(), "{}", app.kind);
        assert_eq!(login(&app, &ada.email, OTHER).await.status, 200);
        let seen = store.user(ada.id).await.unwrap().unwrap();
        assert!(change(&ada.password, &seen).await.is_none());
        let changed = change(OTHER, &seen).await.unwrap();
        assert_eq!(store.user(ada.id).await.unwrap().unwrap().password_hash, changed.password_hash);
        assert_eq!(login(&app, &ada.email, "changed password").await.status, 200);
    }
}
