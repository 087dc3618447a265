//! Discovery (OpenID Connect Discovery 1.0 §4, RFC 8414 §3).

use ayb_protocol::answer::ServerMetadata;
use url::Url;
use zeroize::Zeroizing;

use crate::Endpoint;
use crate::config::{ProviderConfig, may_be_asked};
use crate::core::Core;
use crate::error::{ConfigurationError, NetworkError, OAuth2Error};
use crate::http::{HttpRequest, Method};
use crate::resilience::{Call, Kind, Plain};

/// Reads what an issuer says about itself. OpenID Connect's address is asked first, then the one of RFC 8414.
pub(crate) async fn discover(core: &Core, issuer: &str) -> Result<ProviderConfig, OAuth2Error> {
    discover_at(core, issuer, issuer).await
}

/// The same for an issuer that is described somewhere else, as if that were the issuer. The document has to name `issuer` all the
/// same (RFC 8414 §3.3).
pub(crate) async fn discover_at(
    core: &Core,
    described_at: &str,
    issuer: &str,
) -> Result<ProviderConfig, OAuth2Error> {
    let failed = |reason: &str| ConfigurationError::DiscoveryFailed { reason: reason.to_owned() };
    let address = Url::parse(described_at).map_err(|_| failed("the issuer is no address"))?;
    if address.query().is_some() || address.fragment().is_some() {
        return Err(failed("the issuer has a query or a fragment").into());
    }
    may_be_asked(Endpoint::Discovery, &address)?;
    let [first, second] = places(&address);
    match core.metadata(issuer, &first).await {
        // It is somewhere else only if it is not here; a document that is here and wrong is wrong.
        Err(error) if is_absence(&error) => match core.metadata(issuer, &second).await {
            Err(other) if is_absence(&other) => {
                Err(failed(&format!("there is no metadata document: {error}")).into())
            }
            answer => answer,
        },
        answer => answer,
    }
}

const fn is_absence(error: &OAuth2Error) -> bool {
    matches!(error, OAuth2Error::Network(NetworkError::UnusableAnswer { .. }))
}

/// OpenID Connect appends to the path of the issuer, RFC 8414 §3.1 inserts before it.
fn places(issuer: &Url) -> [Url; 2] {
    let path = issuer.path().trim_end_matches('/').to_owned();
    let (mut appended, mut inserted) = (issuer.clone(), issuer.clone());
    appended.set_path(&format!("{path}/.well-known/openid-configuration"));
    inserted.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    [appended, inserted]
}

impl Core {
    async fn metadata(&self, issuer: &str, address: &Url) -> Result<ProviderConfig, OAuth2Error> {
        let span = self.tracer.span("oauth2.discovery");
        let call = Call {
            endpoint: Endpoint::Discovery,
            kind: Kind::Read,
            asked: "discovery",
            span: &*span,
            parse_span: "oauth2.metadata_parse",
        };
        let headers = vec![("accept", Zeroizing::new("application/json".to_owned()))];
        let request = Plain(HttpRequest { method: Method::Get, url: address.clone(), headers, body: None });
        let strictness = self.config.strictness;
        let reading = self.call(&call, request, |answer| ServerMetadata::read(answer, strictness)).await?;
        Ok(ProviderConfig::from_metadata(issuer, address, reading.value)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_places_of_an_issuer_with_a_path_are_known() {
        for (issuer, oidc, oauth) in [
            (
                "https://a.example",
                "/.well-known/openid-configuration",
                "/.well-known/oauth-authorization-server",
            ),
            (
                "https://a.example/t/1",
                "/t/1/.well-known/openid-configuration",
                "/.well-known/oauth-authorization-server/t/1",
            ),
            (
                "https://a.example/t/",
                "/t/.well-known/openid-configuration",
                "/.well-known/oauth-authorization-server/t",
            ),
        ] {
            let [first, second] = places(&Url::parse(issuer).unwrap());
            assert_eq!((first.path(), second.path()), (oidc, oauth), "{issuer}");
        }
    }
}
