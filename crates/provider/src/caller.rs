//! Who calls: one value for every kind of credential, so that no door asks how somebody proved who they are unless that
//! is the question.

use crate::access::Access;
use crate::api_key::LiveKey;
use crate::app::RateLimit;
use crate::bearer::LiveToken;
use crate::session::Present;
use ayb_protocol::ids::{AppId, ClientId, UserId};
use ayb_protocol::scope::{ResourceScope, Scope};

/// Somebody whose credential is alive. Each kind holds what proved it, and none stands in for another.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Somebody who is signed in to the account API: they may do what is theirs to do.
    Session(Box<Present>),
    /// A client with an access token, for a person or for itself.
    Token(Box<LiveToken>),
    /// A program with a key that a person gave it.
    ApiKey(Box<LiveKey>),
}

/// The person on whose behalf something is done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Person<'a> {
    /// The identifier, the `sub` of tokens.
    pub id: UserId,
    /// Email address, in lowercase.
    pub email: &'a str,
}

/// The app whose limit the caller shares.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CallersApp {
    /// The app.
    pub id: AppId,
    /// What all its credentials may do together.
    pub rate_limit: RateLimit,
}

impl Caller {
    /// The person; none for a client that acts for itself.
    pub fn person(&self) -> Option<Person<'_>> {
        match self {
            Self::Session(present) => Some(Person { id: present.user().id, email: &present.user().email }),
            Self::Token(live) => live.person(),
            Self::ApiKey(live) => Some(live.person()),
        }
    }

    /// The client that holds the credential; none for sessions and API keys.
    pub fn client_id(&self) -> Option<&ClientId> {
        match self {
            Self::Token(live) => Some(&live.token().client_id),
            Self::Session(_) | Self::ApiKey(_) => None,
        }
    }

    /// The app that the credential belongs to; none for sessions and for keys without an app.
    pub fn app(&self) -> Option<CallersApp> {
        match self {
            Self::Session(_) => None,
            Self::Token(live) => {
                Some(CallersApp { id: live.found().app_id, rate_limit: live.found().rate_limit })
            }
            Self::ApiKey(live) => live.app(),
        }
    }

    /// The words of the credential. A session has what its person has, which is written `*`.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Session(_) => ResourceScope::Full.into(),
            Self::Token(live) => *live.token().scope.scope(),
            Self::ApiKey(live) => live.key().scope.into(),
        }
    }

    /// What it may do with tables.
    pub fn access(&self) -> Access<'_> {
        match self {
            Self::Session(_) => Access::everything(),
            Self::Token(live) => {
                let token = live.token();
                Access::new(token.scope.scope().resource(), &token.tables).only_if(live.is_for_us())
            }
            Self::ApiKey(live) => Access::new(Some(live.key().scope), &live.key().tables),
        }
    }

    /// Browser origins that may read answers to this caller: those that the app names and those that the client names.
    /// An origin must be in both lists; an empty one leaves it to the other, and two to the server's setting.
    pub fn allowed_origins(&self) -> [&[String]; 2] {
        match self {
            Self::Session(_) => [&[], &[]],
            Self::Token(live) => [&live.found().app_allowed_origins, &live.found().allowed_origins],
            Self::ApiKey(live) => [live.allowed_origins(), &[]],
        }
    }
}
