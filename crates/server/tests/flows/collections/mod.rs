//! The API over the operator's own tables, through the router, on both databases.

mod access;
mod batch;
mod describe;
mod fuzz;
mod hostile;
mod limits;
mod list;
mod owners;
mod role;
mod rows;

use ayb_store::db::Engine;
use serde_json::{Value, json};

use crate::kit::{Person, Reply, TestApp};

const SQLITE: &[&str] = &[
    "create table authors (id integer primary key, name text not null)",
    "create table books (id integer primary key, title text not null, pages integer, price real,
     author_id integer references authors (id), doc json)",
    "create table notes (id integer primary key, owner_id text not null, text text)",
    "create table \"odd name/\"\"x\" (\"a,b\" text, n integer, primary key (\"a,b\", n))",
    "create table pages (slug text primary key, text text)",
    "create view titles as select title from books",
];

const POSTGRES: &[&str] = &[
    "create table authors (id integer primary key, name varchar(20) not null)",
    "create table books (id serial primary key, title text not null, pages integer, price double precision,
     author_id integer references authors (id), doc jsonb)",
    "create table notes (id serial primary key, owner_id uuid not null, text text)",
    "create table \"odd name/\"\"x\" (\"a,b\" text, n integer, primary key (\"a,b\", n))",
    "create table pages (slug text primary key, text text)",
    "create view titles as select title from books",
];

/// A server with a library, on each database, and somebody who is signed in.
pub(super) struct Library {
    pub(super) app: TestApp,
    pub(super) ada: Person,
    /// Ada's session token.
    pub(super) token: String,
}

pub(super) async fn everywhere() -> Vec<Library> {
    let mut libraries = Vec::new();
    for app in TestApp::everywhere().await {
        let db = app.app.store.db();
        let script = if db.engine() == Engine::Sqlite { SQLITE } else { POSTGRES };
        for statement in script {
            db.execute(statement, vec![]).await.unwrap();
        }
        // Owners must be there when the server starts.
        let app = app
            .twin(|config| {
                config.tables.owners = vec!["notes.owner_id".to_owned()];
                config.tables.views = vec!["titles".to_owned()];
            })
            .await;
        let ada = app.user("ada").await;
        let token = app.session_token(&ada).await;
        libraries.push(Library { app, ada, token });
    }
    libraries
}

impl Library {
    pub(super) async fn get(&self, path: &str) -> Reply {
        self.app.get(&format!("/api/collections{path}")).bearer(&self.token).await
    }

    pub(super) async fn send(&self, method: http::Method, path: &str, body: &Value) -> Reply {
        self.app.request(method, &format!("/api/collections{path}")).bearer(&self.token).json(body).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(http::Method::POST, path, body).await
    }

    pub(super) async fn delete(&self, path: &str) -> Reply {
        self.app.request(http::Method::DELETE, &format!("/api/collections{path}")).bearer(&self.token).await
    }

    /// Two authors and four books.
    pub(super) async fn stock(&self) {
        for (id, name) in [(1, "Ada"), (2, "Bob")] {
            let made = self.post("/authors", &json!({"id": id, "name": name})).await;
            assert_eq!(made.status, 201, "{made}");
        }
        for (title, pages, author) in [("A", 10, 1), ("B", 20, 2), ("C", 30, 1), ("D", 40, 2)] {
            let row = json!({"title": title, "pages": pages, "author_id": author, "doc": {"n": pages}});
            let made = self.post("/books", &row).await;
            assert_eq!(made.status, 201, "{made}");
        }
    }
}
