//! `GET /demo`: a small relying party that shows each request of a sign-in. It is served by `ayb start --demo` only.

use axum::response::Response;
use http::StatusCode;

use crate::assets;
use crate::demo::{DEMO_EMAIL, DEMO_PASSWORD, DEMO_SCOPE};
use crate::pages::error;
use crate::pages::respond::{Allow, page};
use crate::pages::view::{DemoPage, View};
use crate::pages::visit::Visit;

/// Shows the page; its script does the rest.
pub async fn get(visit: Visit) -> Response {
    let Some(client_id) = &visit.app.demo_client else {
        return error::not_found(&visit);
    };
    let redirect_uri = format!("{}/demo", visit.app.issuer());
    let view = DemoPage {
        chrome: visit.chrome(None),
        issuer: visit.app.issuer(),
        client_id,
        redirect_uri: &redirect_uri,
        scope: DEMO_SCOPE,
        script_href: assets::demo_href(),
        user: Some((DEMO_EMAIL, DEMO_PASSWORD)),
    };
    let allow = Allow { script: true, connect: true, ..Allow::default() };
    page(StatusCode::OK, view.html(), &allow)
}
