//! What the authorization endpoint does next: [`address`], then [`Addressed::validate`], then [`Validated::decide`].
//!
//! Each state consumes the one before. Only [`Addressed`] and what follows know where an error may be sent.

use crate::client::ClientRecord;
use crate::consent::{ConsentRecord, widened};
use crate::grant::CodeRecord;
use crate::policy::Policy;
use crate::session::Present;
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::ids::GrantId;
use ayb_protocol::message::authorize::{Address, AuthorizeRequest};
use ayb_protocol::redirect_uri::RedirectUri;
use ayb_protocol::scope::{GrantedScope, IdentityScope, Scope};
use ayb_protocol::secret::{Code, SecretHash};
use ayb_protocol::tables::AllowedTables;
use ayb_protocol::time::Timestamp;
use std::sync::Arc;
use uuid::Uuid;

/// A request whose answer may go to a redirect URI: the client exists and the address is registered for it.
#[derive(Clone, Debug)]
pub struct Addressed {
    client: Arc<ClientRecord>,
    redirect_uri: RedirectUri,
}

/// Trusts the address of a request.
///
/// # Errors
/// To be shown on a page, never by redirect (RFC 6749 §4.1.2.1): `invalid_client` for an unknown or revoked client,
/// `invalid_request` for an address that is not registered.
pub fn address(address: &Address, found: Option<Arc<ClientRecord>>) -> Result<Addressed, Refusal> {
    let client = found
        .filter(|client| client.client_id.as_str() == address.client_id)
        .ok_or(Refusal::new(ErrorCode::InvalidClient, "This app is not known here."))?;
    if client.revoked_at.is_some() {
        return Err(Refusal::new(
            ErrorCode::InvalidClient,
            "This app is no longer allowed to ask for access.",
        ));
    }
    let redirect_uri = RedirectUri::trust(&address.redirect_uri, &client.settings.redirect_uris)?;
    Ok(Addressed { client, redirect_uri })
}

impl Addressed {
    /// The client.
    pub fn client(&self) -> &ClientRecord {
        &self.client
    }

    /// Where the answer goes.
    pub fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// Checks what is asked against what the client may have.
    ///
    /// # Errors
    /// `invalid_scope`, to be sent to the redirect URI. Asking for single claims needs the scope that opens them.
    pub fn validate(&self, request: AuthorizeRequest) -> Result<Validated, Refusal> {
        let scopes = &self.client.settings.scopes;
        let granted = request.scope.narrow(scopes, self.client.settings.refresh_tokens)?;
        let claims_registered = request.claims.implied_scopes().iter().all(|word| scopes.has(*word));
        if !claims_registered {
            let text = "The claims parameter asks for more than this client is registered for.";
            return Err(Refusal::new(ErrorCode::InvalidScope, text));
        }
        Ok(Validated {
            client: Arc::clone(&self.client),
            redirect_uri: self.redirect_uri.clone(),
            request,
            granted,
        })
    }
}

/// A request that could be granted, if the person agrees.
#[derive(Clone, Debug)]
pub struct Validated {
    client: Arc<ClientRecord>,
    redirect_uri: RedirectUri,
    request: AuthorizeRequest,
    granted: GrantedScope,
}

/// What the person has done for this very request so far. The server signs it into the address that leads back.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// When the person was first sent to sign in, for the first time or again; a sign-in after it satisfies
    /// `prompt=login` and `max_age`. Without it somebody who was not signed in would be asked twice.
    pub login_asked_at: Option<Timestamp>,
    /// The person has chosen an account.
    pub account_chosen: bool,
}

impl Progress {
    /// Whether somebody was sent to sign in, and this is who did.
    fn is_answered_by(self, present: &Present) -> bool {
        self.login_asked_at.is_some_and(|asked_at| present.session().auth_time >= asked_at)
    }
}

/// What comes next.
#[derive(Clone, Debug)]
pub enum Step {
    /// Sign in. `again` when somebody is signed in but must prove it anew.
    SignIn {
        /// Whether this is a re-authentication.
        again: bool,
    },
    /// Choose between the account that is signed in and another.
    SelectAccount,
    /// Ask for consent.
    AskConsent(ConsentQuestion),
    /// Everything is there: issue a code.
    Approved(Box<Approved>),
    /// Send an error to the redirect URI.
    Refuse(Refusal),
}

/// What the consent page asks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConsentQuestion {
    /// Everything that will be remembered as allowed.
    pub scope: Scope,
    /// On which tables.
    pub tables: AllowedTables,
    /// The part of it that was not allowed before.
    pub new: Scope,
}

/// A request that the person has agreed to, now or earlier. Only [`Validated::decide`] and [`Validated::approve`]
/// make it.
#[derive(Clone, Debug)]
pub struct Approved {
    validated: Validated,
    present: Present,
}

impl Validated {
    /// The client.
    pub fn client(&self) -> &ClientRecord {
        &self.client
    }

    /// Where the answer goes.
    pub fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// The request.
    pub fn request(&self) -> &AuthorizeRequest {
        &self.request
    }

    /// What would be granted.
    pub fn scope(&self) -> &GrantedScope {
        &self.granted
    }

    /// Decides what comes next. `expected_sub` is the person that a verified `id_token_hint` names.
    pub fn decide(
        self,
        present: Option<Present>,
        consent: Option<&ConsentRecord>,
        progress: Progress,
        expected_sub: Option<&str>,
        now: Timestamp,
    ) -> Step {
        let prompt = self.request.prompt;
        let Some(present) = present else {
            return if prompt.none { refuse_login() } else { Step::SignIn { again: false } };
        };
        if !self.is_about(&present, expected_sub) {
            // Whoever has signed in for this very request is not the one it is about, and nobody else is there.
            let asked = prompt.none || progress.is_answered_by(&present);
            return if asked { refuse_login() } else { Step::SignIn { again: true } };
        }
        if self.must_sign_in_again(&present, progress, now) {
            return if prompt.none { refuse_login() } else { Step::SignIn { again: true } };
        }
        if prompt.select_account && !progress.account_chosen {
            return Step::SelectAccount;
        }
        let consent = self.own(consent, &present);
        let asked = self.consent_scope();
        let covered = consent.is_some_and(|consent| consent.covers(&asked, &self.request.tables));
        if covered && !prompt.consent {
            return Step::Approved(Box::new(Approved { validated: self, present }));
        }
        if prompt.none {
            return Step::Refuse(Refusal::new(
                ErrorCode::ConsentRequired,
                "The person has not agreed to this yet.",
            ));
        }
        Step::AskConsent(self.question(consent))
    }

    /// The person said yes on the consent page. Everything else was decided before and is decided again here, so
    /// that a page left open cannot outlive the session or the sign-in it belongs to.
    ///
    /// # Errors
    /// The step that must come first.
    pub fn approve(
        self,
        present: Option<Present>,
        consent: Option<&ConsentRecord>,
        progress: Progress,
        expected_sub: Option<&str>,
        now: Timestamp,
    ) -> Result<(Approved, ConsentRecord), Step> {
        let again = self.clone();
        match again.decide(present.clone(), consent, progress, expected_sub, now) {
            Step::AskConsent(_) | Step::Approved(_) => {}
            other => return Err(other),
        }
        let Some(present) = present else { return Err(Step::SignIn { again: false }) };
        let consent = self.own(consent, &present);
        let (scope, tables) = widened(consent, &self.consent_scope(), &self.request.tables);
        let record = ConsentRecord {
            user_id: present.user().id,
            client_id: self.client.client_id.clone(),
            scope,
            tables,
            granted_at: now,
        };
        Ok((Approved { validated: self, present }, record))
    }

    /// What the consent page asks, given what was agreed to before.
    pub fn question(&self, consent: Option<&ConsentRecord>) -> ConsentQuestion {
        let asked = self.consent_scope();
        let (scope, tables) = widened(consent, &asked, &self.request.tables);
        let known = consent.map(|consent| consent.scope).unwrap_or_default();
        ConsentQuestion { scope, tables, new: asked.beyond(&known) }
    }

    /// The consent that was loaded, if it is about this person and this client.
    fn own<'a>(&self, consent: Option<&'a ConsentRecord>, present: &Present) -> Option<&'a ConsentRecord> {
        consent.filter(|consent| {
            consent.user_id == present.user().id && consent.client_id == self.client.client_id
        })
    }

    /// The scope that consent is about: what is granted, and what single claims imply.
    fn consent_scope(&self) -> Scope {
        let implied = self.request.claims.implied_scopes();
        let words = implied.iter().map(|word: &IdentityScope| word.as_str()).collect::<Vec<_>>().join(" ");
        let implied = Scope::parse(&words).unwrap_or_default();
        self.granted.scope().union(&implied)
    }

    fn is_about(&self, present: &Present, expected_sub: Option<&str>) -> bool {
        let sub = present.user().id.to_string();
        [self.request.claims.sub.as_deref(), expected_sub]
            .into_iter()
            .flatten()
            .all(|expected| expected == sub)
    }

    fn must_sign_in_again(&self, present: &Present, progress: Progress, now: Timestamp) -> bool {
        if progress.is_answered_by(present) {
            return false;
        }
        let auth_time = present.session().auth_time;
        let too_old = |max_age| now > auth_time.plus(max_age);
        self.request.prompt.login || self.request.max_age.is_some_and(too_old)
    }
}

fn refuse_login() -> Step {
    Step::Refuse(Refusal::new(ErrorCode::LoginRequired, "The person has to sign in first."))
}

/// What the server draws for a new code.
#[derive(Clone, Copy, Debug)]
pub struct FreshCode {
    /// The row's identifier.
    pub id: Uuid,
    /// The code's hash.
    pub hash: SecretHash<Code>,
    /// The identifier of the grant that the code will open.
    pub grant_id: GrantId,
}

impl Approved {
    /// The request.
    pub fn validated(&self) -> &Validated {
        &self.validated
    }

    /// The code to store.
    pub fn code(&self, fresh: &FreshCode, policy: &Policy, now: Timestamp) -> CodeRecord {
        let Validated { client, redirect_uri, request, granted } = &self.validated;
        CodeRecord {
            id: fresh.id,
            hash: fresh.hash,
            client_id: client.client_id.clone(),
            user_id: self.present.user().id,
            redirect_uri: redirect_uri.clone(),
            scope: *granted,
            tables: request.tables.clone(),
            challenge: request.challenge,
            state: request.state.clone(),
            nonce: request.nonce.clone(),
            claims: request.claims.clone(),
            auth_time: self.present.session().auth_time,
            amr: self.present.session().amr.clone(),
            session_id: Some(self.present.session().id),
            grant_id: fresh.grant_id,
            expires_at: now.plus(policy.code),
            used_at: None,
            created_at: now,
        }
    }
}
