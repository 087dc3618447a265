//! Pages for people with a browser. Programs have no business there; they are listed so that the list is whole.

use utoipa::openapi::HttpMethod::{Get, Post};

use super::book::Book;

/// Path, name, what the page is for, and whether it has a form that is sent back to it.
const PAGES: [(&str, &str, &str, bool); 10] = [
    ("/", "home", "The start page", false),
    ("/login", "loginPage", "Sign in", true),
    ("/signup", "signUpPage", "Make an account", true),
    ("/select-account", "selectAccountPage", "Choose the account to go on with", true),
    ("/logout", "logoutPage", "Sign out", true),
    ("/forgot", "forgotPage", "Ask for a link to choose a new password", true),
    ("/reset", "resetPage", "Choose a new password with the link from the mail", true),
    ("/verify-email", "verifyEmailPage", "Confirm an address with the link from the mail", true),
    ("/account", "accountPage", "Look after one's own account, sessions and access of clients", false),
    ("/demo", "demoPage", "The demonstration of a sign-in, when it is on", false),
];

pub(super) fn describe(book: &mut Book) {
    book.chapter(
        "Pages",
        "For people with a browser: HTML that works without scripts, protected against other sites.",
    );
    for (path, id, what, has_form) in PAGES {
        book.operation(Get, path, id, &format!("{what}: the page"), |entry| {
            entry
                .shows("The page.")
                .says(303, "There is nothing to do here, or somebody has to sign in first.")
                .end()
        });
        if has_form {
            book.operation(
                Post,
                path,
                &format!("{id}Sent"),
                &format!("{what}: the form of the page"),
                |entry| {
                    entry
                        .says(303, "Done; this is where it goes on.")
                        .says(400, "The form again, saying what is wrong.")
                        .end()
                },
            );
        }
    }
    book.operation(Post, "/account/{part}", "accountPageSent", "A form of the account page", |entry| {
        let entry = entry.path("part", "Which form.").says(303, "Done; this is where it goes on.");
        entry.says(400, "The page again, saying what is wrong.").says(404, "There is no such form.").end()
    });
    book.operation(
        Get,
        "/assets/{name}",
        "asset",
        "Style sheets, scripts and pictures of the pages",
        |entry| entry.path("name", "The file.").says(200, "The file.").says(404, "There is none.").end(),
    );
}
