//! Which other origins may read answers. Never with credentials, and never for pages.

use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, CONTENT_TYPE,
    ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

const METHODS: &str = "GET, POST, PUT, PATCH, DELETE, OPTIONS";
const HEADERS: &str = "Content-Type, Authorization, X-Request-Id";
const EXPOSED: &str = "WWW-Authenticate, Location, X-Request-Id, Retry-After, \
     X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, \
     X-App-RateLimit-Limit, X-App-RateLimit-Remaining, X-App-RateLimit-Reset, \
     RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset";
const MAX_AGE: &str = "86400";

/// The paths that scripts of other origins may call.
const PREFIXES: [&str; 2] = ["/api/", "/.well-known/"];
const PATHS: [&str; 4] = ["/oauth/token", "/oauth/revoke", "/oauth/userinfo", "/jwks.json"];

/// An entry of a list of origins is not one.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "not an origin: {0:?} (write scheme, host and port only, in lower case: https://app.example.com; or \"*\" alone)"
)]
pub struct NotAnOrigin(pub String);

/// The server's own rule: which origins may read what the API answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cors(Allowed);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Allowed {
    Any,
    List(Vec<String>),
}

/// What a handler says about the readers of its answer, once it knows the credential: lists that an origin must all be in.
#[derive(Clone, Debug)]
struct CredentialOrigins(Vec<Vec<String>>);

impl Cors {
    /// Every origin may read: the default.
    pub const fn any() -> Self {
        Self(Allowed::Any)
    }

    /// The rule of the configuration: `["*"]` for every origin, a list of exact origins, or an empty list for none.
    ///
    /// # Errors
    /// [`NotAnOrigin`] names the first entry that no browser would ever send.
    pub fn parse(origins: &[String]) -> Result<Self, NotAnOrigin> {
        if let [one] = origins
            && one == "*"
        {
            return Ok(Self::any());
        }
        match origins.iter().find(|origin| !is_origin(origin)) {
            Some(wrong) => Err(NotAnOrigin(wrong.clone())),
            None => Ok(Self(Allowed::List(origins.to_vec()))),
        }
    }

    /// Whether scripts of other origins have any business at `path`.
    pub fn covers(path: &str) -> bool {
        PATHS.contains(&path) || PREFIXES.iter().any(|prefix| path.starts_with(prefix))
    }

    /// The answer to a preflight (Fetch, "CORS-preflight fetch"), `None` when the request is none. It cannot know the
    /// credential, so it speaks for the server's rule only.
    pub fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response> {
        let asks = method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let origin = headers.get(ORIGIN).filter(|_| asks)?;
        let mut response = StatusCode::NO_CONTENT.into_response();
        if self.write_origin(Some(origin), &mut response) {
            for (name, value) in [
                (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
                (ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
                (ACCESS_CONTROL_MAX_AGE, MAX_AGE),
            ] {
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
        }
        Some(response)
    }

    /// Writes on an answer whether `origin` may read it, by the server's rule and by what [`grant_origin`] said. A page
    /// is for the person in front of it, whatever its path. Which headers may be read is of interest to browsers only,
    /// and these name an origin (Fetch, "CORS protocol"); all others are spared the list.
    pub fn write(&self, origin: Option<&HeaderValue>, response: &mut Response) {
        if !is_page(response) && self.write_origin(origin, response) && origin.is_some() {
            response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
    }

    fn write_origin(&self, origin: Option<&HeaderValue>, response: &mut Response) -> bool {
        let credential = response.extensions_mut().remove::<CredentialOrigins>();
        let narrower = credential.iter().flat_map(|credential| &credential.0).map(Vec::as_slice);
        let lists: Vec<&[String]> = self.list().into_iter().chain(narrower).collect();
        if lists.is_empty() {
            response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            return true;
        }
        // The answer depends on who asks, for every cache between us.
        response.headers_mut().append(VARY, HeaderValue::from_static("Origin"));
        let allowed = origin.filter(|origin| lists.iter().all(|list| lists_origin(list, origin)));
        let Some(origin) = allowed else {
            return false;
        };
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        true
    }

    fn list(&self) -> Option<&[String]> {
        match &self.0 {
            Allowed::Any => None,
            Allowed::List(list) => Some(list),
        }
    }
}

/// Narrows who may read this answer to the origins of the app and those of the client, where these have any. It never
/// widens the server's rule.
pub fn grant_origin(response: &mut Response, allowed_origins: [&[String]; 2]) {
    let lists: Vec<_> = allowed_origins.into_iter().filter(|list| !list.is_empty()).collect();
    if !lists.is_empty() {
        response.extensions_mut().insert(CredentialOrigins(lists.into_iter().map(<[_]>::to_vec).collect()));
    }
}

fn is_page(response: &Response) -> bool {
    response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// An opaque origin writes itself `null`, and any page can be one: no list grants it.
fn lists_origin(list: &[String], origin: &HeaderValue) -> bool {
    origin != "null" && list.iter().any(|entry| origin == entry.as_str())
}

/// Whether a browser could send `text` as an origin: scheme, host and perhaps a port, in lower case, nothing after.
pub fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else {
        return false;
    };
    let scheme_char = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    let host_char =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._:[]".contains(&byte);
    let default_port = matches!(scheme, "http" if authority.ends_with(":80"))
        || matches!(scheme, "https" if authority.ends_with(":443"));
    !default_port
        && scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(scheme_char)
        && !authority.is_empty()
        && authority.bytes().all(host_char)
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = "https://app.example.com";
    const OTHER: &str = "https://other.example.com";

    fn cors(origins: &[&str]) -> Cors {
        Cors::parse(&strings(origins)).unwrap()
    }

    fn strings(origins: &[&str]) -> Vec<String> {
        origins.iter().map(|origin| (*origin).to_owned()).collect()
    }

    /// The granted origin and whether the answer says that it varies.
    fn written(server: &[&str], client: &[&str], origin: Option<&str>) -> (Option<String>, bool) {
        let [of_client, of_app] =
            [[&[], client], [client, &[]]].map(|lists| written_by(server, lists, origin));
        assert_eq!(of_client, of_app, "{server:?} {client:?} {origin:?}");
        of_client
    }

    /// The same for the origins of the app and those of the client.
    fn written_by(server: &[&str], lists: [&[&str]; 2], origin: Option<&str>) -> (Option<String>, bool) {
        let mut response = StatusCode::OK.into_response();
        let [app, client] = lists.map(strings);
        grant_origin(&mut response, [&app, &client]);
        let origin = origin.map(|origin| HeaderValue::from_str(origin).unwrap());
        cors(server).write(origin.as_ref(), &mut response);
        let headers = response.headers();
        let granted =
            headers.get(ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().unwrap().to_owned());
        let exposed = headers.contains_key(ACCESS_CONTROL_EXPOSE_HEADERS);
        assert_eq!(granted.is_some() && origin.is_some(), exposed);
        assert!(!headers.contains_key("access-control-allow-credentials"));
        (granted, headers.get_all(VARY).iter().any(|vary| vary == "Origin"))
    }

    #[test]
    fn server_and_client_grant_together() {
        let star = || Some("*".to_owned());
        let app = || Some(APP.to_owned());
        type Case<'a> = (&'a [&'a str], &'a [&'a str], Option<&'a str>, (Option<String>, bool));
        let cases: &[Case<'_>] = &[
            (&["*"], &[], Some(APP), (star(), false)),
            (&["*"], &[], Some("null"), (star(), false)),
            (&["*"], &[], None, (star(), false)),
            (&["*"], &[APP], Some(APP), (app(), true)),
            (&["*"], &[APP], Some(OTHER), (None, true)),
            (&["*"], &[APP], None, (None, true)),
            (&["*"], &[APP, "null"], Some("null"), (None, true)),
            (&["*"], &["*"], Some(APP), (None, true)),
            (&[APP], &[], Some(APP), (app(), true)),
            (&[APP], &[], Some(OTHER), (None, true)),
            (&[APP], &[], Some("https://app.example.com.evil.example"), (None, true)),
            (&[APP], &[], Some("http://app.example.com"), (None, true)),
            (&[APP], &[], Some("https://app.example.com:8443"), (None, true)),
            (&[APP], &[], Some("https://APP.example.com"), (None, true)),
            (&[APP], &[], Some("null"), (None, true)),
            (&[APP], &[OTHER], Some(APP), (None, true)),
            (&[APP], &[OTHER], Some(OTHER), (None, true)),
            (&[APP, OTHER], &[APP], Some(APP), (app(), true)),
            (&[], &[], Some(APP), (None, true)),
            (&[], &[APP], Some(APP), (None, true)),
        ];
        for (server, client, origin, expected) in cases {
            assert_eq!(written(server, client, *origin), *expected, "{server:?} {client:?} {origin:?}");
        }
    }

    #[test]
    fn an_origin_is_in_the_list_of_the_app_and_in_that_of_the_client() {
        let both = [APP, OTHER];
        let app = (Some(APP.to_owned()), true);
        for (server, lists) in [
            (&["*"][..], [&both[..], &[APP]]),
            (&["*"], [&[APP], &both]),
            (&both, [&both, &[APP]]),
            (&[APP], [&both, &both]),
        ] {
            assert_eq!(written_by(server, lists, Some(APP)), app, "{server:?} {lists:?}");
            assert_eq!(written_by(server, lists, Some(OTHER)), (None, true), "{server:?} {lists:?}");
        }
        assert_eq!(written_by(&["*"], [&[APP], &[OTHER]], Some(APP)), (None, true));
        assert_eq!(written_by(&[OTHER], [&[APP], &[APP]], Some(APP)), (None, true));
    }

    fn preflight(server: &[&str], fields: &[(&'static str, &str)]) -> Option<Response> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.insert(*name, value.parse().unwrap());
        }
        cors(server).preflight(&Method::OPTIONS, &headers)
    }

    #[test]
    fn a_preflight_is_answered_with_the_fixed_lists() {
        let asked = [("origin", APP), ("access-control-request-method", "POST")];
        let answer = preflight(&["*"], &asked).unwrap();
        assert_eq!(answer.status(), 204);
        let headers = answer.headers();
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_METHODS], "GET, POST, PUT, PATCH, DELETE, OPTIONS");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_HEADERS], "Content-Type, Authorization, X-Request-Id");
        assert_eq!(headers[ACCESS_CONTROL_MAX_AGE], "86400");
        let refused = preflight(&[OTHER], &asked).unwrap();
        assert_eq!(refused.status(), 204);
        assert!(!refused.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
        assert!(!refused.headers().contains_key(ACCESS_CONTROL_ALLOW_METHODS));
    }

    #[test]
    fn a_page_is_not_readable_even_at_a_path_of_the_api() {
        let mut page = axum::response::Html("<p>Allow?</p>").into_response();
        Cors::any().write(Some(&HeaderValue::from_static(APP)), &mut page);
        assert!(!page.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    }

    #[test]
    fn other_requests_are_no_preflight() {
        assert!(preflight(&["*"], &[("origin", APP)]).is_none());
        assert!(preflight(&["*"], &[("access-control-request-method", "POST")]).is_none());
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static(APP));
        headers.insert(ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("POST"));
        assert!(Cors::any().preflight(&Method::POST, &headers).is_none());
    }

    #[test]
    fn pages_are_never_covered() {
        for path in ["/api/auth/login", "/api/admin/apps", "/oauth/token", "/oauth/revoke", "/oauth/userinfo"]
        {
            assert!(Cors::covers(path), "{path}");
        }
        for path in ["/jwks.json", "/.well-known/openid-configuration"] {
            assert!(Cors::covers(path), "{path}");
        }
        let pages = [
            "/",
            "/login",
            "/oauth/authorize",
            "/oauth/consent",
            "/oauth/logout",
            "/admin/",
            "/demo",
            "/api",
        ];
        for path in pages.into_iter().chain(["/oauth/token/", "/oauth/tokens", "/jwks.jsonx", "/x/api/auth"])
        {
            assert!(!Cors::covers(path), "{path}");
        }
    }

    #[test]
    fn only_what_a_browser_can_send_is_an_origin() {
        let origins =
            ["http://localhost:3000", "https://[::1]:8443", "tauri://localhost", "chrome-extension://abc"];
        assert!(Cors::parse(&strings(&origins)).is_ok());
        let wrong = [
            "*",
            "null",
            "",
            "app.example.com",
            "https://",
            "https://app.example.com/",
            "https://app.example.com/a",
            "https://*.example.com",
            "https://App.example.com",
            "https://app.example.com:443",
            "http://a.b:80",
            "https://user@app.example.com",
            "https://app.example.com ",
            "//app.example.com",
            "1://a",
        ];
        for origin in wrong {
            let list = strings(&["https://fine.example.com", origin]);
            assert_eq!(Cors::parse(&list), Err(NotAnOrigin(origin.to_owned())), "{origin}");
        }
        assert_eq!(cors(&["*"]), Cors::any());
    }
}
