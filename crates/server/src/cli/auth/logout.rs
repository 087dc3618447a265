//! `ayb auth logout`.

use ayb_client::OAuth2Error;
use ayb_client::error::ConfigurationError;
use serde_json::json;

use super::failures::failed;
use super::profile::{Profiles, storage_key};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::output::{Format, clean};

/// Revokes the tokens at the provider and forgets them. They are forgotten too when the provider cannot be reached; then the
/// command fails and says that they go on counting there.
pub(super) async fn run(name: &str, context: &mut Context<'_>) -> Result<(), Failure> {
    let profiles = Profiles::open(context)?;
    let (profile, client) = profiles.client(name, context)?;
    let revoked = client.sign_out(&storage_key(name)).await;
    if matches!(&revoked, Err(OAuth2Error::Storage(_))) {
        return revoked.map_err(|error| failed("the tokens cannot be forgotten", name, &error));
    }
    profiles.forget(name)?;
    let takes_none =
        matches!(&revoked, Err(OAuth2Error::Configuration(ConfigurationError::MissingEndpoint(_))));
    if takes_none {
        context.console.note(
            "The provider takes no revocations: the tokens are forgotten here, and end there by themselves.",
        )?;
    } else if let Err(error) = &revoked {
        let message = "the tokens are forgotten here, but could not be revoked at the provider";
        return Err(failed(message, name, error)
            .hint("they count there until they end; revoke them on the provider's page"));
    }
    let (name, issuer) = (clean(name), clean(&profile.issuer));
    match context.console.format {
        Format::Json => context.console.line(&json!({"profile": name, "revoked": !takes_none}).to_string()),
        _ => context.console.say(&format!("Signed out of {issuer}; the profile `{name}` is gone.")),
    }
}
