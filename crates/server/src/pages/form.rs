//! Doors that take a form: what is no form, what did not come from our page, and what fails, is a page that says so.

use axum::response::Response;

use crate::http::extract::{BodyRejection, FormPairs};
use crate::oauth::error::OAuthError;
use crate::pages::login::HOME;
use crate::pages::respond::see_other;
use crate::pages::visit::{Visit, field};
use crate::pages::{error, return_to};

/// The pairs of a form, in the order in which they were sent.
pub type Pairs = [(String, String)];

/// Takes a form. Whether it came from our page is for `work` to check, which knows who is signed in.
pub async fn taken(
    visit: &Visit,
    form: Result<FormPairs, BodyRejection>,
    work: impl AsyncFnOnce(&Pairs) -> Result<Response, OAuthError>,
) -> Response {
    match form {
        Ok(FormPairs(pairs)) => work(&pairs).await.unwrap_or_else(|fault| error::show(visit, fault)),
        Err(rejection) => error::show(visit, rejection),
    }
}

/// Takes a form of a page on which somebody signs in. Who has done so meanwhile, in another tab, goes on from here: the
/// page that was left open is too old, but what it was for is done.
pub async fn taken_to_sign_in(
    visit: &Visit,
    form: Result<FormPairs, BodyRejection>,
    work: impl AsyncFnOnce(&Pairs) -> Result<Response, OAuthError>,
) -> Response {
    let go_on = async |pairs: &Pairs| {
        let on = field(pairs, "return_to").and_then(return_to::checked).unwrap_or(HOME);
        Ok(visit.present().await?.map(|_| see_other(on)))
    };
    taken_or(visit, form, work, go_on).await
}

/// Takes a form of a page that is the same for everybody, and checks that it came from there.
pub async fn taken_of_visitor(
    visit: &Visit,
    form: Result<FormPairs, BodyRejection>,
    work: impl AsyncFnOnce(&Pairs) -> Result<Response, OAuthError>,
) -> Response {
    taken_or(visit, form, work, async |_: &Pairs| Ok(None)).await
}

/// Takes a form that came from our page. `otherwise` may have an answer to another one, which is refused without.
async fn taken_or(
    visit: &Visit,
    form: Result<FormPairs, BodyRejection>,
    work: impl AsyncFnOnce(&Pairs) -> Result<Response, OAuthError>,
    otherwise: impl AsyncFnOnce(&Pairs) -> Result<Option<Response>, OAuthError>,
) -> Response {
    let checked = async |pairs: &Pairs| match visit.check_form(None, pairs) {
        Ok(()) => work(pairs).await,
        Err(_) => Ok(otherwise(pairs).await?.unwrap_or_else(|| error::cross_site(visit))),
    };
    taken(visit, form, checked).await
}
