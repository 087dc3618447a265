//! `[admin]`: the administration API.

use serde::Deserialize;

use super::key::{Fallback, Key, Section};
use super::secret::SecretText;
use super::value::{Form, Kind};

/// The administration API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminConfig {
    /// Whether there is an administration API at all.
    pub enabled: bool,
    /// The path of the administration page, with a slash in front and none at the end.
    pub path: String,
    /// The administrator's password; without it one is made at the first start.
    pub password: Option<SecretText>,
    /// Sign-in attempts per minute and address; 0 is no limit.
    pub login_rate_limit: u32,
}

impl AdminConfig {
    pub(super) const SECTION: Section = Section { name: "admin", doc: "The administration API.", keys: KEYS };
}

const KEYS: &[Key] = &[
    Key::open(
        "admin.enabled",
        Kind::Switch,
        Fallback::Fixed("true"),
        "Offers the administration API under /api/admin.",
    ),
    Key::open(
        "admin.path",
        Kind::Text(&PAGE_PATH),
        Fallback::Fixed("/admin"),
        "Path of the administration page, for when there is one: in this version nothing answers there.",
    ),
    Key::secret(
        "admin.password",
        Kind::Text(&PASSWORD),
        "Password of the administrator. Without it the first start makes one and prints it once.",
    ),
    Key::open(
        "admin.login_rate_limit",
        Kind::Number { least: 0, most: 1_000_000 },
        Fallback::Fixed("20"),
        "Sign-in attempts of the administrator per minute and address; 0 is no limit.",
    ),
];

/// First path segments that belong to other routes.
const TAKEN: [&str; 8] = ["api", "oauth", "health", "demo", "assets", "login", "signup", "consent"];

static PAGE_PATH: Form = Form { name: "path", check: check_page_path };
static PASSWORD: Form = Form {
    name: "text",
    check: |text| if text.chars().count() < 8 { Err("must have at least 8 characters") } else { Ok(()) },
};

fn check_page_path(text: &str) -> Result<(), &'static str> {
    let plain = |segment: &str| {
        !segment.is_empty()
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let Some(rest) = text.strip_prefix('/') else {
        return Err("must begin with a slash");
    };
    if !rest.split('/').all(plain) {
        return Err("must be a path of letters, digits, `-` and `_`, such as /admin");
    }
    if rest.split('/').next().is_some_and(|first| TAKEN.contains(&first)) {
        return Err("must not begin with a path that the server uses for something else");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_path_keeps_out_of_the_way_of_other_routes() {
        for text in ["/admin", "/back-office/x_1"] {
            assert_eq!(check_page_path(text), Ok(()), "{text}");
        }
        for text in [
            "",
            "/",
            "admin",
            "//evil",
            "/admin/",
            "/api/x",
            "/oauth",
            "/a b",
            "/a/../api",
            "/.well-known",
            "/%61",
        ] {
            assert!(check_page_path(text).is_err(), "{text}");
        }
    }
}
