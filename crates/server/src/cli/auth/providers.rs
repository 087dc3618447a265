//! The manual's page of well-known providers, made from the presets of the client.

use std::fmt::Write as _;

use ayb_client::presets::{ALL, Place, Preset};

/// What the data do not say: the name as people write it, and where a client is registered.
const GUIDES: [(&str, &str, &str); 26] = [
    (
        "google",
        "Google",
        "[console.cloud.google.com](https://console.cloud.google.com/apis/credentials), OAuth client ID. The type \"Desktop app\" takes any port of this machine and has a secret all the same.",
    ),
    (
        "github",
        "GitHub",
        "[github.com/settings/developers](https://github.com/settings/developers), OAuth Apps. A callback on `http://127.0.0.1` takes any port; switch \"Enable Device Flow\" on for codes.",
    ),
    (
        "gitlab",
        "GitLab",
        "[User settings, Applications](https://gitlab.com/-/user_settings/applications). Take \"Confidential\" off for a program without a secret.",
    ),
    (
        "microsoft",
        "Microsoft Entra",
        "[entra.microsoft.com](https://entra.microsoft.com), App registrations. The platform \"Mobile and desktop\" takes any port of `http://localhost`.",
    ),
    (
        "microsoft-common",
        "Microsoft, accounts of every tenant",
        "[entra.microsoft.com](https://entra.microsoft.com), App registrations, with accounts of any directory and personal ones.",
    ),
    (
        "microsoft-b2c",
        "Microsoft Entra, Azure AD B2C",
        "[portal.azure.com](https://portal.azure.com), the directory of the tenant, Azure AD B2C, App registrations.",
    ),
    (
        "okta",
        "Okta",
        "the admin console of your organisation, Applications, \"Create App Integration\", OIDC.",
    ),
    (
        "auth0",
        "Auth0",
        "[manage.auth0.com](https://manage.auth0.com), Applications. The type \"Native\" has no secret.",
    ),
    (
        "keycloak",
        "Keycloak",
        "the admin console of the realm, Clients. Switch \"Client authentication\" off for a program without a secret.",
    ),
    ("cognito", "Amazon Cognito", "the AWS console, the user pool, App clients."),
    (
        "apple",
        "Apple",
        "[developer.apple.com](https://developer.apple.com/account/resources/identifiers), a Services ID. It takes https addresses with a host name only.",
    ),
    ("slack", "Slack", "[api.slack.com/apps](https://api.slack.com/apps), \"OAuth & Permissions\"."),
    (
        "slack-user",
        "Slack, its API",
        "[api.slack.com/apps](https://api.slack.com/apps), \"OAuth & Permissions\", \"User Token Scopes\".",
    ),
    ("discord", "Discord", "[discord.com/developers](https://discord.com/developers/applications), OAuth2."),
    ("spotify", "Spotify", "[developer.spotify.com](https://developer.spotify.com/dashboard)."),
    (
        "notion",
        "Notion",
        "[notion.so/my-integrations](https://www.notion.so/my-integrations), an integration of the type \"Public\".",
    ),
    (
        "linkedin",
        "LinkedIn",
        "[linkedin.com/developers](https://www.linkedin.com/developers/apps), with the product \"Sign In with LinkedIn using OpenID Connect\".",
    ),
    (
        "salesforce",
        "Salesforce",
        "Setup, App Manager, an app with OAuth settings. Sandboxes and own domains have an issuer of their own.",
    ),
    (
        "atlassian",
        "Atlassian",
        "[developer.atlassian.com](https://developer.atlassian.com/console/myapps), \"OAuth 2.0 integration\". Ask for `offline_access` to get a refresh token; it rotates.",
    ),
    ("dropbox", "Dropbox", "[dropbox.com/developers](https://www.dropbox.com/developers/apps)."),
    ("figma", "Figma", "[figma.com/developers](https://www.figma.com/developers/apps)."),
    (
        "zoom",
        "Zoom",
        "[marketplace.zoom.us](https://marketplace.zoom.us), Develop, Build App. Refresh tokens rotate.",
    ),
    ("tiktok", "TikTok", "[developers.tiktok.com](https://developers.tiktok.com/apps), \"Login Kit\"."),
    ("twitch", "Twitch", "[dev.twitch.tv](https://dev.twitch.tv/console/apps)."),
    (
        "box",
        "Box",
        "[app.box.com/developers](https://app.box.com/developers/console). Refresh tokens rotate and live for sixty days.",
    ),
    (
        "bitbucket",
        "Bitbucket Cloud",
        "the settings of the workspace, OAuth consumers. What is asked for is chosen there, so requests name no scopes.",
    ),
];

/// One section for each preset.
pub fn providers_markdown() -> String {
    let mut text = String::new();
    for preset in ALL {
        let guide = GUIDES.iter().find(|(name, ..)| *name == preset.name);
        let (title, place) =
            guide.map_or((preset.name, "the provider's pages."), |(_, title, place)| (*title, *place));
        let _ = write!(text, "### {title}\n\nRegister a client at {place}\n\n");
        section(&mut text, preset);
    }
    text
}

fn section(text: &mut String, preset: &Preset) {
    let name = preset.name;
    let gaps = match preset.place {
        Place::Issuer(address) | Place::Described(address, _) => address.matches("{}").count(),
        Place::Addresses(..) => 0,
    };
    let filled = vec!["\"…\""; gaps].join(", ");
    let _ = write!(
        text,
        "```rust\nlet preset = presets::named(\"{name}\").ok_or(\"no such preset\")?;\n\
         let client = OAuth2::builder(config).preset(preset, &[{filled}]).await?.build()?;\n```\n\n"
    );
    place(text, preset);
    if let Some(method) = preset.auth_method.and_then(ayb_client::ClientAuthMethod::as_str) {
        let _ = writeln!(text, "- A client with a secret proves itself by `{method}`.");
    }
    if let Some(separator) = preset.scope_separator {
        let _ = writeln!(
            text,
            "- Scopes are separated by `{separator}` on the wire; name them one by one as always."
        );
    }
    if !preset.authorization_params.is_empty() {
        let pairs = preset.authorization_params.iter().map(|(name, value)| format!("`{name}={value}`"));
        let _ =
            writeln!(text, "- Every authorization request has {}.", pairs.collect::<Vec<_>>().join(" and "));
    }
    if let Some(seconds) = preset.lifetime_if_unsaid {
        let _ = writeln!(text, "- It does not say how long tokens live; {seconds} seconds are assumed.");
    }
    differences(text, preset);
    if !preset.note.is_empty() {
        let _ = writeln!(text, "- {}", preset.note);
    }
    text.push('\n');
}

/// Where it is.
fn place(text: &mut String, preset: &Preset) {
    match preset.place {
        Place::Issuer(issuer) => {
            let _ = writeln!(text, "- Issuer: `{}`, which describes itself.", issuer.replace("{}", "…"));
        }
        Place::Described(described_at, issuer) => {
            let (described_at, issuer) = (described_at.replace("{}", "…"), issuer.replace("{}", "…"));
            let _ = writeln!(text, "- Issuer: `{issuer}`, which is described at `{described_at}`.");
            if issuer.contains("{tenantid}") {
                let _ = writeln!(
                    text,
                    "- `{{tenantid}}` is what an ID token names as `tid`, and compared with it."
                );
            }
        }
        Place::Addresses(authorization, token, device, revocation) => {
            let _ = writeln!(
                text,
                "- It describes itself nowhere. Authorization: `{authorization}`; token: `{token}`."
            );
            let more = [("Codes for devices", device), ("Revocation", revocation)];
            for (what, address) in more.into_iter().filter_map(|(what, address)| Some((what, address?))) {
                let _ = writeln!(text, "- {what}: `{address}`.");
            }
            let _ = writeln!(text, "- No ID tokens: ask its API who signed in.");
        }
    }
}

/// In what its requests and answers are not those of RFC 6749.
fn differences(text: &mut String, preset: &Preset) {
    if preset.takes_json {
        let _ = writeln!(text, "- Requests for tokens are JSON.");
    }
    if let Some(address) = preset.refresh_endpoint {
        let _ = writeln!(text, "- Refresh tokens go to `{address}`.");
    }
    for (name, other) in preset.renamed_params {
        let _ = writeln!(text, "- `{name}` is called `{other}` on the wire.");
    }
    if let Some(member) = preset.tokens_within {
        let _ = writeln!(text, "- The tokens are in the member `{member}` of its answer.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_has_a_guide_and_every_guide_a_preset() {
        let presets: Vec<_> = ALL.iter().map(|preset| preset.name).collect();
        let guides: Vec<_> = GUIDES.iter().map(|(name, ..)| *name).collect();
        assert_eq!(presets, guides);
    }
}
