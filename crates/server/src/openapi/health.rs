//! Health, and this description.

use utoipa::openapi::HttpMethod;

use super::book::Book;
use crate::health::Health;

pub(super) fn describe(book: &mut Book) {
    book.chapter("Server", "Health, for load balancers and operators; and this description.");
    for (path, id) in [("/health", "health"), ("/health/ready", "ready")] {
        book.operation(HttpMethod::Get, path, id, "Whether the server can do its work", |entry| {
            entry
                .about("A row is written and committed for each answer: a database that takes no writes is not ready.")
                .gives::<Health>(200, "It can.")
                .gives::<Health>(503, "The database does not take writes.")
                .end()
        });
    }
    book.operation(HttpMethod::Get, "/health/live", "live", "Whether the process answers", |entry| {
        entry.about("It says nothing about the database.").gives::<Health>(200, "It does.").end()
    });
    book.operation(HttpMethod::Get, "/api/openapi.json", "openapi", "This description", |entry| {
        entry.says(200, "OpenAPI 3.1, with what this server offers and nothing else.").end()
    });
}
