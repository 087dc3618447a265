//! Secrets that somebody made up for the session of somebody else: they open nothing, and they end nothing.

use ayb_protocol::ids::SessionId;
use ayb_protocol::secret::{BrowserSession, Kind, Named, SessionRefresh};
use ayb_store::SessionKind;

use super::{Session, envelope, logout, noted, refresh};
use crate::kit::{Person, TestApp};

/// The only session of a person of this kind; its identifier is in tokens, for every client to read.
async fn session_of(app: &TestApp, person: &Person, kind: SessionKind) -> SessionId {
    let live = app.app.store.list_live_sessions(person.id, app.clock.now()).await.unwrap();
    let mut found = live.iter().filter(|session| session.kind == kind);
    let session = found.next().unwrap();
    assert!(found.next().is_none(), "{live:?}");
    session.id
}

/// One's own secret with its name changed by the difference of the two names, as the mask alone would allow.
fn forged<K: Kind>(own: &str, from: SessionId, to: SessionId) -> String {
    let (head, tail) = own[K::PREFIX.len()..].split_at(32);
    let masked = u128::from_str_radix(head, 16).unwrap() ^ from.0.as_u128() ^ to.0.as_u128();
    format!("{}{masked:032x}{tail}", K::PREFIX)
}

/// Another secret of the server's own making that names the session.
fn other<K: Named>(app: &TestApp, session: SessionId) -> String {
    app.app.mint.named::<K>(session.0).unwrap().expose().to_owned()
}

#[tokio::test]
async fn a_forged_refresh_token_ends_no_session_and_is_no_replay() {
    for app in TestApp::everywhere().await {
        let (ada, eve) = (app.user("ada").await, app.user("eve").await);
        let (victim, own) = (Session::begin(&app, &ada).await, Session::begin(&app, &eve).await);
        let target = session_of(&app, &ada, SessionKind::Api).await;
        let source = session_of(&app, &eve, SessionKind::Api).await;
        let forged = forged::<SessionRefresh>(&own.refresh, source, target);
        assert_eq!(envelope(&refresh(&app, &forged).await).0, 401);
        assert_eq!(logout(&app, &forged).await.status, 204);
        assert_eq!((victim.me(&app).await, own.me(&app).await), (200, 200), "{}", app.kind);
        for event in ["session_refresh_replayed", "session_ended"] {
            assert!(noted(&app, event).await.is_empty(), "{event}");
        }
        let next = Session::of(&refresh(&app, &victim.refresh).await);
        assert_eq!(refresh(&app, &victim.refresh).await.status, 401, "an earlier one is a replay");
        assert_eq!(next.me(&app).await, 401);
        assert_eq!(noted(&app, "session_refresh_replayed").await.len(), 1);
    }
}

#[tokio::test]
async fn only_a_cookie_that_opens_a_session_ends_it_at_a_sign_in() {
    for app in TestApp::everywhere().await {
        let (ada, eve) = (app.user("ada").await, app.user("eve").await);
        let (mut victim, own) = (app.signed_in(&ada).await, app.signed_in(&eve).await);
        let api = Session::begin(&app, &ada).await;
        let target = session_of(&app, &ada, SessionKind::Browser).await;
        let source = session_of(&app, &eve, SessionKind::Browser).await;
        let of_api = session_of(&app, &ada, SessionKind::Api).await;
        let cookies = [
            forged::<BrowserSession>(own.session().unwrap(), source, target),
            other::<BrowserSession>(&app, target),
            other::<BrowserSession>(&app, of_api),
        ];
        for cookie in cookies {
            let mut browser = app.browser();
            browser.set_cookie("__Host-ayb_session", &cookie);
            browser.sign_in(&eve).await;
            assert_ne!(browser.session(), Some(cookie.as_str()), "eve is signed in");
            assert_eq!(victim.visit("/account").await.url, "/account", "{}: and so is ada", app.kind);
            assert_eq!(api.me(&app).await, 200);
        }
        victim.clone().visit("/login?again=1").await.sign_in(&ada).await;
        assert_ne!(victim.visit("/account").await.url, "/account", "one's own earlier session ends");
        assert_eq!(api.me(&app).await, 200);
    }
}
