//! Presets: well-known providers as data.

use ayb_client::mock::{Fault, TestAuthServer};
use ayb_client::presets::{self, Place};
use ayb_client::{ClientCredentials, Endpoint, OAuth2Client as _};
use url::Url;

use crate::kit::{pair, params, sign_in};

#[test]
fn every_preset_is_complete_and_on_https() {
    let mut names: Vec<_> = presets::ALL.iter().map(|preset| preset.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!((names.len(), presets::ALL.len()), (26, 26));
    for preset in presets::ALL {
        let addresses = match preset.place {
            Place::Issuer(issuer) => vec![issuer],
            Place::Described(described_at, issuer) => vec![described_at, issuer],
            Place::Addresses(a, b, c, d) => [Some(a), Some(b), c, d].into_iter().flatten().collect(),
        };
        for address in addresses.into_iter().chain(preset.refresh_endpoint) {
            let url = Url::parse(&address.replace("{}", "x")).unwrap();
            assert_eq!(url.scheme(), "https", "{}", preset.name);
        }
    }
    for name in ["google", "github", "microsoft", "okta", "auth0"] {
        assert!(presets::named(name).is_some(), "{name}");
    }
}

#[tokio::test]
async fn a_preset_brings_its_addresses_and_its_ways() {
    let idp = TestAuthServer::start();
    let preset = presets::named("github").unwrap();
    let builder = idp.confidential("app").preset(preset, &[]).await.unwrap();
    let client = builder.build().unwrap();
    let start = client.start(params(&["repo", "gist"])).unwrap();
    assert_eq!((start.url.host_str(), start.url.path()), (Some("github.com"), "/login/oauth/authorize"));
    assert_eq!(pair(&start.url, "scope").as_deref(), Some("repo,gist"));
    // The test server stands in for the provider, with its answers.
    let ways = client.provider().clone();
    let client = idp.confidential("app").configure(|config| {
        config.provider.issuer = None;
        config.provider.iss_parameter_supported = false;
        config.provider.scope_separator = ways.scope_separator;
        config.provider.lifetime_if_unsaid = Some(60);
    });
    let client = client.build().unwrap();
    let body = "access_token=at&scope=repo%2Cgist&token_type=bearer".to_owned();
    idp.next(Endpoint::Token, Fault::Answer(200, "application/x-www-form-urlencoded", body));
    let response = sign_in(&idp, &client, params(&["repo", "gist"])).await.unwrap();
    assert_eq!((response.scope.as_deref(), response.expires_in), (Some("repo gist"), Some(60)));
    client.client_credentials().request_token(Some(&["a".to_owned(), "b".to_owned()])).await.unwrap();
    assert_eq!(idp.requests(Endpoint::Token)[1].form["scope"], "a,b");
}

#[tokio::test]
async fn the_usual_parameters_give_way_to_what_the_caller_says() {
    let idp = TestAuthServer::start();
    let usual = |config: &mut ayb_client::OAuth2Config| {
        let pairs = [("access_type", "offline"), ("prompt", "consent")];
        config.provider.authorization_params =
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    };
    let client = idp.client("app").configure(usual).build().unwrap();
    let mut asked = params(&["a"]);
    asked.prompt = Some(ayb_client::Prompt::None);
    let url = client.start(asked).unwrap().url;
    let prompts: Vec<_> = url.query_pairs().filter(|(name, _)| name == "prompt").collect();
    assert_eq!(
        (prompts.len(), prompts[0].1.as_ref(), pair(&url, "access_type").as_deref()),
        (1, "none", Some("offline"))
    );
}

#[tokio::test]
async fn gaps_are_filled_with_names_and_nothing_that_leads_elsewhere() {
    let keycloak = presets::named("keycloak").unwrap();
    for bad in [
        &["host"][..],
        &[],
        &["host", "realm", "more"],
        &["evil.test/x?", "r"],
        &["user@evil.test", "r"],
        &["h", ".."],
    ] {
        let idp = TestAuthServer::start();
        let builder = ayb_client::OAuth2::builder(ayb_client::OAuth2Config::new(
            idp.provider(),
            ClientCredentials::public("app"),
        ));
        assert!(builder.preset(keycloak, bad).await.is_err(), "{bad:?}");
        assert!(idp.requests(Endpoint::Discovery).is_empty());
    }
}
