//! How a request shows who sends it (RFC 6749 §2.3, RFC 7523 §2.2, OpenID Connect Core §9).

use ayb_protocol::jose::{Algorithm, HmacKey, base64url, jwt};
use ayb_protocol::message::client_auth::{write_basic, write_basic_raw};
use secrecy::ExposeSecret as _;
use serde_json::json;
use url::Url;
use zeroize::Zeroizing;

use crate::Endpoint;
use crate::config::{ClientAuthMethod, sign_jwt};
use crate::core::Core;
use crate::dpop;
use crate::error::{ConfigurationError, OAuth2Error};
use crate::http::{Form, HttpRequest, Method};
use crate::id_token::TENANT;
use crate::resilience::AsyncRequest;

/// The type of an assertion (RFC 7523 §2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What its header says it is (`typ`).
const ASSERTION: &str = "client-authentication+jwt";

/// How long an assertion lives, in seconds.
const ASSERTION_LIFETIME: i64 = 60;

/// A form that goes to an endpoint at which the client proves itself.
pub(crate) struct Proven {
    pub(crate) endpoint: Endpoint,
    pub(crate) url: Url,
    pub(crate) form: Vec<(std::borrow::Cow<'static, str>, Zeroizing<String>)>,
    /// Which media type the answer is to have.
    pub(crate) accept: &'static str,
}

/// What all but signed answers are.
pub(crate) const JSON: &str = "application/json";

impl AsyncRequest for Proven {
    /// Assertions are made anew for every attempt: their names are good for one use.
    async fn request(&self, core: &Core) -> Result<HttpRequest, OAuth2Error> {
        let mut form = Form::default();
        for (name, value) in &self.form {
            form.add(name, value);
        }
        let mut headers = vec![("accept", Zeroizing::new(self.accept.to_owned()))];
        core.prove(self.endpoint, &mut form, &mut headers).await?;
        // RFC 9449 §5 and §10.1: the requests whose answers can be bound to the key.
        if matches!(self.endpoint, Endpoint::Token | Endpoint::PushedAuthorization)
            && let Some(proof) = core.proof(Method::Post.as_str(), &self.url, None)?
        {
            headers.push((dpop::HEADER, proof));
        }
        let provider = &core.config.provider;
        form.rename(&provider.renamed_params);
        let body = if provider.takes_json && self.endpoint == Endpoint::Token {
            headers.push(("content-type", Zeroizing::new(JSON.to_owned())));
            let failed = |_| ConfigurationError::Invalid("the request cannot be written");
            form.encode_json().map_err(failed)?
        } else {
            form.encode()
        };
        Ok(HttpRequest { method: Method::Post, url: self.url.clone(), headers, body: Some(body) })
    }
}

impl Core {
    async fn prove(
        &self,
        endpoint: Endpoint,
        form: &mut Form,
        headers: &mut Vec<(&'static str, Zeroizing<String>)>,
    ) -> Result<(), OAuth2Error> {
        let client = &self.config.credentials;
        if let Some(authenticator) = &client.authenticator {
            form.add("client_id", &client.client_id);
            for (name, value) in authenticator.authenticate(endpoint).await? {
                form.add(&name, value.expose_secret());
            }
            return Ok(());
        }
        match client.method_for(self.config.provider.auth_methods.as_deref()) {
            // RFC 8705 §2: the name is sent here too. The certificate is the transport's.
            ClientAuthMethod::None
            | ClientAuthMethod::Auto
            | ClientAuthMethod::TlsClientAuth
            | ClientAuthMethod::SelfSignedTlsClientAuth => {
                form.add("client_id", &client.client_id);
            }
            ClientAuthMethod::ClientSecretPost => {
                form.add("client_id", &client.client_id).add("client_secret", client.expose_secret()?);
            }
            ClientAuthMethod::ClientSecretBasic => {
                // There it is a parameter of what is asked, whatever the header says (RFC 9126 §2.1).
                if endpoint == Endpoint::PushedAuthorization {
                    form.add("client_id", &client.client_id);
                }
                headers.push(("authorization", write_basic(&client.client_id, client.expose_secret()?)));
            }
            ClientAuthMethod::ClientSecretBasicRaw => {
                headers.push(("authorization", write_basic_raw(&client.client_id, client.expose_secret()?)));
            }
            ClientAuthMethod::ClientSecretJwt => {
                let weak = ConfigurationError::Invalid(
                    "client_secret_jwt needs a secret of 32 bytes (RFC 7518 §3.2)",
                );
                let secret = client.expose_secret()?.as_bytes();
                let key = HmacKey::from_secret(Algorithm::HS256, secret).map_err(|_| weak)?;
                let failed = ConfigurationError::Invalid("the client's key could not sign");
                let assertion = jwt::sign_hmac(&key, ASSERTION, &self.assertion()?);
                self.assert(form, assertion.map_err(|_| failed)?);
            }
            ClientAuthMethod::PrivateKeyJwt => {
                let key = client.key.as_ref().ok_or(ConfigurationError::MissingPrivateKey)?;
                self.assert(form, sign_jwt(&**key, ASSERTION, &self.assertion()?).await?);
            }
        }
        Ok(())
    }

    fn assert(&self, form: &mut Form, assertion: String) {
        let assertion = Zeroizing::new(assertion);
        form.add("client_id", &self.config.credentials.client_id);
        form.add("client_assertion_type", ASSERTION_TYPE).add("client_assertion", &assertion);
    }

    /// The audience is the issuer, as one text, unless the provider wants another: a server that is another one cannot use the
    /// assertion.
    fn assertion(&self) -> Result<serde_json::Value, OAuth2Error> {
        let provider = &self.config.provider;
        // The issuer of many tenants is none that a server has.
        let issuer = provider.issuer.as_ref().filter(|issuer| !issuer.contains(TENANT));
        let audience = match provider.assertion_audience.as_ref().or(issuer) {
            Some(audience) => audience.as_str(),
            None => provider.endpoint(Endpoint::Token)?.as_str(),
        };
        let mut name = [0; 16];
        self.random.fill(&mut name);
        let (client_id, now) = (&self.config.credentials.client_id, self.now().as_seconds());
        Ok(json!({
            "iss": client_id, "sub": client_id, "aud": audience, "jti": base64url::encode(name),
            "iat": now, "exp": now + ASSERTION_LIFETIME,
        }))
    }
}
