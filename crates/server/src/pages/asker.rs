//! Which client a sign-in is for, read from the authorization request that it will return to.

use ayb_protocol::ids::ClientId;
use ayb_protocol::redirect_uri::RedirectUri;

use crate::app::App;
use crate::oauth::authorize::PATH;
use crate::oauth::error::OAuthError;
use crate::pages::view::Asker;
use crate::pages::visit::field;

/// The names of a client and its app, and where its answers go.
pub struct AskerNames {
    client: String,
    app: String,
    /// The origin of its redirect URI, to which a form may lead in the end.
    pub origin: String,
}

impl AskerNames {
    /// For the page.
    pub fn view(&self) -> Asker<'_> {
        Asker { client_name: &self.client, app_name: &self.app }
    }
}

/// The client of the request in `return_to`; none when that is not one, or its address is not trusted.
///
/// # Errors
/// When the store cannot say.
pub async fn of(app: &App, return_to: Option<&str>) -> Result<Option<AskerNames>, OAuthError> {
    let Some(pairs) = request(return_to) else { return Ok(None) };
    let (Some(client_id), Some(to)) = (field(&pairs, "client_id"), field(&pairs, "redirect_uri")) else {
        return Ok(None);
    };
    let Some(client_id) = ClientId::parse(client_id) else { return Ok(None) };
    let Some(client) = app.store.client(&client_id).await? else { return Ok(None) };
    let trusted =
        RedirectUri::trust(to, &client.settings.redirect_uris).ok().filter(|_| client.revoked_at.is_none());
    let (Some(trusted), Some(owner)) = (trusted, app.store.app(client.app_id).await?) else {
        return Ok(None);
    };
    Ok(Some(AskerNames { client: client.settings.name, app: owner.name, origin: trusted.origin() }))
}

/// The parameter that names the address to fill in (OpenID Connect Core §3.1.2.1), in a request and of our own pages.
pub const LOGIN_HINT: &str = "login_hint";

/// The address that a page is opened with, or else the one that the client suggests in the request behind it.
pub fn login_hint(page: &[(String, String)], return_to: Option<&str>) -> Option<String> {
    let hint = |pairs: &[(String, String)]| {
        field(pairs, LOGIN_HINT).filter(|hint| hint.contains('@')).map(str::to_owned)
    };
    hint(page).or_else(|| hint(&request(return_to)?))
}

fn request(return_to: Option<&str>) -> Option<Vec<(String, String)>> {
    let (path, query) = return_to?.split_once('?')?;
    (path == PATH).then(|| form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}
