//! Choosing an account (`prompt=select_account`): `GET` and `POST /select-account`.

use axum::response::Response;
use http::StatusCode;

use crate::http::extract::{BodyRejection, FormPairs, QueryPairs};
use crate::oauth::error::OAuthError;
use crate::pages::asker::{self, AskerNames};
use crate::pages::form::taken;
use crate::pages::login::{HOME, for_somebody_else};
use crate::pages::respond::{Allow, page, see_other};
use crate::pages::view::{AccountChoice, Hidden, SelectAccountPage, View};
use crate::pages::visit::{Visit, field, person};
use crate::pages::{error, return_to};

/// The choice of going on as whoever is signed in.
const CURRENT: &str = "current";

/// Shows the choice.
pub async fn get(visit: Visit, query: Result<QueryPairs, BodyRejection>) -> Response {
    let pairs = query.map(|query| query.0).unwrap_or_default();
    show(&visit, &pairs).await.unwrap_or_else(|fault| error::show(&visit, fault))
}

async fn show(visit: &Visit, pairs: &[(String, String)]) -> Result<Response, OAuthError> {
    let to = field(pairs, "return_to").and_then(return_to::checked);
    let Some(present) = visit.present().await? else { return Ok(see_other(&return_to::link("/login", to))) };
    let asker = asker::of(&visit.app, to).await?;
    let token = visit.form_token(Some(&present))?;
    let view = SelectAccountPage {
        chrome: visit.chrome(None),
        csrf: &token.token,
        hidden: to.map(|value| Hidden { name: "return_to", value }).into_iter().collect(),
        asker: asker.as_ref().map(AskerNames::view),
        accounts: vec![AccountChoice { id: CURRENT, person: person(&present) }],
    };
    let allow = Allow::form_to(asker.as_ref().map(|asker| asker.origin.as_str()));
    Ok(page(StatusCode::OK, view.html(), &allow))
}

/// Takes the choice.
pub async fn post(visit: Visit, form: Result<FormPairs, BodyRejection>) -> Response {
    taken(&visit, "/select-account", form, async |pairs| take(&visit, pairs).await).await
}

async fn take(visit: &Visit, pairs: &[(String, String)]) -> Result<Response, OAuthError> {
    let present = visit.present().await?;
    if visit.check_form(present.as_ref(), pairs).is_err() {
        return Ok(error::cross_site(visit));
    }
    let to = field(pairs, "return_to").and_then(return_to::checked);
    if field(pairs, "account") == Some(CURRENT) && present.is_some() {
        return Ok(see_other(to.unwrap_or(HOME)));
    }
    Ok(see_other(&for_somebody_else(to)))
}
