//! Where a person goes after signing in: a path of this server, and nothing else.

use url::Url;

const MAX_LEN: usize = 8 * 1024;

/// The path and query to go back to; `None` for anything that could lead elsewhere.
///
/// Browsers read `\` as `/`, drop tabs and line breaks, and read `//host` as another host, so each of these is refused
/// before the address is parsed at all.
pub fn checked(text: &str) -> Option<&str> {
    let one_slash = text.starts_with('/') && !text.starts_with("//");
    let strange = |c: char| c == '\\' || c.is_control() || c.is_whitespace();
    if !one_slash || text.len() > MAX_LEN || text.contains(strange) {
        return None;
    }
    let base = Url::parse("https://ayb.invalid").ok()?;
    let url = base.join(text).ok()?;
    (url.origin() == base.origin() && url.username().is_empty() && !url.path().starts_with("//"))
        .then_some(text)
}

/// A page address with `return_to`.
pub fn link(path: &str, return_to: Option<&str>) -> String {
    match return_to {
        Some(to) => {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", to).finish();
            let separator = if path.contains('?') { '&' } else { '?' };
            format!("{path}{separator}{query}")
        }
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_server_are_followed() {
        for good in ["/", "/account", "/oauth/authorize?client_id=a&state=%2F%2Fx", "/a#b"] {
            assert_eq!(checked(good), Some(good));
        }
        let long = format!("/{}", "a".repeat(MAX_LEN));
        for bad in [
            "",
            "account",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            " /account",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "/..//evil.example",
            "/.//evil.example",
            "/a b",
            &long,
        ] {
            assert_eq!(checked(bad), None, "{bad:?}");
        }
    }
}
