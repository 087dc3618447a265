//! Signed-in sessions: of a browser (cookie) and of the account API (rotating refresh token).

use crate::user::UserRecord;
use ayb_protocol::ids::{SessionId, UserId};
use ayb_protocol::secret::{BrowserSession, SecretHash, SessionRefresh};
use ayb_protocol::time::{Seconds, Timestamp};

/// A session as stored. `K` says which secret opens it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionRecord<K> {
    /// Its identifier, also the `sid` of tokens.
    pub id: SessionId,
    /// SHA-256 of its secret.
    pub hash: SecretHash<K>,
    /// Whose it is.
    pub user_id: UserId,
    /// When the person signed in.
    pub auth_time: Timestamp,
    /// How the person signed in (RFC 8176).
    pub amr: Vec<String>,
    /// The browser or program, for the person to recognise.
    pub user_agent: Option<String>,
    /// The address, for the person to recognise.
    pub ip: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, roughly.
    pub last_used_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was ended early.
    pub revoked_at: Option<Timestamp>,
}

impl<K> SessionRecord<K> {
    /// Whether it can be used now.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// What a sign-in was: enough for codes, consents and `max_age`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignIn {
    /// The session that it began.
    pub id: SessionId,
    /// When it happened.
    pub auth_time: Timestamp,
    /// How it happened (RFC 8176).
    pub amr: Vec<String>,
}

/// Somebody who is signed in: the person and their session, both alive. Only [`present`] and [`present_by_token`]
/// make it.
#[derive(Clone, Debug)]
pub struct Present {
    user: UserRecord,
    session: SignIn,
}

impl Present {
    /// The person.
    pub fn user(&self) -> &UserRecord {
        &self.user
    }

    /// The session.
    pub fn session(&self) -> &SignIn {
        &self.session
    }
}

/// Whether a cookie with this hash opens the session that was found where it points.
pub fn present(
    hash: &SecretHash<BrowserSession>,
    found: Option<(SessionRecord<BrowserSession>, UserRecord)>,
    now: Timestamp,
) -> Option<Present> {
    found.filter(|(session, _)| session.hash == *hash).and_then(|(session, user)| live(session, user, now))
}

/// Whether the session that a verified session token names is still alive. `sub` is whom the token is about.
pub fn present_by_token(
    sub: UserId,
    found: Option<(SessionRecord<SessionRefresh>, UserRecord)>,
    now: Timestamp,
) -> Option<Present> {
    found.filter(|(session, _)| session.user_id == sub).and_then(|(session, user)| live(session, user, now))
}

fn live<K>(session: SessionRecord<K>, user: UserRecord, now: Timestamp) -> Option<Present> {
    let alive = session.is_live(now) && user.is_active() && user.id == session.user_id;
    let SessionRecord { id, auth_time, amr, .. } = session;
    alive.then_some(Present { user, session: SignIn { id, auth_time, amr } })
}

/// What happens to a session refresh token that is presented.
#[derive(Debug, Eq, PartialEq)]
pub enum SessionRotation {
    /// The secret is replaced; the session lives on until `expires_at`.
    Issue {
        /// The session with its new hash.
        session: SessionRecord<SessionRefresh>,
    },
    /// The secret names the session but is not its current one. Its name was authenticated when it was read, so nobody
    /// made it up: it is an earlier secret, somebody has a copy, and the session ends.
    Replay {
        /// The session to end.
        revoke: SessionId,
    },
    /// Unknown, ended, expired, or the person may not sign in.
    Refuse,
}

/// Rotates the refresh token of an API session.
pub fn rotate(
    found: Option<(SessionRecord<SessionRefresh>, UserRecord)>,
    presented: &SecretHash<SessionRefresh>,
    fresh: SecretHash<SessionRefresh>,
    lifetime: Seconds,
    now: Timestamp,
) -> SessionRotation {
    let Some((session, user)) = found else { return SessionRotation::Refuse };
    if !session.is_live(now) || !user.is_active() {
        return SessionRotation::Refuse;
    }
    if session.hash != *presented {
        return SessionRotation::Replay { revoke: session.id };
    }
    SessionRotation::Issue {
        session: SessionRecord { hash: fresh, last_used_at: now, expires_at: now.plus(lifetime), ..session },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn user() -> UserRecord {
        UserRecord {
            id: UserId(Uuid::nil()),
            email: "ada@example.com".into(),
            password_hash: None,
            email_verified: true,
            name: None,
            picture: None,
            disabled_at: None,
            created_at: NOW,
            updated_at: NOW,
        }
    }

    fn session<K>(secret: &str) -> SessionRecord<K> {
        SessionRecord {
            id: SessionId(Uuid::nil()),
            hash: SecretHash::of(secret),
            user_id: UserId(Uuid::nil()),
            auth_time: NOW,
            amr: vec!["pwd".into()],
            user_agent: None,
            ip: None,
            created_at: NOW,
            last_used_at: NOW,
            expires_at: NOW.plus(Seconds(60)),
            revoked_at: None,
        }
    }

    fn rotate_with(
        change: impl FnOnce(&mut SessionRecord<SessionRefresh>, &mut UserRecord),
        sent: &str,
    ) -> SessionRotation {
        let (mut session, mut user) = (session("current"), user());
        change(&mut session, &mut user);
        rotate(Some((session, user)), &SecretHash::of(sent), SecretHash::of("next"), Seconds(60), NOW)
    }

    #[test]
    fn the_current_secret_is_replaced_and_an_earlier_one_ends_the_session() {
        let issued = rotate_with(|_, _| {}, "current");
        assert!(
            matches!(issued, SessionRotation::Issue { session } if session.hash == SecretHash::of("next"))
        );
        assert!(matches!(rotate_with(|_, _| {}, "earlier"), SessionRotation::Replay { .. }));
        assert_eq!(
            rotate(None, &SecretHash::of("x"), SecretHash::of("y"), Seconds(1), NOW),
            SessionRotation::Refuse
        );
    }

    #[test]
    fn a_dead_session_and_a_disabled_person_are_refused() {
        assert_eq!(rotate_with(|s, _| s.expires_at = NOW, "current"), SessionRotation::Refuse);
        assert_eq!(rotate_with(|s, _| s.revoked_at = Some(NOW), "current"), SessionRotation::Refuse);
        assert_eq!(rotate_with(|_, u| u.disabled_at = Some(NOW), "current"), SessionRotation::Refuse);
    }

    #[test]
    fn a_browser_is_present_only_with_a_live_session_of_an_active_person() {
        let hash = SecretHash::of("cookie");
        let live = || session::<BrowserSession>("cookie");
        assert!(present(&hash, Some((live(), user())), NOW).is_some());
        assert!(present(&hash, None, NOW).is_none());
        assert!(present(&SecretHash::of("other"), Some((live(), user())), NOW).is_none());
        let sub = UserId(Uuid::nil());
        assert!(present_by_token(sub, Some((session("x"), user())), NOW).is_some());
        assert!(present_by_token(UserId(Uuid::max()), Some((session("x"), user())), NOW).is_none());
        let ended = SessionRecord { revoked_at: Some(NOW), ..live() };
        assert!(present(&hash, Some((ended, user())), NOW).is_none());
        let disabled = UserRecord { disabled_at: Some(NOW), ..user() };
        assert!(present(&hash, Some((live(), disabled)), NOW).is_none());
        assert!(present(&hash, Some((live(), user())), NOW.plus(Seconds(60))).is_none());
    }
}
