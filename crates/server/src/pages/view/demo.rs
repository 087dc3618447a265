//! The demo: a small relying party that shows its work.

use super::samples::{self, Sampled};
use super::{Chrome, filters};

/// `GET /demo`. The script reads its configuration from the `data-` attributes of `#demo`.
#[derive(Debug, Clone, askama::Template)]
#[template(path = "demo.html")]
pub struct DemoPage<'a> {
    /// What surrounds the page.
    pub chrome: Chrome<'a>,
    /// The issuer identifier, where discovery starts.
    pub issuer: &'a str,
    /// `client_id` of the demo's public client.
    pub client_id: &'a str,
    /// Its redirect URI, which is the address of this page.
    pub redirect_uri: &'a str,
    /// The scope to ask for.
    pub scope: &'a str,
    /// Address of the script, see [`crate::assets::demo_href`].
    pub script_href: &'a str,
    /// Address and password of the demo user, when one was made.
    pub user: Option<(&'a str, &'a str)>,
}

/// One step of the demo as the page lays it out before the script fills it.
struct Step {
    id: &'static str,
    title: &'static str,
    text: &'static str,
    button: Option<&'static str>,
}

/// The steps in order; each id is also `demo-<id>`, the id of its button.
const STEPS: [Step; 8] = [
    Step {
        id: "discovery",
        title: "Discovery",
        text: "The app knows one address, the issuer. Everything else it reads from there.",
        button: None,
    },
    Step {
        id: "signin",
        title: "Sign-in and consent",
        text: "The app sends the browser here with a PKCE challenge. You sign in and decide. It never sees your password.",
        button: Some("Sign in"),
    },
    Step {
        id: "exchange",
        title: "Code exchange",
        text: "The browser comes back with a code. Only the app that holds the PKCE verifier can turn it into tokens.",
        button: None,
    },
    Step {
        id: "userinfo",
        title: "UserInfo",
        text: "The access token opens what you allowed, and nothing more.",
        button: Some("Ask who signed in"),
    },
    Step {
        id: "refresh",
        title: "Refresh",
        text: "A refresh token works once. It is traded for a new pair, and the old one is spent.",
        button: Some("Refresh the tokens"),
    },
    Step {
        id: "revoke",
        title: "Revoke",
        text: "The app gives its access back.",
        button: Some("Revoke the tokens"),
    },
    Step {
        id: "check",
        title: "Is the token dead?",
        text: "The same request as in step 4. After the revocation it has to fail.",
        button: Some("Try the token"),
    },
    Step {
        id: "logout",
        title: "Sign out",
        text: "The browser session ends too, and the app is told so by a redirect.",
        button: Some("Sign out"),
    },
];

impl DemoPage<'_> {
    fn steps(&self) -> &'static [Step] {
        &STEPS
    }
}

impl Sampled for DemoPage<'static> {
    const PAGE: &'static str = "demo";

    fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            chrome: samples::chrome(),
            issuer: "http://127.0.0.1:8090",
            client_id: "ayb_cid_0123456789abcdef0123456789abcdef0123456789abcdef",
            redirect_uri: "http://127.0.0.1:8090/demo",
            scope: "openid profile email readonly offline_access",
            script_href: "/assets/demo.js?v=sample",
            user: Some(("demo@example.com", "correct horse battery")),
        };
        vec![
            ("plain", plain.clone()),
            (
                "hostile",
                Self {
                    chrome: samples::hostile_chrome(),
                    issuer: samples::HOSTILE,
                    client_id: samples::HOSTILE,
                    scope: samples::HOSTILE,
                    user: None,
                    ..plain
                },
            ),
        ]
    }
}
