use ayb_server::cli::Exit;
use ayb_store::db::{Db, DbOptions};
use serde_json::Value;

use super::run::{Ran, ayb_with};

/// A data folder whose database has tables of its own beside those of ayb.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        assert_eq!(folder.run(&["migrate", "up"]).exit, Exit::Done);
        let url = format!("sqlite://{}", folder.0.path().join("data/ayb.db").display());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let db = Db::open(&url, DbOptions::default()).await.unwrap();
            for statement in [
                "create table authors (id integer primary key, name text not null)",
                "create table books (id integer primary key, author_id integer references authors (id))",
                "create view names as select name from authors",
            ] {
                db.execute(statement, vec![]).await.unwrap();
            }
        });
        folder
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        let data_dir = self.0.path().join("data");
        let arguments: Vec<&str> =
            ["--data-dir", data_dir.to_str().unwrap()].iter().chain(arguments).copied().collect();
        ayb_with(&arguments, variables, "")
    }
}

#[test]
fn tables_are_listed_and_shown_without_a_server() {
    let folder = Folder::new();
    let shown = [("AYB_TABLES_VIEWS", "names")];
    assert!(!folder.run(&["tables", "list"]).out.contains("names"), "a view is shown when it is named");
    let listed = folder.run_with(&["tables", "list"], &shown);
    assert_eq!(listed.exit, Exit::Done, "{}", listed.err);
    assert!(["authors", "books", "names"].iter().all(|name| listed.out.contains(name)), "{}", listed.out);
    assert!(!listed.out.contains("_ayb_"), "{}", listed.out);
    let json: Value =
        serde_json::from_str(&folder.run_with(&["tables", "list", "--json"], &shown).out).unwrap();
    assert_eq!(json["items"].as_array().map(Vec::len), Some(3));
    let shown = folder.run(&["tables", "show", "books"]);
    assert!(shown.out.contains("author_id") && shown.out.contains("authors (id)"), "{}", shown.out);
    let json: Value = serde_json::from_str(&folder.run(&["tables", "show", "books", "--json"]).out).unwrap();
    assert_eq!(json["primaryKey"][0], "id");
    let hidden = folder.run(&["tables", "show", "_ayb_users"]);
    assert_eq!(hidden.exit, Exit::Failed, "{}", hidden.out);
    assert!(hidden.err.contains("there is no such table") && hidden.err.contains("hint: "), "{}", hidden.err);
    assert_eq!(folder.run(&["tables", "grant"]).out, "Nothing to grant.\n", "SQLite has no roles");
}

#[test]
fn an_empty_list_has_its_form_in_every_output() {
    let folder = Folder(tempfile::tempdir().unwrap());
    assert_eq!(folder.run(&["migrate", "up"]).exit, Exit::Done);
    for (form, printed) in [
        ("table", "No tables.\n"),
        ("csv", "Table,Key,Columns,Owner,Changes\r\n"),
        ("json", "{\"items\":[]}\n"),
    ] {
        assert_eq!(folder.run(&["tables", "list", "--output", form]).out, printed);
    }
}

#[test]
fn the_doctor_names_an_owner_column_that_is_not_there() {
    let folder = Folder::new();
    let examined = |owners| {
        let variables = [("AYB_TABLES_ENABLED", "true"), ("AYB_TABLES_OWNERS", owners)];
        folder.run_with(&["doctor"], &variables).out
    };
    let missing = examined("books.owner_id");
    let words = "tables.owners names books.owner_id, which is not there";
    assert!(missing.contains(words) && missing.contains("`ayb start` refuses"), "{missing}");
    assert!(examined("book.author_id").contains("tables.owners names book.author_id"), "no such table");
    let found = examined("BOOKS.author_id");
    assert!(found.contains("2 tables, 1 of them without an owner column"), "{found}");
    let three = [("AYB_TABLES_ENABLED", "true"), ("AYB_TABLES_OWNERS", "main.books.author_id")];
    let refused = folder.run_with(&["doctor"], &three);
    let told = format!("{}{}", refused.out, refused.err);
    assert!(refused.exit != Exit::Done && told.contains("must have two parts"), "{told}");
    assert!(!folder.run(&["doctor"]).out.contains("table api"), "nothing about what is off");
}
