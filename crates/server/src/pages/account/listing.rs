//! What the account page lists: where somebody is signed in, and which apps have access.

use ayb_protocol::ids::ClientId;
use ayb_protocol::time::Timestamp;
use ayb_provider::grant::GrantRecord;
use ayb_provider::session::Present;
use ayb_store::error::StoreError;
use ayb_store::{ListedConsent, LiveSession, SessionKind};

use super::browser;
use crate::app::App;
use crate::pages::view::{ConnectedApplication, SessionRow};

/// Both lists, in words.
pub(super) struct Listing {
    sessions: Vec<Session>,
    applications: Vec<Application>,
}

struct Session {
    id: String,
    browser: String,
    last_used: String,
    is_current: bool,
}

struct Application {
    client_id: ClientId,
    client_name: String,
    app_name: String,
    scope: String,
    tables: Option<Vec<String>>,
    since: String,
}

impl Listing {
    /// # Errors
    /// When the store cannot say.
    pub(super) async fn read(app: &App, present: &Present, now: Timestamp) -> Result<Self, StoreError> {
        let user = present.user().id;
        let sessions = app.store.list_live_sessions(user, now).await?;
        let consents = app.store.list_consents(user).await?;
        let mut applications: Vec<_> = consents.into_iter().map(Application::allowed).collect();
        for grant in app.store.list_grants(user, now).await? {
            let known = applications.iter().any(|application| application.client_id == grant.client_id);
            if !known && let Some(found) = Application::of_grant(app, &grant).await? {
                applications.push(found);
            }
        }
        let sessions = sessions.iter().map(|session| Session::of(session, present)).collect();
        Ok(Self { sessions, applications })
    }

    pub(super) fn session_rows(&self) -> Vec<SessionRow<'_>> {
        let rows = self.sessions.iter().map(|session| SessionRow {
            id: &session.id,
            browser: &session.browser,
            last_used: &session.last_used,
            is_current: session.is_current,
        });
        rows.collect()
    }

    pub(super) fn application_rows(&self) -> Vec<ConnectedApplication<'_>> {
        let rows = self.applications.iter().map(|application| ConnectedApplication {
            id: application.client_id.as_str(),
            client_name: &application.client_name,
            app_name: &application.app_name,
            scopes: application.scope.split(' ').collect(),
            tables: application.tables.as_ref().map(|tables| tables.iter().map(String::as_str).collect()),
            since: &application.since,
        });
        rows.collect()
    }
}

impl Session {
    fn of(live: &LiveSession, present: &Present) -> Self {
        let browser = live.user_agent.as_deref().map_or_else(|| "Unknown browser".to_owned(), browser::words);
        let used = day(live.last_used_at);
        Self {
            id: live.id.to_string(),
            browser: match live.kind {
                SessionKind::Browser => browser,
                SessionKind::Api => format!("{browser}, without pages"),
            },
            last_used: live.ip.as_ref().map_or_else(|| used.clone(), |ip| format!("{used}, {ip}")),
            is_current: live.id == present.session().id,
        }
    }
}

impl Application {
    fn allowed(listed: ListedConsent) -> Self {
        let ListedConsent { consent, client_name, app_name } = listed;
        Self {
            client_id: consent.client_id,
            client_name,
            app_name,
            scope: consent.scope.to_string(),
            tables: consent.tables.to_stored(),
            since: day(consent.granted_at),
        }
    }

    /// Access that lives although no consent is remembered.
    async fn of_grant(app: &App, grant: &GrantRecord) -> Result<Option<Self>, StoreError> {
        let Some(client) = app.store.client(&grant.client_id).await? else { return Ok(None) };
        let owner = app.store.app(client.app_id).await?;
        Ok(Some(Self {
            client_id: client.client_id,
            app_name: owner.map_or_else(|| client.settings.name.clone(), |owner| owner.name),
            client_name: client.settings.name,
            scope: grant.scope.scope().to_string(),
            tables: grant.tables.to_stored(),
            since: day(grant.created_at),
        }))
    }
}

/// The day in words, in UTC: `21 November 2026`.
fn day(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(time.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%-d %B %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_in_words() {
        assert_eq!(day(Timestamp::from_seconds(1_800_000_000)), "15 January 2027");
        assert_eq!(day(Timestamp::from_millis(i64::MAX)), "1 January 1970");
    }
}
