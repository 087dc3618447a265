//! Every route of the product, in one list, by who calls them.

use axum::Router;
use axum::routing::{delete, get, post};

use crate::app::App;
use crate::oauth::error::OAuthError;
use crate::pages::visit::Visit;
use crate::{api, health, oauth, openapi, pages};

/// The whole router.
pub fn router(app: App) -> Router {
    let mut router = Router::new().merge(health_routes()).merge(openapi::routes(&app));
    if app.config.auth.enabled {
        router = router.merge(people()).merge(accounts());
    }
    if app.config.auth.provider.enabled {
        router = router.merge(provider());
    }
    if app.tables.is_some() {
        router = router.merge(api::collections::routes());
    }
    if app.config.admin.enabled {
        router = router.merge(api::admin::routes(app.config.auth.provider.enabled));
    }
    let nothing_here = |visit: Visit| async move { pages::error::not_found(&visit) };
    let wrong_method = |visit: Visit| async move { pages::error::wrong_method(&visit) };
    router.fallback(nothing_here).method_not_allowed_fallback(wrong_method).with_state(app)
}

/// For load balancers and operators.
fn health_routes() -> Router<App> {
    Router::new()
        .route("/health", get(health::ready))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
}

/// For people with a browser.
fn people() -> Router<App> {
    Router::new()
        .route("/", get(pages::home::get))
        .route("/assets/{name}", get(pages::home::asset))
        .route("/login", get(pages::login::get).post(pages::login::post))
        .route("/signup", get(pages::signup::get).post(pages::signup::post))
        .route("/select-account", get(pages::select_account::get).post(pages::select_account::post))
        .route("/logout", get(pages::logout::get).post(pages::logout::post))
        .route("/forgot", get(pages::recover::get).post(pages::recover::post))
        .route("/reset", get(pages::recover::get_reset).post(pages::recover::post_reset))
        .route("/verify-email", get(pages::recover::verify_email).post(pages::recover::post_verify_email))
        .route("/account", get(pages::account::get))
        .route("/account/{part}", post(pages::account::post))
        .route("/demo", get(pages::demo::get))
}

/// For programs that sign people in.
fn accounts() -> Router<App> {
    Router::new()
        .route("/api/auth/register", post(api::auth::register))
        .route("/api/auth/login", post(api::auth::login))
        .route("/api/auth/refresh", post(api::auth::refresh))
        .route("/api/auth/logout", post(api::auth::logout))
        .route("/api/auth/me", get(api::auth::me).delete(api::auth::delete_me))
        .route("/api/auth/api-keys", get(api::auth::api_keys::list).post(api::auth::api_keys::create))
        .route("/api/auth/api-keys/{id}", delete(api::auth::api_keys::revoke))
        .route("/api/auth/forgot-password", post(api::auth::forgot_password))
        .route("/api/auth/reset-password", post(api::auth::reset_password))
        .route("/api/auth/verify-email", post(api::auth::verify_email))
        .route("/api/auth/resend-verification", post(api::auth::resend_verification))
}

/// For clients of the OAuth and OpenID Connect provider. Both addresses of an endpoint are one handler.
fn provider() -> Router<App> {
    let authorize = get(oauth::authorize::get).post(oauth::authorize::post);
    let token = post(oauth::token::post).fallback(wrong_method_of_client);
    let revoke = post(oauth::revoke::post).fallback(wrong_method_of_client);
    let metadata = get(oauth::metadata::get);
    Router::new()
        .route("/oauth/authorize", authorize.clone())
        .route("/api/auth/authorize", authorize)
        .route("/oauth/consent", get(oauth::authorize::get).post(pages::consent::post))
        .route("/api/auth/authorize/consent", post(pages::consent::post))
        .route("/oauth/token", token.clone())
        .route("/api/auth/token", token)
        .route("/oauth/revoke", revoke.clone())
        .route("/api/auth/revoke", revoke)
        .route("/oauth/userinfo", get(oauth::userinfo::get).post(oauth::userinfo::post))
        .route("/oauth/logout", get(pages::logout::get).post(pages::logout::post))
        .route("/jwks.json", get(oauth::keys::get))
        .route("/.well-known/openid-configuration", metadata.clone())
        .route("/.well-known/oauth-authorization-server", metadata)
}

async fn wrong_method_of_client() -> OAuthError {
    OAuthError::wrong_method()
}
