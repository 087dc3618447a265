//! The description of every route of the product in the form of OpenAPI 3.1: `GET /api/openapi.json`, the pages of the
//! manual, and the types of clients are made from it. A test compares it with the router.

mod account;
mod admin;
mod book;
mod collections;
mod health;
mod markdown;
pub mod messages;
mod oauth;
mod pages;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use utoipa::openapi::OpenApi;
use utoipa::openapi::server::ServerBuilder;

use crate::app::App;
use crate::http::headers::cached_json;

pub use markdown::markdown;

const CACHE_CONTROL: &str = "public, max-age=300";

/// Which parts of the product are on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Extent {
    /// Accounts, and the pages of people.
    pub accounts: bool,
    /// Provider mode.
    pub provider: bool,
    /// The tables of the operator.
    pub tables: bool,
    /// The administration.
    pub admin: bool,
}

impl Extent {
    /// Everything that there is.
    pub const FULL: Self = Self { accounts: true, provider: true, tables: true, admin: true };

    /// What the server offers.
    pub fn of(app: &App) -> Self {
        let config = &app.config;
        Self {
            accounts: config.auth.enabled,
            provider: config.auth.provider.enabled,
            tables: config.tables.enabled,
            admin: config.admin.enabled,
        }
    }
}

/// The description of these parts.
pub fn document(extent: Extent) -> OpenApi {
    let mut book = book::Book::default();
    health::describe(&mut book);
    if extent.accounts {
        account::describe(&mut book);
        pages::describe(&mut book);
    }
    if extent.provider {
        oauth::describe(&mut book);
    }
    if extent.tables {
        collections::describe(&mut book);
    }
    if extent.admin {
        admin::describe(&mut book, extent.provider);
    }
    book.close()
}

/// `GET /api/openapi.json`: what this server offers, and where.
pub fn routes(app: &App) -> Router<App> {
    let mut document = document(Extent::of(app));
    document.servers = Some(vec![ServerBuilder::new().url(app.issuer()).build()]);
    let bytes = Bytes::from(serde_json::to_vec(&document).unwrap_or_default());
    let answer = move || async move { cached_json(bytes, CACHE_CONTROL) };
    Router::new().route("/api/openapi.json", get(answer))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn full() -> Value {
        serde_json::to_value(document(Extent::FULL)).unwrap()
    }

    /// Every `$ref` in a value.
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    fn operations(document: &Value) -> Vec<(String, Value)> {
        let paths = document["paths"].as_object().unwrap().iter();
        let of = |(path, item): (&String, &Value)| {
            let methods = item.as_object().unwrap().clone().into_iter();
            methods.map(|(method, operation)| (format!("{method} {path}"), operation)).collect::<Vec<_>>()
        };
        paths.flat_map(of).collect()
    }

    #[test]
    fn everything_that_is_referred_to_is_there() {
        let document = full();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 50);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_words_and_answers() {
        let document = full();
        let mut names = std::collections::BTreeSet::new();
        for (at, operation) in operations(&document) {
            let name = operation["operationId"].as_str().unwrap_or_default();
            assert!(names.insert(name.to_owned()), "{at}: {name}");
            assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 5), "{at}");
            assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{at}");
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.keys().any(|status| status.starts_with(['2', '3'])), "{at}");
        }
    }

    #[test]
    fn parameters_of_a_path_are_described_and_no_others() {
        for (at, operation) in operations(&full()) {
            let named: Vec<_> = at.split(['{', '}']).skip(1).step_by(2).collect();
            let empty = Vec::new();
            let described = operation["parameters"].as_array().unwrap_or(&empty).iter();
            let described: Vec<_> = described
                .filter(|one| one["in"] == "path")
                .map(|one| one["name"].as_str().unwrap())
                .collect();
            assert_eq!(described, named, "{at}");
        }
    }

    #[test]
    fn what_is_off_is_not_described() {
        let part = |extent| serde_json::to_string(&document(extent).paths).unwrap();
        let none = Extent { accounts: false, provider: false, tables: false, admin: false };
        assert!(!part(none).contains("/oauth/") && !part(none).contains("/api/a"));
        let admin = part(Extent { admin: true, ..none });
        assert!(admin.contains("/api/admin/apps") && !admin.contains("/api/admin/oauth/clients"));
    }

    #[test]
    fn every_field_of_the_administration_has_its_words() {
        let document = full();
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            assert!(schema["description"].is_string(), "{name}");
            for (field, of) in schema["properties"].as_object().into_iter().flatten() {
                let said = of["description"].is_string() || of["$ref"].is_string();
                let said = said || of["oneOf"].is_array() || of["items"].is_object();
                assert!(said, "{name}.{field}: {of}");
            }
        }
    }
}
