//! Doors that take a form: what is no form, what did not come from our page, and what fails, is a page that says so.

use axum::response::Response;

use crate::http::extract::{BodyRejection, FormPairs};
use crate::oauth::error::OAuthError;
use crate::pages::asker::LOGIN_HINT;
use crate::pages::login::{AGAIN, HOME};
use crate::pages::respond::see_other;
use crate::pages::visit::{Visit, field};
use crate::pages::{error, return_to};

/// The pairs of a form, in the order in which they were sent.
pub type Pairs = [(String, String)];

/// What a page of a form is opened again with: the field of the form, and its name in the address. Never a password.
const KEPT: [(&str, &str); 4] =
    [("return_to", "return_to"), ("token", "token"), (AGAIN, AGAIN), ("email", LOGIN_HINT)];

/// Takes a form of the page at `path`. Whether it came from our page is for `work` to check, which knows who is signed in.
pub async fn taken(
    visit: &Visit,
    path: &str,
    form: Result<FormPairs, BodyRejection>,
    work: impl AsyncFnOnce(&Pairs) -> Result<Response, OAuthError>,
) -> Response {
    match form {
        Ok(FormPairs(pairs)) => {
            let answer = work(&pairs).await;
            answer.unwrap_or_else(|fault| error::show_before(visit, fault, &again(path, &pairs)))
        }
        Err(rejection) => error::show(visit, rejection),
    }
}

/// The address of the page that a form came from, with what it was about and whose address was typed.
fn again(path: &str, pairs: &Pairs) -> String {
    let kept = KEPT.iter().filter_map(|(field_name, name)| Some((*name, field(pairs, field_name)?)));
    address(path, kept.filter(|(_, value)| !value.is_empty()))
}

/// A page of this server with a query.
pub fn address<'a>(path: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// Takes a form of a page on which somebody signs in. Who has done so meanwhile, in another tab, goes on from here: the
/// page that was left open is too old, but what it was for is done.
pub async fn taken_to_sign_in(
    visit: &Visit,
    path: &str,
    form: Result<FormPairs, BodyRejection>,
    work: impl AsyncFnOnce(&Pairs) -> Result<Response, OAuthError>,
) -> Response {
    let go_on = async |pairs: &Pairs| {
        let on = field(pairs, "return_to").and_then(return_to::checked).unwrap_or(HOME);
        Ok(visit.present().await?.map(|_| see_other(on)))
    };
    taken_or(visit, path, form, work, go_on).await
}

/// Takes a form of a page that is the same for everybody, and checks that it came from there.
pub async fn taken_of_visitor(
    visit: &Visit,
    path: &str,
    form: Result<FormPairs, BodyRejection>,
    work: impl AsyncFnOnce(&Pairs) -> Result<Response, OAuthError>,
) -> Response {
    taken_or(visit, path, form, work, async |_: &Pairs| Ok(None)).await
}

/// Takes a form that came from our page. `otherwise` may have an answer to another one, which is refused without.
async fn taken_or(
    visit: &Visit,
    path: &str,
    form: Result<FormPairs, BodyRejection>,
    work: impl AsyncFnOnce(&Pairs) -> Result<Response, OAuthError>,
    otherwise: impl AsyncFnOnce(&Pairs) -> Result<Option<Response>, OAuthError>,
) -> Response {
    let checked = async |pairs: &Pairs| match visit.check_form(None, pairs) {
        Ok(()) => work(pairs).await,
        Err(_) => Ok(otherwise(pairs).await?.unwrap_or_else(|| error::cross_site(visit))),
    };
    taken(visit, path, form, checked).await
}
