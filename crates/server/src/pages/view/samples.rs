//! Example contexts of every page, hostile ones included, for the snapshot test and for looking at pages
//! (`cargo run -p ayb-server --example render_pages`). Nothing here is served.

use super::{
    AccountPage, Asker, Chrome, ConsentPage, DemoPage, ErrorPage, ForgotPage, FormPostPage, HomePage,
    LoggedOutPage, LoginPage, LogoutPage, NoticePage, Person, ResetPage, SelectAccountPage, SignupPage,
    VerifyPage, View,
};

/// A page that can show examples of itself.
pub trait Sampled: View + Sized {
    /// Name of the page in file names.
    const PAGE: &'static str;

    /// Examples, each with a name that says what is special about it.
    fn samples() -> Vec<(&'static str, Self)>;
}

/// One rendered example.
#[derive(Debug)]
pub struct Sample {
    /// `<page>-<example>`.
    pub name: String,
    /// The document.
    pub html: String,
}

/// Every example of every page.
pub fn all() -> Vec<Sample> {
    let mut samples = Vec::new();
    collect::<LoginPage<'_>>(&mut samples);
    collect::<SignupPage<'_>>(&mut samples);
    collect::<ForgotPage<'_>>(&mut samples);
    collect::<ResetPage<'_>>(&mut samples);
    collect::<VerifyPage<'_>>(&mut samples);
    collect::<NoticePage<'_>>(&mut samples);
    collect::<ConsentPage<'_>>(&mut samples);
    collect::<SelectAccountPage<'_>>(&mut samples);
    collect::<LogoutPage<'_>>(&mut samples);
    collect::<LoggedOutPage<'_>>(&mut samples);
    collect::<FormPostPage<'_>>(&mut samples);
    collect::<ErrorPage<'_>>(&mut samples);
    collect::<AccountPage<'_>>(&mut samples);
    collect::<HomePage<'_>>(&mut samples);
    collect::<DemoPage<'_>>(&mut samples);
    samples
}

fn collect<T: Sampled>(samples: &mut Vec<Sample>) {
    samples.extend(
        T::samples()
            .into_iter()
            .map(|(name, page)| Sample { name: format!("{}-{name}", T::PAGE), html: page.html() }),
    );
}

/// A name that tries everything: markup, an attribute break, text direction, invisible letters, entities.
pub(super) const HOSTILE: &str =
    "<script>alert(1)</script>\" onmouseover=\"x\u{202E}gpj.exe\u{200B} '&amp; {{ 7*7 }} \u{2066}\0";
/// Eighty times longer than any name should be, without a place to break it.
pub(super) const ENDLESS: &str = concat!(
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
);
/// A CSRF token as it could look.
pub(super) const CSRF: &str = "csrf-7Qm2xkP0aV";
/// Where a sign-in leads back to.
pub(super) const RETURN_TO: &str = "/oauth/authorize?client_id=ayb_cid_00&state=a%20b&scope=openid";

/// Chrome of a page that nobody is signed in to.
pub(super) fn chrome() -> Chrome<'static> {
    Chrome {
        public_name: "Fieldnotes ID",
        base: "",
        css_href: "/assets/ayb.css?v=sample",
        icon_href: "/assets/favicon.svg?v=sample",
        request_id: "01JD7Q3N8YB6",
        user: None,
    }
}

/// Chrome with hostile names all over.
pub(super) fn hostile_chrome() -> Chrome<'static> {
    Chrome { public_name: HOSTILE, user: Some(hostile_person()), ..chrome() }
}

/// A user with a name.
pub(super) fn ada() -> Person<'static> {
    Person { name: Some("Ada Lovelace"), email: "ada@example.com" }
}

/// A user whose name and address are made to break pages.
pub(super) fn hostile_person() -> Person<'static> {
    Person { name: Some(HOSTILE), email: "\"<img src=x onerror=alert(1)>\"@example.com\u{202E}" }
}

/// A well-mannered client.
pub(super) fn asker() -> Asker<'static> {
    Asker { client_name: "Trailbook Web", app_name: "Trailbook" }
}
