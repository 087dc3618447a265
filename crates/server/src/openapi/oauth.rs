//! The provider: endpoints of OAuth 2.0 and OpenID Connect.

use utoipa::openapi::HttpMethod::{Get, Post};

use super::book::{ACCESS, Book, CLIENT, Entry};
use super::messages::{
    ConsentDecision, KeySet, ProviderMetadata, RevocationRequest, TokenRequest, TokenResponse, UserClaims,
};
use super::pages::{ANY_FORM, ANY_PAGE, LOGOUT};

const REQUEST: [(&str, &str); 15] = [
    ("!response_type", "`code`."),
    ("!client_id", "The client."),
    ("!redirect_uri", "Where the answer goes; exactly one of the registered addresses."),
    ("!scope", "What is asked for, separated by spaces."),
    ("!state", "Comes back unchanged."),
    ("!code_challenge", "The S256 challenge (RFC 7636 §4.2)."),
    ("!code_challenge_method", "`S256`."),
    ("nonce", "Comes back in the ID token."),
    ("prompt", "`none`, `login`, `consent` or `select_account`."),
    ("max_age", "How many seconds ago the person may have signed in at most."),
    ("login_hint", "The address that is filled in."),
    ("id_token_hint", "An ID token of the person whom the answer has to be about."),
    ("claims", "Single claims, as JSON (OpenID Connect Core §5.5)."),
    ("response_mode", "`query` or `form_post`."),
    ("allowed_tables", "The tables that access is limited to, separated by commas."),
];

/// What people get to an authorization request.
const STEPS: [(u16, &str); 3] = [
    (200, "What somebody has to see first: consent, or a form that carries the answer on (`form_post`)."),
    (302, "On to the client with a code or an error."),
    (
        303,
        "To a page where somebody signs in or chooses an account first, or back to the beginning of the request.",
    ),
];

/// How an authorization request is refused while the client cannot be told: a page, or this for a program.
const REQUEST_ERRORS: [(u16, &str); 4] = [
    (400, "The request is wrong, or the client or its address is unknown; `error` says how."),
    (401, "For a program: nobody is signed in, or the token is dead."),
    (429, "Too many requests with a dead token from this address; `Retry-After` says when to come back."),
    (503, "The database is away; nothing was issued."),
];

const TOO_LARGE: (u16, &str) = (413, "The form is too large.");

const CLIENT_ERRORS: [(u16, &str); 4] = [
    (400, "The request is wrong; `error` says how."),
    (401, "The client did not prove itself."),
    (429, "Too many requests; `Retry-After` says when to come back."),
    (503, "The database is away; nothing was issued or revoked."),
];

pub(super) fn describe(book: &mut Book) {
    book.chapter("OAuth", "Authorization, tokens, revocation. Both addresses of an endpoint are the same.");
    authorization(book);
    tokens(book);
    book.chapter("OpenID Connect", "Who somebody is, and what clients need to know to find out.");
    identity(book);
}

fn authorization(book: &mut Book) {
    for (path, id, about) in [
        (
            "/oauth/authorize",
            "authorize",
            "For browsers: signs in, asks for consent and sends the answer to the client.",
        ),
        (
            "/api/auth/authorize",
            "authorizeForScripts",
            "The same; with `Accept: application/json` the next step as JSON.",
        ),
    ] {
        let ask = |entry: Entry<'_>| {
            entry.about(about).query(&REQUEST).pages_for(&STEPS).refuses(&REQUEST_ERRORS).end()
        };
        book.operation(Get, path, id, "Ask a person for access (RFC 6749 §4.1.1)", ask);
        let summary = "The same with the parameters in a form (OpenID Connect Core §3.1.2.1)";
        book.operation(Post, path, &format!("{id}Form"), summary, |entry| {
            entry.about(about).pages_for(&STEPS).refuses(&REQUEST_ERRORS).refuses(&[TOO_LARGE]).end()
        });
    }
    book.operation(Get, "/oauth/consent", "consentPage", "The page that asks for consent", |entry| {
        entry.query(&REQUEST).pages_for(&STEPS).refuses(&REQUEST_ERRORS).end()
    });
    for (path, id) in [("/oauth/consent", "consent"), ("/api/auth/authorize/consent", "consentForScripts")] {
        book.operation(Post, path, id, "Allow or deny access", |entry| {
            let entry = entry.about("Needs the browser session of the person.").body::<ConsentDecision>();
            let about = "Where to go, as `redirect_to`, when JSON was asked for; or a form that carries the answer on.";
            let entry = entry.says(200, about);
            let entry = entry.says(302, "On to the client with a code, or with `access_denied`.");
            let entry = entry.says(303, "Something has to be done first: the request starts over.");
            let elsewhere = (403, "The form was not sent from the page.");
            entry.refuses(&REQUEST_ERRORS).refuses(&[elsewhere, TOO_LARGE]).end()
        });
    }
}

fn tokens(book: &mut Book) {
    for (path, id) in [("/oauth/token", "token"), ("/api/auth/token", "tokenAlias")] {
        book.operation(Post, path, id, "Tokens for a code, a refresh token or the client itself", |entry| {
            let entry = entry.needs(CLIENT).form::<TokenRequest>().gives::<TokenResponse>(200, "The tokens.");
            entry.refuses(&CLIENT_ERRORS).end()
        });
    }
    for (path, id) in [("/oauth/revoke", "revoke"), ("/api/auth/revoke", "revokeAlias")] {
        book.operation(Post, path, id, "Revoke a token (RFC 7009)", |entry| {
            let entry = entry.needs(CLIENT).form::<RevocationRequest>();
            let entry = entry.about("The answer is the same for a token that nobody knows.");
            entry.says(200, "The token is dead.").refuses(&CLIENT_ERRORS).end()
        });
    }
}

fn identity(book: &mut Book) {
    for (method, id) in [(Get, "userInfo"), (Post, "userInfoForm")] {
        book.operation(method, "/oauth/userinfo", id, "Claims about the person behind a token", |entry| {
            let entry = entry.needs(ACCESS).gives::<UserClaims>(200, "The claims.");
            let dead = (401, "The token is missing or dead.");
            let twice = (400, "The token was sent twice, or not as one.");
            let errors =
                [twice, dead, (403, "The token lacks `openid`."), CLIENT_ERRORS[2], CLIENT_ERRORS[3]];
            entry.refuses(&errors).end()
        });
    }
    book.operation(Get, "/oauth/logout", "endSession", "Sign out at the wish of a client", |entry| {
        let entry = entry.about("RP-Initiated Logout 1.0 §2.").query(&[
            ("id_token_hint", "An ID token that the client received; an expired one does."),
            ("client_id", "The client."),
            ("post_logout_redirect_uri", "Where to go afterwards; one of the registered addresses."),
            ("state", "Comes back unchanged."),
        ]);
        entry.pages_for(ANY_PAGE).pages_for(LOGOUT).end()
    });
    book.operation(
        Post,
        "/oauth/logout",
        "endSessionForm",
        "The same with the parameters in a form",
        |entry| entry.pages_for(ANY_FORM).pages_for(LOGOUT).end(),
    );
    book.operation(Get, "/jwks.json", "keySet", "The public signing keys", |entry| {
        entry.gives::<KeySet>(200, "The keys, those that will sign next included.").end()
    });
    for (path, id) in [
        ("/.well-known/openid-configuration", "openidConfiguration"),
        ("/.well-known/oauth-authorization-server", "authorizationServerMetadata"),
    ] {
        book.operation(Get, path, id, "The metadata of the provider", |entry| {
            entry.gives::<ProviderMetadata>(200, "Both addresses give the same document.").end()
        });
    }
}
