//! The pages people see: one struct per page, each the context of one template in `templates/`.
//!
//! A view holds what its page shows and decides nothing. Texts that come from outside (names of apps, clients
//! and people) may be hostile; templates escape them and pass them through `filters`. Pages work without
//! JavaScript and carry no inline script or style, so they fit a Content-Security-Policy of `style-src 'self'`.
//!
//! Render with [`View::html`].

mod account;
mod consent;
mod demo;
mod error;
mod filters;
mod form_post;
mod home;
mod login;
mod logout;
mod notice;
mod recover;
pub mod samples;
mod select_account;
mod signup;
mod text;

pub use account::{AccountPage, ConnectedApplication, Profile, SessionRow};
pub use consent::{ConsentPage, Destination, Permission, TableAccess, permission_words};
pub use demo::DemoPage;
pub use error::ErrorPage;
pub use form_post::FormPostPage;
pub use home::HomePage;
pub use login::LoginPage;
pub use logout::{LoggedOutPage, LogoutPage};
pub use notice::{Notice, NoticePage};
pub use recover::{ForgotPage, ResetPage, VerifyPage};
pub use select_account::{AccountChoice, SelectAccountPage};
pub use signup::SignupPage;

/// A page that can be turned into HTML.
pub trait View: askama::Template {
    /// The whole document.
    fn html(&self) -> String {
        self.to_string()
    }
}

impl<T: askama::Template> View for T {}

/// What surrounds every page.
#[derive(Debug, Clone)]
pub struct Chrome<'a> {
    /// Name of this server as people know it (`server.public_name`).
    pub public_name: &'a str,
    /// Path of the public URL without a trailing slash: empty, or `/auth` behind a prefix.
    pub base: &'a str,
    /// Address of the stylesheet, see [`crate::assets::css_href`].
    pub css_href: &'a str,
    /// Address of the icon, see [`crate::assets::icon_href`].
    pub icon_href: &'a str,
    /// Identifier of this request, shown where something went wrong.
    pub request_id: &'a str,
    /// Who is signed in, for the bar on wide pages.
    pub user: Option<Person<'a>>,
}

/// A user as shown to that user.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// Display name, when the user gave one.
    pub name: Option<&'a str>,
    /// Email address.
    pub email: &'a str,
}

impl<'a> Person<'a> {
    /// The name, else the address.
    fn label(&self) -> &'a str {
        self.name.filter(|name| !text::plain(name).is_empty()).unwrap_or(self.email)
    }

    fn initial(&self) -> String {
        text::initial(self.label())
    }

    fn tone(&self) -> u32 {
        text::tone(self.email)
    }
}

/// Who asks for the user: a client, and the app it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Name of the OAuth client.
    pub client_name: &'a str,
    /// Name of the app that owns the client.
    pub app_name: &'a str,
}

impl Asker<'_> {
    /// Whether client and app go by the same name, so that naming both would only repeat it.
    fn is_one_name(&self) -> bool {
        text::name(self.client_name) == text::name(self.app_name)
    }

    fn initial(&self) -> String {
        text::initial(self.app_name)
    }

    fn tone(&self) -> u32 {
        text::tone(self.app_name)
    }
}

/// A hidden input that the form hands back unchanged.
#[derive(Debug, Clone, Copy)]
pub struct Hidden<'a> {
    /// Name of the input.
    pub name: &'a str,
    /// Its value.
    pub value: &'a str,
}

/// One thing that is wrong with what was typed.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a> {
    /// Name of the input that it concerns; `None` when it concerns the whole form.
    pub field: Option<&'static str>,
    /// A sentence for the person, without an echo of the input.
    pub text: &'a str,
}

/// The problem of one input, if it has one.
fn problem_of<'a>(problems: &[Problem<'a>], field: &str) -> Option<&'a str> {
    problems.iter().find(|problem| problem.field == Some(field)).map(|problem| problem.text)
}

#[cfg(test)]
mod tests;
