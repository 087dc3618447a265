//! The front page and the few static files.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use http::{HeaderValue, StatusCode};

use crate::assets;
use crate::pages::error;
use crate::pages::respond::{Allow, page};
use crate::pages::view::{HomePage, View};
use crate::pages::visit::Visit;

/// Says what this server is.
pub async fn get(visit: Visit) -> Response {
    let present = match visit.present().await {
        Ok(present) => present,
        Err(fault) => return error::show(&visit, fault),
    };
    let view = HomePage {
        chrome: visit.chrome(present.as_ref()),
        issuer: visit.app.issuer(),
        sign_up: visit.app.config.auth.registration,
        demo: visit.app.demo_client.is_some(),
        provider: visit.app.config.auth.provider.enabled,
        docs_href: None,
    };
    page(StatusCode::OK, view.html(), &Allow::default())
}

/// A static file.
pub async fn asset(visit: Visit, name: Result<Path<String>, PathRejection>) -> Response {
    let Some(asset) = name.ok().and_then(|Path(name)| assets::asset(&name)) else {
        return error::not_found(&visit);
    };
    let mut response = asset.body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(assets::CACHE_CONTROL));
    headers.insert(ETAG, HeaderValue::from_static(asset.etag));
    response
}
