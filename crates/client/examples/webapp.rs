//! A website that signs people in: what is pending is sealed into a cookie, so any process can end the sign-in, and only in the
//! browser that began it.
//!
//! `cargo run -p ayb-client --example webapp -- https://id.example client-id client-secret http://localhost:3000`
//!
//! Register `http://localhost:3000/callback` as the redirect URI. A website in earnest has https, and `Secure` on its cookies.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::get;
use ayb_client::primitives::types::{RandomProvider as _, SystemRandom};
use ayb_client::{
    AuthorizationParams, CallbackParams, ClientCredentials, Expected, ExposeSecret as _, OAuth2, OAuth2Error,
    PendingAuthorization,
};
use url::Url;

struct Site {
    client: OAuth2,
    redirect_uri: Url,
    /// Seals the cookie. All processes of a website need the same one.
    cookie_key: [u8; 32],
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, client_id, secret, base] = &arguments[..] else {
        eprintln!("usage: webapp ISSUER CLIENT_ID CLIENT_SECRET BASE");
        return std::process::ExitCode::FAILURE;
    };
    match serve(issuer, ClientCredentials::with_secret(client_id, secret.as_str()), base).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}

async fn serve(
    issuer: &str,
    credentials: ClientCredentials,
    base: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let base = Url::parse(base)?;
    let mut cookie_key = [0; 32];
    SystemRandom.fill(&mut cookie_key);
    let client = OAuth2::discover(issuer, credentials).await.map_err(|error| error.explain())?;
    let site = Arc::new(Site { client, redirect_uri: base.join("/callback")?, cookie_key });
    let routes =
        Router::new().route("/", get(home)).route("/login", get(login)).route("/callback", get(callback));
    let port = base.port_or_known_default().unwrap_or(3000);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("Open {base}");
    axum::serve(listener, routes.with_state(site)).await?;
    Ok(())
}

async fn home() -> Response {
    ([("content-type", "text/html; charset=utf-8")], "<a href=\"/login\">Sign in</a>").into_response()
}

/// Sends the browser to the provider, with the cookie that ties the sign-in to it.
async fn login(State(site): State<Arc<Site>>) -> Result<Response, Failed> {
    let params = AuthorizationParams::new(site.redirect_uri.clone()).scopes(["openid", "email"]);
    let start = site.client.start(params)?;
    let sealed = start.pending.seal(&site.cookie_key)?;
    let cookie = format!("pending={sealed}; Path=/callback; HttpOnly; SameSite=Lax; Max-Age=600");
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to(start.url.as_str())).into_response())
}

/// Ends the sign-in. A website in earnest makes a session of its own here.
async fn callback(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let sealed = pairs.find(|(name, _)| *name == "pending").map(|(_, value)| value).unwrap_or_default();
    let pending = PendingAuthorization::open(sealed, &site.cookie_key)?;
    let response = site.client.finish(pending, CallbackParams::parse(&query.unwrap_or_default())?).await?;
    let id_token = response.id_token.as_ref().map_or("", |token| token.expose_secret());
    let claims = site.client.verify_id_token(id_token, &Expected::default()).await?;
    let gone = "pending=; Path=/callback; Max-Age=0".to_owned();
    // Plain text: what a provider says about a person is no HTML.
    let text = format!("hello {}\n", claims.email().unwrap_or(claims.subject()));
    Ok((AppendHeaders([(SET_COOKIE, gone)]), text).into_response())
}

/// What went wrong, for the log; the browser hears no more than that.
struct Failed(OAuth2Error);

impl From<OAuth2Error> for Failed {
    fn from(error: OAuth2Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        eprintln!("{}", self.0.explain());
        (axum::http::StatusCode::BAD_REQUEST, "The sign-in did not work. Try again.\n").into_response()
    }
}
