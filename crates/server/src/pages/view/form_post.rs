//! The page that carries an authorization response by form (`response_mode=form_post`).

use super::samples::{self, Sampled};
use super::{Chrome, Hidden, filters};

/// An answer on its way to the client. A script file sends the form; without JavaScript the button does.
#[derive(Debug, Clone, askama::Template)]
#[template(path = "form_post.html")]
pub struct FormPostPage<'a> {
    /// What surrounds the page.
    pub chrome: Chrome<'a>,
    /// The registered redirect URI of the client.
    pub action: &'a str,
    /// Parameters of the response: `code`, `state`, `iss`, or `error` and its companions.
    pub parameters: Vec<Hidden<'a>>,
    /// Address of the script, see [`crate::assets::form_post_href`].
    pub script_href: &'a str,
    /// Host of the redirect URI, for the words on the page.
    pub host: &'a str,
}

impl Sampled for FormPostPage<'static> {
    const PAGE: &'static str = "form-post";

    fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            chrome: samples::chrome(),
            action: "https://app.trailbook.example/callback?tenant=1&x=2",
            parameters: vec![
                Hidden { name: "code", value: "ayb_ac_sample" },
                Hidden { name: "state", value: "a b&c" },
                Hidden { name: "iss", value: "https://id.example.com" },
            ],
            script_href: "/assets/form-post.js?v=sample",
            host: "app.trailbook.example",
        };
        let state = Hidden { name: "state", value: samples::HOSTILE };
        vec![
            ("plain", plain.clone()),
            ("hostile", Self { chrome: samples::hostile_chrome(), parameters: vec![state], ..plain }),
        ]
    }
}
