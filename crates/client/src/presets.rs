//! Well-known providers, as data: where they are, and in what they differ from the specifications. No code of this crate knows
//! any of them by name.

use url::Url;

use crate::config::{ClientAuthMethod, OAuth2Config, ProviderConfig};
use crate::error::{ConfigurationError, OAuth2Error};

/// Where a provider is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// At an issuer that describes itself. `{}` is a gap: a tenant, a domain, a region.
    Issuer(&'static str),
    /// At an issuer that is described somewhere else: where, and the issuer. The gaps of the issuer are the first ones of the
    /// other address; `{tenantid}` in it is whatever tenant an ID token names.
    Described(&'static str, &'static str),
    /// At addresses that are known; it describes itself nowhere. Authorization, token, device authorization, revocation.
    Addresses(&'static str, &'static str, Option<&'static str>, Option<&'static str>),
}

/// A well-known provider.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Preset {
    /// Its name, in lower case.
    pub name: &'static str,
    /// Where it is.
    pub place: Place,
    /// What stands between scopes, if it is not a space.
    pub scope_separator: Option<char>,
    /// Parameters that its authorization requests need to give what is usually wanted, such as a refresh token.
    pub authorization_params: &'static [(&'static str, &'static str)],
    /// How a client with a secret proves itself, if not as the provider lists it.
    pub auth_method: Option<ClientAuthMethod>,
    /// How many seconds its tokens live when it does not say.
    pub lifetime_if_unsaid: Option<u64>,
    /// Where refresh tokens go, if not to the token endpoint.
    pub refresh_endpoint: Option<&'static str>,
    /// Whether requests for tokens are JSON.
    pub takes_json: bool,
    /// What it calls parameters, if not what the specifications do.
    pub renamed_params: &'static [(&'static str, &'static str)],
    /// In which member of its answers a person's tokens are, if not in the answer itself.
    pub tokens_within: Option<&'static str>,
    /// What has to be known beside.
    pub note: &'static str,
}

const fn at(name: &'static str, issuer: &'static str, note: &'static str) -> Preset {
    Preset {
        name,
        place: Place::Issuer(issuer),
        scope_separator: None,
        authorization_params: &[],
        auth_method: None,
        lifetime_if_unsaid: None,
        refresh_endpoint: None,
        takes_json: false,
        renamed_params: &[],
        tokens_within: None,
        note,
    }
}

const fn known(
    name: &'static str,
    authorization: &'static str,
    token: &'static str,
    note: &'static str,
) -> Preset {
    Preset { place: Place::Addresses(authorization, token, None, None), ..at(name, "", note) }
}

const POST: Option<ClientAuthMethod> = Some(ClientAuthMethod::ClientSecretPost);
const BASIC: Option<ClientAuthMethod> = Some(ClientAuthMethod::ClientSecretBasic);

/// The providers.
pub const ALL: &[Preset] = &[
    Preset {
        authorization_params: &[("access_type", "offline"), ("prompt", "consent")],
        ..at(
            "google",
            "https://accounts.google.com",
            "A refresh token comes with the first consent only, hence the prompt.",
        )
    },
    Preset {
        place: Place::Addresses(
            "https://github.com/login/oauth/authorize",
            "https://github.com/login/oauth/access_token",
            Some("https://github.com/login/device/code"),
            None,
        ),
        scope_separator: Some(','),
        auth_method: POST,
        ..at("github", "", "Errors have status 200. There are no ID tokens.")
    },
    at("gitlab", "https://gitlab.com", "The issuer of an installation of your own is its address."),
    at(
        "microsoft",
        "https://login.microsoftonline.com/{}/v2.0",
        "The gap is the tenant's id. For accounts of every tenant there is `microsoft-common`.",
    ),
    Preset {
        place: Place::Described(
            "https://login.microsoftonline.com/common/v2.0",
            "https://login.microsoftonline.com/{tenantid}/v2.0",
        ),
        ..at(
            "microsoft-common",
            "",
            "Accounts of every tenant and private ones: who signed in is `iss` with `sub`, and never the e-mail address.",
        )
    },
    Preset {
        place: Place::Described("https://{}.b2clogin.com/{}/{}/v2.0", "https://{}.b2clogin.com/{}/v2.0/"),
        ..at(
            "microsoft-b2c",
            "",
            "The gaps are the tenant's name, the tenant's id, and the user flow. An access token comes for a scope of an API of yours only, or for the client's own id as a scope.",
        )
    },
    at(
        "okta",
        "https://{}/oauth2/{}",
        "The gaps are the domain and the authorization server, usually `default`.",
    ),
    at(
        "auth0",
        "https://{}/",
        "The gap is the domain. Without the parameter `audience` access tokens are opaque.",
    ),
    at("keycloak", "https://{}/realms/{}", "The gaps are host and realm."),
    at("cognito", "https://cognito-idp.{}.amazonaws.com/{}", "The gaps are region and user pool."),
    Preset {
        authorization_params: &[("response_mode", "form_post")],
        auth_method: POST,
        ..at(
            "apple",
            "https://appleid.apple.com",
            "The secret is a JWT that you sign yourself, for half a year at most.",
        )
    },
    at("slack", "https://slack.com", "For signing in; for its API there is `slack-user`."),
    Preset {
        scope_separator: Some(','),
        auth_method: POST,
        renamed_params: &[("scope", "user_scope")],
        tokens_within: Some("authed_user"),
        ..known(
            "slack-user",
            "https://slack.com/oauth/v2/authorize",
            "https://slack.com/api/oauth.v2.access",
            "Tokens for its API in the name of a person. They have no end unless rotation is switched on.",
        )
    },
    Preset {
        place: Place::Addresses(
            "https://discord.com/oauth2/authorize",
            "https://discord.com/api/oauth2/token",
            None,
            Some("https://discord.com/api/oauth2/token/revoke"),
        ),
        auth_method: BASIC,
        ..at("discord", "", "")
    },
    Preset {
        auth_method: BASIC,
        ..known(
            "spotify",
            "https://accounts.spotify.com/authorize",
            "https://accounts.spotify.com/api/token",
            "",
        )
    },
    Preset {
        authorization_params: &[("owner", "user")],
        auth_method: BASIC,
        takes_json: true,
        ..known(
            "notion",
            "https://api.notion.com/v1/oauth/authorize",
            "https://api.notion.com/v1/oauth/token",
            "There are no scopes: people choose pages. `workspace_id` and `bot_id` come with the tokens.",
        )
    },
    Preset { auth_method: POST, ..at("linkedin", "https://www.linkedin.com/oauth", "") },
    Preset {
        lifetime_if_unsaid: Some(3600),
        ..at(
            "salesforce",
            "https://login.salesforce.com",
            "`instance_url` comes with the tokens, their life does not.",
        )
    },
    Preset {
        authorization_params: &[("audience", "api.atlassian.com"), ("prompt", "consent")],
        auth_method: POST,
        ..known(
            "atlassian",
            "https://auth.atlassian.com/authorize",
            "https://auth.atlassian.com/oauth/token",
            "",
        )
    },
    Preset {
        authorization_params: &[("token_access_type", "offline")],
        ..known(
            "dropbox",
            "https://www.dropbox.com/oauth2/authorize",
            "https://api.dropboxapi.com/oauth2/token",
            "",
        )
    },
    Preset {
        auth_method: BASIC,
        refresh_endpoint: Some("https://api.figma.com/v1/oauth/refresh"),
        ..known(
            "figma",
            "https://www.figma.com/oauth",
            "https://api.figma.com/v1/oauth/token",
            "A refresh brings no new refresh token; the first one stays.",
        )
    },
    Preset {
        auth_method: BASIC,
        ..known("zoom", "https://zoom.us/oauth/authorize", "https://zoom.us/oauth/token", "")
    },
    Preset {
        place: Place::Addresses(
            "https://www.tiktok.com/v2/auth/authorize/",
            "https://open.tiktokapis.com/v2/oauth/token/",
            None,
            Some("https://open.tiktokapis.com/v2/oauth/revoke/"),
        ),
        scope_separator: Some(','),
        auth_method: POST,
        renamed_params: &[("client_id", "client_key")],
        ..at(
            "tiktok",
            "",
            "For web apps: of desktop apps it wants the PKCE challenge in hexadecimal, which is not spoken here. `open_id`, which comes with the tokens, is the person.",
        )
    },
    Preset { auth_method: POST, ..at("twitch", "https://id.twitch.tv/oauth2", "Scopes come as a list.") },
    Preset {
        place: Place::Addresses(
            "https://account.box.com/api/oauth2/authorize",
            "https://api.box.com/oauth2/token",
            None,
            Some("https://api.box.com/oauth2/revoke"),
        ),
        auth_method: POST,
        ..at("box", "", "A refresh token is good for one use.")
    },
    Preset {
        auth_method: BASIC,
        ..known(
            "bitbucket",
            "https://bitbucket.org/site/oauth2/authorize",
            "https://bitbucket.org/site/oauth2/access_token",
            "",
        )
    },
];

/// The provider of this name.
pub fn named(name: &str) -> Option<&'static Preset> {
    ALL.iter().find(|preset| preset.name == name)
}

impl Preset {
    /// Where the provider is described and which issuer it is, with their gaps filled; nothing when it is described nowhere.
    pub(crate) fn issuer(&self, place: &[&str]) -> Result<Option<(String, String)>, OAuth2Error> {
        let (described_at, issuer) = match self.place {
            Place::Issuer(template) => (template, template),
            Place::Described(described_at, issuer) => (described_at, issuer),
            Place::Addresses(..) => return Ok(None),
        };
        if described_at.matches("{}").count() < place.len() {
            return Err(ConfigurationError::Invalid("the issuer has fewer gaps").into());
        }
        Ok(Some((fill(described_at, place)?, fill(issuer, place)?)))
    }

    /// The addresses that are known.
    pub(crate) fn endpoints(&self) -> ProviderConfig {
        let Place::Addresses(authorization, token, device, revocation) = self.place else {
            return ProviderConfig::default();
        };
        let url = |text: &str| Url::parse(text).ok();
        ProviderConfig {
            authorization_endpoint: url(authorization),
            token_endpoint: url(token),
            device_authorization_endpoint: device.and_then(url),
            revocation_endpoint: revocation.and_then(url),
            refresh_endpoint: self.refresh_endpoint.and_then(url),
            ..ProviderConfig::default()
        }
    }

    pub(crate) fn apply(&self, config: &mut OAuth2Config) {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        config.provider.scope_separator = self.scope_separator;
        config.provider.authorization_params = self.authorization_params.iter().map(owned).collect();
        config.provider.lifetime_if_unsaid = self.lifetime_if_unsaid;
        config.provider.takes_json = self.takes_json;
        config.provider.renamed_params = self.renamed_params.iter().map(owned).collect();
        config.provider.tokens_within = self.tokens_within.map(str::to_owned);
        let credentials = &mut config.credentials;
        if let (Some(method), ClientAuthMethod::Auto) = (self.auth_method, credentials.auth_method) {
            credentials.auth_method = method;
        }
    }
}

/// An address with the first of `place` in its gaps.
fn fill(template: &str, place: &[&str]) -> Result<String, ConfigurationError> {
    let mut parts = template.split("{}");
    let mut address = parts.next().unwrap_or_default().to_owned();
    let mut filling = place.iter();
    for part in parts {
        let filled = filling.next().filter(|text| is_plain(text));
        let missing =
            ConfigurationError::Invalid("a gap of the issuer is not filled, or with more than a name");
        address.push_str(filled.ok_or(missing)?);
        address.push_str(part);
    }
    Ok(address)
}

/// A name, a host, a host with a port: nothing that leads somewhere else.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b))
        && text != ".."
}
