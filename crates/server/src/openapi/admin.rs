//! The administration API.

use utoipa::openapi::HttpMethod::{Delete, Get, Post, Put};
use utoipa::openapi::path::OperationBuilder;

use super::book::{ADMIN, Book, Entry};
use crate::api::admin::apps::{AppChange, AppView, NewApp};
use crate::api::admin::audit::EventView;
use crate::api::admin::clients::{
    ClientChange, ClientView, NewClient, NewClientSecret, RegisteredClient, SecretRotation,
};
use crate::api::admin::keys::{KeyRotation, KeyView};
use crate::api::admin::sign_in::{AdminPassword, AdminSignIn, AdminStatus, AdminToken};
use crate::api::admin::users::{NewUser, UserChange, UserPassword, UserView};
use crate::api::api_key::{ApiKeyView, CreatedApiKey, NewApiKeyOfUser};

const BAD: (u16, &str) = (400, "A member breaks a rule; `data.field` names it.");
const UNKNOWN: (u16, &str) = (404, "There is no such thing.");

pub(super) fn describe(book: &mut Book, provider: bool) {
    book.chapter(
        "Administration",
        "Signing in as the administrator. Nothing else is ever taken for this token.",
    );
    sign_in(book);
    book.chapter("Apps", "The products that OAuth clients belong to.");
    apps(book);
    if provider {
        book.chapter(
            "OAuth clients",
            "The programs that may ask for tokens. Only the administrator makes them.",
        );
        clients(book);
        book.chapter("Signing keys", "The keys that ID tokens and JWT access tokens are signed with.");
        keys(book);
    }
    book.chapter("Users", "Accounts of people.");
    users(book);
    book.chapter("API keys of users", "What people gave to their own programs.");
    api_keys(book);
    book.chapter("Audit", "Who did what to whom.");
    let list = "The events, latest first";
    book.operation(Get, "/api/admin/audit", "listAuditEvents", list, |entry| {
        let filters = [
            ("event", "What happened, such as `client.revoked`."),
            ("clientId", "Which client it is about."),
            ("userId", "Which person it is about."),
            ("since", "Not earlier than this, as RFC 3339."),
            ("until", "Earlier than this, as RFC 3339."),
        ];
        let entry =
            entry.needs(ADMIN).pages().query(&filters).gives_page::<EventView>("One page of the events.");
        close(entry, &[BAD])
    });
}

/// Adds what every door of the administration can answer.
fn close(entry: Entry<'_>, errors: &[(u16, &str)]) -> OperationBuilder {
    let common = [(401, "Sign in as administrator."), (503, "The database is away; nothing happened.")];
    entry.fails(errors).fails(&common).end()
}

fn sign_in(book: &mut Book) {
    book.operation(Post, "/api/admin/auth", "adminSignIn", "Sign in as the administrator", |entry| {
        let limited = (429, "Too many attempts from this address; `Retry-After` says when to come back.");
        let entry = entry.body::<AdminSignIn>().gives::<AdminToken>(200, "Signed in for twelve hours.");
        entry.fails(&[(401, "The password is wrong."), limited]).end()
    });
    book.operation(
        Delete,
        "/api/admin/auth",
        "adminSignOut",
        "End this session of the administrator",
        |entry| close(entry.needs(ADMIN).says(204, "The token is dead."), &[]),
    );
    book.operation(
        Get,
        "/api/admin/status",
        "adminStatus",
        "Whether the administration needs a password",
        |entry| entry.gives::<AdminStatus>(200, "It always does.").end(),
    );
    book.operation(
        Put,
        "/api/admin/password",
        "changeAdminPassword",
        "Change the administrator's password",
        |entry| {
            let entry = entry.needs(ADMIN).body::<AdminPassword>();
            let entry = entry.says(204, "Changed; every session of the administrator is over, this one too.");
            close(
                entry,
                &[BAD, (409, "The configuration says what the password is."), (429, "Too many attempts.")],
            )
        },
    );
}

/// A door of the administration to the one thing that `name` in the path names.
fn one<'b>(entry: Entry<'b>, name: &str) -> Entry<'b> {
    let about =
        if name == "client_id" { "The client: `ayb_cid_…`, not its row." } else { "Its identifier." };
    entry.needs(ADMIN).path(name, about)
}

fn apps(book: &mut Book) {
    const ALL: &str = "/api/admin/apps";
    const ONE: &str = "/api/admin/apps/{id}";
    book.operation(Get, ALL, "listApps", "List the apps, newest first", |entry| {
        close(entry.needs(ADMIN).pages().gives_page::<AppView>("One page of the apps."), &[BAD])
    });
    book.operation(Post, ALL, "createApp", "Make an app", |entry| {
        close(entry.needs(ADMIN).body::<NewApp>().gives::<AppView>(201, "The app."), &[BAD])
    });
    book.operation(Get, ONE, "getApp", "Show an app", |entry| {
        close(one(entry, "id").gives::<AppView>(200, "The app."), &[UNKNOWN])
    });
    book.operation(Put, ONE, "updateApp", "Change an app", |entry| {
        close(
            one(entry, "id").body::<AppChange>().gives::<AppView>(200, "The app after the change."),
            &[BAD, UNKNOWN],
        )
    });
    book.operation(Delete, ONE, "deleteApp", "Delete an app that nothing belongs to", |entry| {
        let about = "Clients, revoked ones included, or API keys belong to it; `data.clients` and `data.apiKeys` say how \
            many.";
        close(one(entry, "id").says(204, "It is gone."), &[UNKNOWN, (409, about)])
    });
}

fn api_keys(book: &mut Book) {
    const ALL: &str = "/api/admin/api-keys";
    book.operation(Get, ALL, "listApiKeys", "List the API keys, newest first", |entry| {
        let entry = entry.needs(ADMIN).pages().query(&[("userId", "Only those of this person.")]);
        close(entry.gives_page::<ApiKeyView>("One page of the keys."), &[BAD])
    });
    book.operation(Post, ALL, "createApiKey", "Make an API key for somebody", |entry| {
        let entry = entry.needs(ADMIN).body::<NewApiKeyOfUser>();
        let entry = entry.about("The key is in this answer and never shown again.");
        let entry = entry.gives::<CreatedApiKey>(201, "The key.");
        close(entry, &[BAD, (409, "They have as many keys as one person may have.")])
    });
    book.operation(Delete, "/api/admin/api-keys/{id}", "revokeApiKey", "Revoke an API key", |entry| {
        let unknown = (404, "There is none, or it was revoked before.");
        close(one(entry, "id").says(204, "It is dead."), &[unknown])
    });
}

fn clients(book: &mut Book) {
    const ALL: &str = "/api/admin/oauth/clients";
    const ONE: &str = "/api/admin/oauth/clients/{client_id}";
    const ROTATE: &str = "/api/admin/oauth/clients/{client_id}/rotate-secret";
    book.operation(
        Get,
        ALL,
        "listClients",
        "List the clients, newest first, with their statistics",
        |entry| {
            let entry = entry.needs(ADMIN).pages().query(&[("appId", "Only those of this app.")]);
            close(entry.gives_page::<ClientView>("One page of the clients."), &[BAD])
        },
    );
    book.operation(Post, ALL, "createClient", "Register a client", |entry| {
        let entry = entry.needs(ADMIN).body::<NewClient>();
        let entry =
            entry.about("The secret of a confidential client is in this answer and never shown again.");
        close(entry.gives::<RegisteredClient>(201, "The client and its secret."), &[BAD])
    });
    book.operation(Get, ONE, "getClient", "Show a client, revoked or not", |entry| {
        close(one(entry, "client_id").gives::<ClientView>(200, "The client."), &[UNKNOWN])
    });
    book.operation(Put, ONE, "updateClient", "Change a client", |entry| {
        let entry = one(entry, "client_id")
            .body::<ClientChange>()
            .gives::<ClientView>(200, "The client after the change.");
        close(entry, &[(400, "A member breaks a rule, or the client is revoked."), UNKNOWN])
    });
    book.operation(Delete, ONE, "revokeClient", "Revoke a client and with it all its tokens", |entry| {
        close(
            one(entry, "client_id").says(204, "It can do nothing any more."),
            &[(404, "There is none, or it was revoked before.")],
        )
    });
    book.operation(Post, ROTATE, "rotateClientSecret", "Give a client a new secret", |entry| {
        let entry = one(entry, "client_id").optional_body::<SecretRotation>();
        let entry = entry.about(
            "The old secret is dead at once, or works beside the new one for as long as is asked; the client's tokens live on.",
        );
        let entry = entry.gives::<NewClientSecret>(200, "The new secret, shown this once.");
        close(entry, &[(400, "The client is public or revoked."), UNKNOWN])
    });
}

fn keys(book: &mut Book) {
    book.operation(Get, "/api/admin/keys", "listKeys", "List the signing keys, oldest first", |entry| {
        close(entry.needs(ADMIN).gives_list::<KeyView>("The keys, without their private parts."), &[])
    });
    book.operation(Post, "/api/admin/keys/rotate", "rotateKeys", "Replace the signing keys", |entry| {
        let entry = entry.needs(ADMIN).optional_body::<KeyRotation>();
        let entry =
            entry.about("The next keys are published first and sign when everybody can have read them.");
        close(entry.gives_list::<KeyView>("The keys after the change."), &[])
    });
}

fn users(book: &mut Book) {
    const ALL: &str = "/api/admin/users";
    const ONE: &str = "/api/admin/users/{id}";
    book.operation(Get, ALL, "listUsers", "List the accounts, newest first", |entry| {
        let entry = entry.needs(ADMIN).pages().query(&[("search", "A part of address or name.")]);
        close(entry.gives_page::<UserView>("One page of the accounts."), &[BAD])
    });
    book.operation(Post, ALL, "createUser", "Make an account", |entry| {
        let entry = entry.needs(ADMIN).body::<NewUser>().gives::<UserView>(201, "The account.");
        close(entry, &[BAD, (409, "Another account has the address.")])
    });
    book.operation(Get, ONE, "getUser", "Show an account", |entry| {
        close(one(entry, "id").gives::<UserView>(200, "The account."), &[UNKNOWN])
    });
    book.operation(Put, ONE, "updateUser", "Change what is known about a person", |entry| {
        close(
            one(entry, "id").body::<UserChange>().gives::<UserView>(200, "The account after the change."),
            &[BAD, UNKNOWN],
        )
    });
    book.operation(Delete, ONE, "deleteUser", "Delete an account with everything that is theirs", |entry| {
        close(one(entry, "id").says(204, "It is gone."), &[UNKNOWN])
    });
    book.operation(Post, "/api/admin/users/{id}/disable", "disableUser", "Lock an account", |entry| {
        let entry =
            one(entry, "id").about("Its tokens are dead while it is locked; its sessions end for good.");
        close(entry.gives::<UserView>(200, "The account."), &[UNKNOWN])
    });
    book.operation(Post, "/api/admin/users/{id}/enable", "enableUser", "Unlock an account", |entry| {
        close(one(entry, "id").gives::<UserView>(200, "The account."), &[UNKNOWN])
    });
    book.operation(
        Put,
        "/api/admin/users/{id}/password",
        "setUserPassword",
        "Give a person a new password",
        |entry| {
            let entry = one(entry, "id").body::<UserPassword>();
            let entry = entry.about("Their sessions end and what they granted to clients is revoked.");
            close(entry.says(204, "The old password is worth nothing."), &[BAD, UNKNOWN])
        },
    );
    book.operation(
        Post,
        "/api/admin/users/{id}/revoke",
        "revokeUserAccess",
        "End whatever lets somebody in as a person",
        |entry| {
            let about = "Sessions, what the person granted to clients and API keys end for good, links for a new password \
                         are used up, and consents are forgotten. The password stays.";
            close(one(entry, "id").about(about).says(204, "It has ended."), &[UNKNOWN])
        },
    );
}
