//! Dynamic client registration for the caller.

use std::sync::Arc;

use super::{OAuth2, OAuth2Builder};
use crate::config::ClientCredentials;
use crate::error::OAuth2Error;
use crate::types::{ClientMetadata, ClientRegistration, RegisteredClient};

impl OAuth2Builder {
    /// Registers a client at the provider (RFC 7591) and goes on as that client. It is asked once: where nobody knows whether the
    /// provider acted, [`crate::error::NetworkError::OutcomeUnknown`] says so, and asking again may make a second client.
    ///
    /// # Errors
    /// [`crate::error::ConfigurationError::RegistrationRefused`] when the provider does not want the client,
    /// [`crate::error::ConfigurationError::MissingEndpoint`] when it has no such endpoint, and what [`OAuth2Builder::build`] refuses.
    pub async fn register(
        mut self,
        wanted: &ClientRegistration,
    ) -> Result<(Self, RegisteredClient), OAuth2Error> {
        let client = self.asker(ClientCredentials::public("unregistered"))?;
        let registered = client.0.core.register(wanted).await?;
        self.config.credentials = registered.credentials.clone();
        self.transport = Some(Arc::clone(&client.0.core.transport));
        Ok((self, registered))
    }
}

impl OAuth2 {
    /// What is registered about a client now (RFC 7592 §2.1). Keep the answer: it may hold a new secret and a new token.
    ///
    /// # Errors
    /// [`crate::error::TokenError::InvalidToken`] when the client is not registered any more, or its token was replaced.
    pub async fn read_registration(
        &self,
        client: &RegisteredClient,
    ) -> Result<RegisteredClient, OAuth2Error> {
        self.0.core.read_registration(client).await
    }

    /// Replaces all that is registered about a client (RFC 7592 §2.2): what `metadata` leaves out is forgotten. Keep the answer.
    ///
    /// # Errors
    /// As [`OAuth2::read_registration`], and [`crate::error::ConfigurationError::RegistrationRefused`].
    pub async fn update_registration(
        &self,
        client: &RegisteredClient,
        metadata: &ClientMetadata,
    ) -> Result<RegisteredClient, OAuth2Error> {
        self.0.core.update_registration(client, metadata).await
    }

    /// Deletes a registration (RFC 7592 §2.3). Its tokens may go on counting until they expire: revoke them first.
    ///
    /// # Errors
    /// As [`OAuth2::read_registration`].
    pub async fn delete_registration(&self, client: &RegisteredClient) -> Result<(), OAuth2Error> {
        self.0.core.delete_registration(client).await
    }
}
