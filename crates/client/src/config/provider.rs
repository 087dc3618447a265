//! The endpoints of a provider.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ayb_protocol::answer::ServerMetadata;
use ayb_protocol::jose::Algorithm;
use url::{Host, Url};

use crate::error::ConfigurationError;
use crate::{Endpoint, OAuth2Error};

/// The endpoints of a provider and what it can do. Endpoints that it does not have stay empty; a call that needs one says so.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProviderConfig {
    /// The authorization endpoint.
    pub authorization_endpoint: Option<Url>,
    /// The token endpoint.
    pub token_endpoint: Option<Url>,
    /// RFC 8628.
    pub device_authorization_endpoint: Option<Url>,
    /// RFC 7662.
    pub introspection_endpoint: Option<Url>,
    /// RFC 7009.
    pub revocation_endpoint: Option<Url>,
    /// Where the metadata came from.
    pub discovery_url: Option<Url>,
    /// OpenID Connect Core §5.3.
    pub userinfo_endpoint: Option<Url>,
    /// The public keys.
    pub jwks_uri: Option<Url>,
    /// OpenID Connect RP-Initiated Logout 1.0.
    pub end_session_endpoint: Option<Url>,
    /// RFC 9126.
    pub pushed_authorization_request_endpoint: Option<Url>,
    /// RFC 7591.
    pub registration_endpoint: Option<Url>,
    /// The issuer, letter by letter.
    pub issuer: Option<String>,
    /// Whether answers of the authorization endpoint must carry `iss` (RFC 9207 §3).
    pub iss_parameter_supported: bool,
    /// Methods of client authentication, if the provider lists them.
    pub auth_methods: Option<Vec<String>>,
    /// Methods of PKCE, if the provider lists them.
    pub code_challenge_methods: Option<Vec<String>>,
    /// For whom assertions of the client are (`aud`), where that is not the issuer: some providers want the address of their token
    /// endpoint, as RFC 7523 §3 had it.
    pub assertion_audience: Option<String>,
    /// What stands between scopes in requests and answers; a space when nothing is said.
    pub scope_separator: Option<char>,
    /// Parameters that every authorization request to this provider has.
    pub authorization_params: BTreeMap<String, String>,
    /// How many seconds tokens live whose life the provider does not tell.
    pub lifetime_if_unsaid: Option<u64>,
    /// Where refresh tokens go, if not to the token endpoint.
    pub refresh_endpoint: Option<Url>,
    /// Whether requests for tokens are an object in JSON, instead of the form of RFC 6749.
    pub takes_json: bool,
    /// Names of parameters that are other ones at this provider: `client_id`, say, and what stands there instead.
    pub renamed_params: BTreeMap<String, String>,
    /// In which member of an answer a person's tokens are, if not in the answer itself.
    pub tokens_within: Option<String>,
    /// Algorithms of ID tokens, if the provider lists them. Those that this crate does not speak are left out.
    pub id_token_algorithms: Option<Vec<Algorithm>>,
    /// Algorithms of signed answers of introspection, if the provider lists them (RFC 9701 §7).
    pub introspection_algorithms: Option<Vec<Algorithm>>,
    /// Algorithms of proofs of possession, if the provider lists them (RFC 9449 §5.1).
    pub dpop_algorithms: Option<Vec<Algorithm>>,
}

impl ProviderConfig {
    /// A provider about which nothing is known yet but its token endpoint.
    pub fn with_token_endpoint(token_endpoint: Url) -> Self {
        Self { token_endpoint: Some(token_endpoint), ..Self::default() }
    }

    /// Adds an endpoint; [`Endpoint::Discovery`] and [`Endpoint::Jwks`] too.
    #[must_use]
    pub fn with(mut self, endpoint: Endpoint, address: Url) -> Self {
        *self.slot(endpoint) = Some(address);
        self
    }

    /// Adds the issuer.
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    const fn slot(&mut self, endpoint: Endpoint) -> &mut Option<Url> {
        match endpoint {
            Endpoint::Authorization => &mut self.authorization_endpoint,
            Endpoint::Token => &mut self.token_endpoint,
            Endpoint::DeviceAuthorization => &mut self.device_authorization_endpoint,
            Endpoint::Introspection => &mut self.introspection_endpoint,
            Endpoint::Revocation => &mut self.revocation_endpoint,
            Endpoint::UserInfo => &mut self.userinfo_endpoint,
            Endpoint::Discovery => &mut self.discovery_url,
            Endpoint::Jwks => &mut self.jwks_uri,
            Endpoint::EndSession => &mut self.end_session_endpoint,
            Endpoint::PushedAuthorization => &mut self.pushed_authorization_request_endpoint,
            Endpoint::Registration => &mut self.registration_endpoint,
        }
    }

    /// The address of an endpoint.
    ///
    /// # Errors
    /// [`ConfigurationError::MissingEndpoint`] when the provider has none.
    pub fn endpoint(&self, endpoint: Endpoint) -> Result<&Url, OAuth2Error> {
        let address = match endpoint {
            Endpoint::Authorization => &self.authorization_endpoint,
            Endpoint::Token => &self.token_endpoint,
            Endpoint::DeviceAuthorization => &self.device_authorization_endpoint,
            Endpoint::Introspection => &self.introspection_endpoint,
            Endpoint::Revocation => &self.revocation_endpoint,
            Endpoint::UserInfo => &self.userinfo_endpoint,
            Endpoint::Discovery => &self.discovery_url,
            Endpoint::Jwks => &self.jwks_uri,
            Endpoint::EndSession => &self.end_session_endpoint,
            Endpoint::PushedAuthorization => &self.pushed_authorization_request_endpoint,
            Endpoint::Registration => &self.registration_endpoint,
        };
        address.as_ref().ok_or_else(|| ConfigurationError::MissingEndpoint(endpoint).into())
    }

    /// Where a grant is presented.
    ///
    /// # Errors
    /// [`ConfigurationError::MissingEndpoint`] when the provider has no token endpoint.
    pub(crate) fn endpoint_of_grant(&self, grant_type: &str) -> Result<&Url, OAuth2Error> {
        match &self.refresh_endpoint {
            Some(address) if grant_type == "refresh_token" => Ok(address),
            _ => self.endpoint(Endpoint::Token),
        }
    }

    /// What the provider calls a parameter.
    pub(crate) fn name_of<'a>(&'a self, parameter: &'a str) -> &'a str {
        self.renamed_params.get(parameter).map_or(parameter, String::as_str)
    }

    /// Checks every address.
    pub(crate) fn check(&self) -> Result<(), ConfigurationError> {
        let all = [
            (Endpoint::Authorization, &self.authorization_endpoint),
            (Endpoint::Token, &self.token_endpoint),
            (Endpoint::Token, &self.refresh_endpoint),
            (Endpoint::DeviceAuthorization, &self.device_authorization_endpoint),
            (Endpoint::Introspection, &self.introspection_endpoint),
            (Endpoint::Revocation, &self.revocation_endpoint),
            (Endpoint::UserInfo, &self.userinfo_endpoint),
            (Endpoint::Jwks, &self.jwks_uri),
            (Endpoint::EndSession, &self.end_session_endpoint),
            (Endpoint::PushedAuthorization, &self.pushed_authorization_request_endpoint),
            (Endpoint::Registration, &self.registration_endpoint),
        ];
        for (endpoint, address) in all {
            if let Some(address) = address {
                may_be_asked(endpoint, address)?;
            }
        }
        Ok(())
    }

    /// What the metadata of `issuer` say.
    ///
    /// # Errors
    /// When the document is another issuer's (RFC 8414 §3.3), or names an address that may not be used.
    pub(crate) fn from_metadata(
        issuer: &str,
        found_at: &Url,
        metadata: ServerMetadata,
    ) -> Result<Self, ConfigurationError> {
        let failed = |reason: String| ConfigurationError::DiscoveryFailed { reason };
        if metadata.issuer != issuer {
            return Err(failed("the document is another issuer's".to_owned()));
        }
        let read = |endpoint: Endpoint, text: Option<String>| {
            let Some(text) = text else { return Ok(None) };
            let url = Url::parse(&text).map_err(|_| failed(format!("the {endpoint} address is none")))?;
            may_be_led_to(endpoint, &url, found_at)?;
            Ok(Some(url))
        };
        let algorithms = |names: &[String]| names.iter().filter_map(|name| Algorithm::parse(name)).collect();
        Ok(Self {
            authorization_endpoint: read(Endpoint::Authorization, metadata.authorization_endpoint)?,
            token_endpoint: read(Endpoint::Token, metadata.token_endpoint)?,
            device_authorization_endpoint: read(
                Endpoint::DeviceAuthorization,
                metadata.device_authorization_endpoint,
            )?,
            introspection_endpoint: read(Endpoint::Introspection, metadata.introspection_endpoint)?,
            revocation_endpoint: read(Endpoint::Revocation, metadata.revocation_endpoint)?,
            discovery_url: Some(found_at.clone()),
            userinfo_endpoint: read(Endpoint::UserInfo, metadata.userinfo_endpoint)?,
            jwks_uri: read(Endpoint::Jwks, metadata.jwks_uri)?,
            end_session_endpoint: read(Endpoint::EndSession, metadata.end_session_endpoint)?,
            pushed_authorization_request_endpoint: read(
                Endpoint::PushedAuthorization,
                metadata.pushed_authorization_request_endpoint,
            )?,
            registration_endpoint: read(Endpoint::Registration, metadata.registration_endpoint)?,
            issuer: Some(metadata.issuer),
            iss_parameter_supported: metadata.authorization_response_iss_parameter_supported,
            auth_methods: metadata.token_endpoint_auth_methods_supported,
            code_challenge_methods: metadata.code_challenge_methods_supported,
            id_token_algorithms: metadata.id_token_signing_alg_values_supported.as_deref().map(algorithms),
            introspection_algorithms: metadata
                .introspection_signing_alg_values_supported
                .as_deref()
                .map(algorithms),
            dpop_algorithms: metadata.dpop_signing_alg_values_supported.as_deref().map(algorithms),
            ..Self::default()
        })
    }
}

/// Whether requests may go to an address: https, or plain http on this machine (RFC 8252 §8.3), without a user in it.
///
/// # Errors
/// [`ConfigurationError::InvalidEndpointUrl`] when not.
pub fn may_be_asked(endpoint: Endpoint, address: &Url) -> Result<(), ConfigurationError> {
    let refuse = |reason| Err(ConfigurationError::InvalidEndpointUrl { endpoint, reason });
    if !address.username().is_empty() || address.password().is_some() {
        return refuse("it names a user");
    }
    match address.scheme() {
        "https" => Ok(()),
        "http" if is_this_machine(address) => Ok(()),
        "http" => refuse("it is not https"),
        _ => refuse("it is no web address"),
    }
}

/// A document may not lead from https to http, nor from the open net into a private one: whoever can choose the issuer could
/// otherwise have this program ask addresses that only it can reach.
pub(crate) fn may_be_led_to(endpoint: Endpoint, address: &Url, from: &Url) -> Result<(), ConfigurationError> {
    let refuse = |reason| Err(ConfigurationError::InvalidEndpointUrl { endpoint, reason });
    may_be_asked(endpoint, address)?;
    if from.scheme() == "https" && address.scheme() != "https" {
        return refuse("it leads from https to http");
    }
    if address.host() != from.host() && is_private(address) && !is_private(from) {
        return refuse("it leads into a private network");
    }
    Ok(())
}

fn is_this_machine(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn is_private(address: &Url) -> bool {
    let ip = match address.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => ip.to_canonical(),
        _ => return is_this_machine(address),
    };
    match ip {
        IpAddr::V4(ip) => {
            ip.is_loopback()
                || ip.is_private()
                || ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_broadcast()
        }
        IpAddr::V6(ip) => {
            ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn only_https_and_this_machine_are_asked() {
        let table = [
            ("https://id.example/token", true),
            ("http://localhost:8080/token", true),
            ("http://127.0.0.1/token", true),
            ("http://[::1]:1/token", true),
            ("http://id.example/token", false),
            ("http://localhost.evil.example/", false),
            ("https://user:pw@id.example/", false),
            ("ftp://id.example/", false),
            ("file:///etc/passwd", false),
        ];
        for (text, allowed) in table {
            assert_eq!(may_be_asked(Endpoint::Token, &url(text)).is_ok(), allowed, "{text}");
        }
    }

    #[test]
    fn a_document_leads_neither_to_http_nor_into_a_private_network() {
        let metadata = |token: &str| ServerMetadata {
            issuer: "https://id.example".to_owned(),
            token_endpoint: Some(token.to_owned()),
            ..ServerMetadata::default()
        };
        let found_at = url("https://id.example/.well-known/openid-configuration");
        let read = |token| ProviderConfig::from_metadata("https://id.example", &found_at, metadata(token));
        for bad in [
            "http://id.example/token",
            "http://localhost/token",
            "https://169.254.169.254/token",
            "https://10.0.0.1/token",
            "https://[::ffff:192.168.0.1]/token",
            "https://[fd00::1]/token",
            "no address",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read("https://tokens.example/token").is_ok());
        let other =
            ProviderConfig::from_metadata("https://id.example/", &found_at, metadata("https://id.example/t"));
        assert!(
            matches!(other, Err(ConfigurationError::DiscoveryFailed { .. })),
            "a slash is another issuer"
        );
    }
}
