//! Pages for people with a browser. Programs have no business there; they are listed so that the list is whole.

use utoipa::openapi::HttpMethod::{Get, Post};

use super::book::Book;

/// Statuses, and what is shown or done with each.
pub(super) type Answers = &'static [(u16, &'static str)];

/// A page.
struct Page {
    path: &'static str,
    /// The name of its operation.
    id: &'static str,
    /// What it is for.
    what: &'static str,
    /// What it answers to GET, besides what every page can.
    shown: Answers,
    /// What it answers to its form, besides what every form can; none when no form is sent back to it.
    sent: Option<Answers>,
}

const THE_PAGE: (u16, &str) = (200, "The page.");
const SIGN_IN_FIRST: (u16, &str) = (303, "Somebody has to sign in first.");
const ON: (u16, &str) = (303, "Done; this is where it goes on.");
const DONE: (u16, &str) = (200, "Done; a page says so.");
const WRONG: (u16, &str) = (422, "The form again, saying what is wrong.");
const LIMITED: (u16, &str) =
    (429, "Too many attempts from this address; `Retry-After` says when to come back.");
const DEAD_LINK: (u16, &str) = (400, "The link is unknown, used or too old; or this is no form.");

/// What every page can answer.
pub(super) const ANY_PAGE: Answers = &[(503, "The server cannot do this at the moment.")];
/// What every form can answer.
pub(super) const ANY_FORM: Answers = &[
    (400, "This is no form, or not a well-formed one."),
    (403, "The form was not sent from this site."),
    (413, "The form is too large."),
    (503, "The server cannot do this at the moment; `Retry-After` says when to come back."),
];

const PAGES: [Page; 10] = [
    Page { path: "/", id: "home", what: "The start page", shown: &[THE_PAGE], sent: None },
    Page {
        path: "/login",
        id: "loginPage",
        what: "Sign in",
        shown: &[THE_PAGE, (303, "Somebody is signed in already.")],
        sent: Some(&[ON, (401, "The form again: address and password do not belong together."), LIMITED]),
    },
    Page {
        path: "/signup",
        id: "signUpPage",
        what: "Make an account",
        shown: &[THE_PAGE],
        sent: Some(&[
            ON,
            (403, "Visitors may not make accounts here, or the form was not sent from this site."),
            (409, "The form again: another account has the address."),
            WRONG,
            LIMITED,
        ]),
    },
    Page {
        path: "/select-account",
        id: "selectAccountPage",
        what: "Choose the account to go on with",
        shown: &[THE_PAGE, SIGN_IN_FIRST],
        sent: Some(&[ON]),
    },
    Page { path: "/logout", id: "logoutPage", what: "Sign out", shown: LOGOUT, sent: Some(LOGOUT) },
    Page {
        path: "/forgot",
        id: "forgotPage",
        what: "Ask for a link to choose a new password",
        shown: &[THE_PAGE],
        sent: Some(&[(200, "A link is on its way if there is such an account."), WRONG, LIMITED]),
    },
    Page {
        path: "/reset",
        id: "resetPage",
        what: "Choose a new password with the link from the mail",
        shown: &[THE_PAGE, DEAD_LINK],
        sent: Some(&[DONE, DEAD_LINK, WRONG, LIMITED]),
    },
    Page {
        path: "/verify-email",
        id: "verifyEmailPage",
        what: "Confirm an address with the link from the mail",
        shown: &[THE_PAGE, DEAD_LINK],
        sent: Some(&[DONE, DEAD_LINK]),
    },
    Page {
        path: "/account",
        id: "accountPage",
        what: "Look after one's own account, sessions and access of clients",
        shown: &[THE_PAGE, SIGN_IN_FIRST],
        sent: None,
    },
    Page {
        path: "/demo",
        id: "demoPage",
        what: "The demonstration of a sign-in",
        shown: &[THE_PAGE, (404, "It is off.")],
        sent: None,
    },
];

/// What a logout request is answered with, at whichever address.
pub(super) const LOGOUT: Answers = &[
    (200, "The page asks, or says that it is done."),
    (303, "Done, and back to the client; or the request in a form starts over."),
    (400, "The request is wrong; `#error-code` says how."),
];

pub(super) fn describe(book: &mut Book) {
    book.chapter(
        "Pages",
        "For people with a browser: HTML that works without scripts, protected against other sites.",
    );
    for Page { path, id, what, shown, sent } in PAGES {
        let summary = format!("{what}: the page");
        book.operation(Get, path, id, &summary, |entry| entry.pages_for(ANY_PAGE).pages_for(shown).end());
        if let Some(sent) = sent {
            let (id, summary) = (format!("{id}Sent"), format!("{what}: the form of the page"));
            book.operation(Post, path, &id, &summary, |entry| {
                entry.pages_for(ANY_FORM).pages_for(sent).end()
            });
        }
    }
    book.operation(Post, "/account/{part}", "accountPageSent", "A form of the account page", |entry| {
        let entry = entry.path("part", "Which form.").pages_for(ANY_FORM);
        let entry = entry.pages_for(&[ON, WRONG, LIMITED, (404, "There is no such form.")]);
        entry.end()
    });
    book.operation(
        Get,
        "/assets/{name}",
        "asset",
        "Style sheets, scripts and pictures of the pages",
        |entry| entry.path("name", "The file.").says(200, "The file.").says(404, "There is none.").end(),
    );
}
