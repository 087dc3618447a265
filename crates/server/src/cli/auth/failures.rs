//! What the client's errors mean on the command line.

use ayb_client::error::{ConfigurationError, NetworkError, TokenError};
use ayb_client::{OAuth2Error, Recovery};

use crate::cli::failure::{Exit, Failure};
use crate::cli::output::clean;

/// The failure of something that was tried for a profile.
pub(super) fn failed(message: &str, profile: &str, error: &OAuth2Error) -> Failure {
    let failure = Failure::new(exit_of(error), message).because(clean(&error.to_string()));
    match error.recovery() {
        Recovery::Reauthenticate => {
            failure.hint(format!("sign in with `ayb auth login <issuer> --profile {profile}`"))
        }
        Recovery::Retry { after: Some(after) } => {
            failure.hint(format!("try again in {} seconds", after.as_secs().max(1)))
        }
        Recovery::Retry { after: None } => failure.hint("try again"),
        Recovery::AdjustRequest => failure.hint("ask for other scopes with --scopes"),
        Recovery::FixConfiguration => failure.hint(configuration_hint(error)),
        Recovery::Fatal => failure.hint("`ayb auth doctor <issuer>` may say why"),
    }
}

fn exit_of(error: &OAuth2Error) -> Exit {
    match error {
        OAuth2Error::Network(NetworkError::UnusableAnswer { .. }) => Exit::Failed,
        OAuth2Error::Network(_) => Exit::Unreachable,
        OAuth2Error::Token(TokenError::NoTokens) => Exit::NotFound,
        _ if error.recovery() == Recovery::Reauthenticate => Exit::Unauthorized,
        _ => Exit::Failed,
    }
}

const fn configuration_hint(error: &OAuth2Error) -> &'static str {
    match error {
        OAuth2Error::Configuration(ConfigurationError::DiscoveryFailed { .. }) => {
            "`ayb auth doctor <issuer>` says what is wrong with the provider"
        }
        OAuth2Error::Storage(_) => {
            "the tokens were encrypted with another key; sign in again, or bring the key back"
        }
        OAuth2Error::Token(_) => {
            "look at the client's registration at the provider, and at AYB_CLIENT_SECRET"
        }
        _ => "`ayb auth doctor <issuer>` shows what the provider can do",
    }
}
