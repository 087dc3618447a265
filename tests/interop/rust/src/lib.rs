//! A relying party on the crate openidconnect, as an application would write it.

use anyhow::{Context as _, Result, ensure};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod,
    CoreGrantType, CoreIdTokenClaims, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
    CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::url::Url;
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalProviderMetadata, AuthType, AuthorizationCode, ClientId,
    ClientSecret, CsrfToken, EndSessionUrl, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl,
    LogoutRequest, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    PostLogoutRedirectUrl, ProviderMetadata, RedirectUrl, RefreshToken, RevocationUrl, Scope,
    SubjectIdentifier, TokenResponse as _, reqwest,
};
use serde::{Deserialize, Serialize};

/// The endpoints that openidconnect leaves to the application.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct MoreEndpoints {
    revocation_endpoint: RevocationUrl,
    end_session_endpoint: EndSessionUrl,
}

impl AdditionalProviderMetadata for MoreEndpoints {}

/// The discovery document.
pub type Metadata = ProviderMetadata<
    MoreEndpoints,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// openidconnect's client with every endpoint that ayb has.
pub type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointSet, EndpointMaybeSet, EndpointMaybeSet>;

/// What an application registers.
pub struct Registration {
    /// The client's name.
    pub client_id: String,
    /// Its secret; none for a public client.
    pub client_secret: Option<String>,
    /// How the secret is sent.
    pub auth_type: AuthType,
    /// Where answers go.
    pub redirect_uri: String,
}

/// One application at one provider.
pub struct RelyingParty {
    /// The discovery document.
    pub metadata: Metadata,
    /// The client.
    pub client: Client,
    http: reqwest::Client,
}

/// A sign-in that has begun; the application keeps it in the visitor's session.
pub struct Pending {
    /// Where the visitor is sent.
    pub address: Url,
    state: CsrfToken,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

impl RelyingParty {
    /// Reads the discovery document and the keys.
    ///
    /// # Errors
    /// When the issuer does not answer, or answers for another one.
    pub async fn discover(issuer: &str, registration: Registration) -> Result<Self> {
        // A client that follows redirects can be led to addresses inside the network.
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let metadata = Metadata::discover_async(IssuerUrl::new(issuer.to_owned())?, &http).await?;
        let more = metadata.additional_metadata();
        let client = CoreClient::from_provider_metadata(
            metadata.clone(),
            ClientId::new(registration.client_id),
            registration.client_secret.map(ClientSecret::new),
        )
        .set_auth_type(registration.auth_type)
        .set_redirect_uri(RedirectUrl::new(registration.redirect_uri)?)
        .set_revocation_url(more.revocation_endpoint.clone());
        Ok(Self { metadata, client, http })
    }

    /// Begins a sign-in.
    pub fn begin(&self, scopes: &[&str]) -> Pending {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let (address, state, nonce) = self
            .client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(scopes.iter().map(|scope| Scope::new((*scope).to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        Pending { address, state, nonce, verifier }
    }

    /// Ends a sign-in with the address that the visitor came back to.
    ///
    /// # Errors
    /// When the answer is not the one to this request, or a token does not hold what it must.
    pub async fn finish(
        &self,
        pending: Pending,
        answer: &Url,
    ) -> Result<(CoreTokenResponse, CoreIdTokenClaims)> {
        let parameter = |name: &str| {
            answer.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        // The crate leaves these two to the application: state against forged answers, iss against mix-up (RFC 9207).
        ensure!(parameter("state").as_ref() == Some(pending.state.secret()), "the state is another");
        let issuer = self.metadata.issuer().as_str();
        ensure!(parameter("iss").as_deref() == Some(issuer), "the issuer is another");
        if let Some(error) = parameter("error") {
            anyhow::bail!("the provider refused: {error}");
        }
        let code = AuthorizationCode::new(parameter("code").context("there is no code")?);
        let request = self.client.exchange_code(code)?.set_pkce_verifier(pending.verifier);
        let tokens = request.request_async(&self.http).await?;
        let id_token = tokens.id_token().context("there is no ID token")?;
        let verifier = self.client.id_token_verifier();
        let claims = id_token.claims(&verifier, &pending.nonce)?.clone();
        if let Some(expected) = claims.access_token_hash() {
            let (alg, key) = (id_token.signing_alg()?, id_token.signing_key(&verifier)?);
            let actual = AccessTokenHash::from_token(tokens.access_token(), alg, key)?;
            ensure!(actual == *expected, "the access token is another");
        }
        Ok((tokens, claims))
    }

    /// What the provider says about the person.
    ///
    /// # Errors
    /// When the token is refused, or the answer is about somebody else.
    pub async fn user_info(
        &self,
        token: &AccessToken,
        subject: SubjectIdentifier,
    ) -> Result<CoreUserInfoClaims> {
        Ok(self.client.user_info(token.clone(), Some(subject))?.request_async(&self.http).await?)
    }

    /// A new pair of tokens; the old refresh token is spent.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn refresh(&self, token: &RefreshToken) -> Result<CoreTokenResponse> {
        Ok(self.client.exchange_refresh_token(token)?.request_async(&self.http).await?)
    }

    /// A token for the application itself.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn machine(&self, scope: &str) -> Result<CoreTokenResponse> {
        let request = self.client.exchange_client_credentials()?.add_scope(Scope::new(scope.to_owned()));
        Ok(request.request_async(&self.http).await?)
    }

    /// Where the visitor is sent to sign out.
    pub fn sign_out(&self, tokens: &CoreTokenResponse, back: PostLogoutRedirectUrl) -> Url {
        let endpoint = self.metadata.additional_metadata().end_session_endpoint.clone();
        let request = LogoutRequest::from(endpoint).set_post_logout_redirect_uri(back);
        match tokens.id_token() {
            Some(id_token) => request.set_id_token_hint(id_token).http_get_url(),
            None => request.http_get_url(),
        }
    }
}
