//! The account API.

use utoipa::openapi::HttpMethod::{Delete, Get, Post};
use utoipa::openapi::path::OperationBuilder;

use super::book::{ACCESS, API_KEY, Book, Entry, SESSION};
use crate::api::api_key::{ApiKeyView, CreatedApiKey, NewApiKey};
use crate::api::auth::session::{RefreshToken, SessionTokens};
use crate::api::auth::user::UserView;
use crate::api::auth::{EmailVerification, ForgottenPassword, Login, PasswordReset, Registration};

const BAD: (u16, &str) = (400, "A member breaks a rule; `data.field` names it.");
const LIMITED: (u16, &str) =
    (429, "Too many attempts from this address; `Retry-After` says when to come back.");
const AWAY: (u16, &str) = (503, "The server cannot do this at the moment.");

pub(super) fn describe(book: &mut Book) {
    book.chapter("Accounts", "For programs that sign people in. Browsers use the pages.");
    sessions(book);
    recovery(book);
    book.operation(Get, "/api/auth/me", "me", "Who the token belongs to", |entry| {
        let entry =
            entry.needs(SESSION).needs(ACCESS).needs(API_KEY).about("A client sees what its scope opens.");
        let entry = entry.gives::<UserView>(200, "The person.");
        entry
            .fails(&[(401, "The token is missing or dead."), (403, "The token belongs to nobody."), AWAY])
            .end()
    });
    book.operation(
        Delete,
        "/api/auth/me",
        "deleteMe",
        "Delete one's own account with everything in it",
        |entry| {
            let entry = entry.needs(SESSION).says(204, "It is gone.");
            entry
                .fails(&[
                    (401, "The token is missing or dead."),
                    (403, "A client's token does not do."),
                    AWAY,
                ])
                .end()
        },
    );
    book.chapter("API keys", "What people give to their own programs.");
    api_keys(book);
}

fn api_keys(book: &mut Book) {
    const ALL: &str = "/api/auth/api-keys";
    const ONE: &str = "/api/auth/api-keys/{id}";
    book.operation(Get, ALL, "listOwnApiKeys", "List one's own API keys, newest first", |entry| {
        let entry = entry.needs(SESSION).pages().gives_page::<ApiKeyView>("One page of the keys.");
        own(entry, &[BAD])
    });
    book.operation(Post, ALL, "createOwnApiKey", "Make an API key", |entry| {
        let about = "The key is in this answer and never shown again.";
        let entry = entry.needs(SESSION).about(about).body::<NewApiKey>();
        let entry = entry.gives::<CreatedApiKey>(201, "The key.");
        own(entry, &[BAD, (409, "There are as many keys as one person may have.")])
    });
    book.operation(Delete, ONE, "revokeOwnApiKey", "Revoke one of one's own API keys", |entry| {
        let entry = entry.needs(SESSION).path("id", "Its identifier.").says(204, "It is dead.");
        own(entry, &[(404, "There is none of one's own, or it was revoked before.")])
    });
}

/// Adds what every door for sessions alone can answer.
fn own(entry: Entry<'_>, errors: &[(u16, &str)]) -> OperationBuilder {
    let forbidden = (403, "Neither a client's token nor an API key does.");
    entry.fails(errors).fails(&[(401, "The token is missing or dead."), forbidden, AWAY]).end()
}

fn sessions(book: &mut Book) {
    book.operation(Post, "/api/auth/register", "register", "Make an account and sign in", |entry| {
        let entry = entry.body::<Registration>().gives::<SessionTokens>(201, "Signed in.");
        let closed = (403, "Visitors may not make accounts here.");
        entry.fails(&[BAD, closed, (409, "Another account has the address."), LIMITED, AWAY]).end()
    });
    book.operation(Post, "/api/auth/login", "login", "Sign in", |entry| {
        let entry = entry.body::<Login>().gives::<SessionTokens>(200, "Signed in.");
        let wrong = (401, "Address or password is wrong; the answer does not say which.");
        entry.fails(&[wrong, LIMITED, AWAY]).end()
    });
    book.operation(Post, "/api/auth/refresh", "refresh", "Stay signed in", |entry| {
        let about = "The refresh token is for one use; a second use ends the session.";
        let entry = entry.about(about).body::<RefreshToken>().gives::<SessionTokens>(200, "A new pair.");
        entry.fails(&[(401, "The refresh token is unknown, used, expired or revoked."), LIMITED, AWAY]).end()
    });
    book.operation(Post, "/api/auth/logout", "logout", "Sign out", |entry| {
        let entry = entry.body::<RefreshToken>().says(204, "The session is over, or there was none.");
        entry.fails(&[AWAY]).end()
    });
}

fn recovery(book: &mut Book) {
    book.operation(
        Post,
        "/api/auth/forgot-password",
        "forgotPassword",
        "Ask for a link for a new password",
        |entry| {
            let entry = entry
                .body::<ForgottenPassword>()
                .says(202, "A link is on its way if there is such an account.");
            entry.fails(&[BAD, LIMITED, AWAY]).end()
        },
    );
    book.operation(
        Post,
        "/api/auth/reset-password",
        "resetPassword",
        "Set a new password by a mailed link",
        |entry| {
            let entry = entry.body::<PasswordReset>();
            let entry =
                entry.says(204, "Set; all sessions are over and what was granted to clients is revoked.");
            entry.fails(&[(400, "The link or the password does not do."), LIMITED, AWAY]).end()
        },
    );
    book.operation(
        Post,
        "/api/auth/verify-email",
        "verifyEmail",
        "Confirm an address by a mailed link",
        |entry| {
            let entry = entry.body::<EmailVerification>().says(204, "Confirmed.");
            entry.fails(&[(400, "The link is unknown, used or too old."), AWAY]).end()
        },
    );
    let again = "Ask for another link to confirm one's address";
    book.operation(Post, "/api/auth/resend-verification", "resendVerification", again, |entry| {
        let entry = entry.needs(SESSION).says(202, "It is on its way.");
        entry
            .fails(&[
                (401, "The token is missing or dead."),
                (409, "The address is confirmed."),
                LIMITED,
                AWAY,
            ])
            .end()
    });
}
