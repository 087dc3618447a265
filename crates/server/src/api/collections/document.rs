//! `GET /api/collections/openapi.json`: the tables that the caller may see in the form of OpenAPI 3.1.

use axum::response::Response;
use ayb_provider::access::{Access, Read, Write};
use ayb_store::tables::{Column, Kind, Schema, Table};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::describe::json_kind;
use super::{for_reads, json as answer};
use crate::pages::visit::Visit;

/// Describes every table that the caller may read.
pub(super) async fn get(visit: Visit) -> Response {
    for_reads(&visit, async |tables, asker| {
        let schema = tables.schema().await?;
        let text = document(&schema, asker.access, visit.app.issuer()).to_string();
        Ok(answer(StatusCode::OK, text))
    })
    .await
}

fn document(schema: &Schema, access: Access<'_>, server: &str) -> Value {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    schemas.insert("Error".to_owned(), error());
    let seen = schema.tables().filter(|table| access.permit::<Read>(&table.name).is_ok());
    for (number, table) in seen.enumerate() {
        let writable = table.writable && access.permit::<Write>(&table.name).is_ok();
        let row = format!("Row{number}");
        schemas.insert(row.clone(), row_schema(table));
        let name = super::id::path(&table.name, &[]);
        let base = name.trim_end_matches('/');
        paths.insert(base.to_owned(), rows(table, &row, writable));
        if !table.primary_key.is_empty() {
            paths.insert(format!("{base}/{{id}}"), one(table, &row, writable));
        }
        if writable {
            paths.insert(format!("{base}/batch"), batch(table, &row));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Tables", "version": env!("CARGO_PKG_VERSION")},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"bearer": []}],
    })
}

fn error() -> Value {
    json!({
        "type": "object",
        "required": ["code", "message"],
        "properties": {
            "code": {"type": "integer"},
            "message": {"type": "string"},
            "data": {"type": "object"},
            "doc_url": {"type": "string"},
        },
    })
}

fn row_schema(table: &Table) -> Value {
    let mut properties: Map<String, Value> =
        table.columns.iter().map(|column| (column.name.clone(), column_schema(column))).collect();
    if let Some(owner) = table.owner() {
        properties[&owner.name]["description"] = format!(
            "{}: the id of the user whose row it is. A new row gets that of the caller, PUT and PATCH keep it, and \
             the id of anybody else is refused: leave it out.",
            owner.type_name
        )
        .into();
    }
    json!({"title": table.name, "type": "object", "properties": properties, "additionalProperties": false})
}

fn column_schema(column: &Column) -> Value {
    let mut schema = json!({"description": column.type_name});
    if let Some(kind) = json_kind(column.kind) {
        // Exact numbers of any length may be sent as text.
        let kinds = match (column.kind, column.nullable) {
            (Kind::Integer | Kind::Number, true) => json!([kind, "string", "null"]),
            (Kind::Integer | Kind::Number, false) => json!([kind, "string"]),
            (_, true) => json!([kind, "null"]),
            (_, false) => json!(kind),
        };
        schema["type"] = kinds;
    }
    if let Some(most) = column.max_length {
        schema["maxLength"] = most.into();
    }
    if column.generated {
        schema["readOnly"] = true.into();
    }
    if !column.choices.is_empty() {
        let mut choices: Vec<Value> = column.choices.iter().map(|choice| choice.as_str().into()).collect();
        choices.extend(column.nullable.then_some(Value::Null));
        schema["enum"] = choices.into();
    }
    schema
}

fn content(schema: &Value) -> Value {
    json!({"application/json": {"schema": schema}})
}

fn reference(row: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{row}")})
}

/// What a change can answer: it may be refused for its table, and its body may come too slowly.
fn changes(status: &str, schema: Option<Value>) -> Value {
    let mut answers = answers(status, schema);
    answers["405"] = failed("The table takes no changes.");
    answers["408"] = failed("The body came too slowly.");
    answers
}

fn failed(about: &str) -> Value {
    json!({"description": about, "content": content(&reference("Error"))})
}

/// What every operation can answer besides what it is for.
fn answers(status: &str, schema: Option<Value>) -> Value {
    let mut answers = Map::new();
    for (status, about) in [
        ("400", "The query makes no sense, or asks for more than fits into one answer."),
        ("401", "Send a credential."),
        ("403", "The credential does not allow it."),
        ("404", "There is no such row."),
        ("409", "Another row stands in the way."),
        ("413", "The body, or the rows after the changes, are too large."),
        ("415", "The body is not JSON."),
        ("422", "A value breaks a rule of its column."),
        ("429", "Too many requests."),
        ("503", "The database is away."),
    ] {
        answers.insert(status.to_owned(), failed(about));
    }
    let done = match schema {
        Some(schema) => json!({"description": "Done.", "content": content(&schema)}),
        None => json!({"description": "Done."}),
    };
    answers.insert(status.to_owned(), done);
    answers.into()
}

fn parameter(name: &str, schema: &Value) -> Value {
    json!({"name": name, "in": "query", "schema": schema})
}

fn shown() -> Vec<Value> {
    ["fields", "expand"].map(|name| parameter(name, &json!({"type": "string"}))).to_vec()
}

fn rows(table: &Table, row: &str, writable: bool) -> Value {
    let mut parameters = shown();
    parameters.extend(
        ["filter", "sort", "search", "cursor"].map(|name| parameter(name, &json!({"type": "string"}))),
    );
    parameters.push(parameter("page", &json!({"type": "integer", "minimum": 1})));
    parameters.push(parameter("perPage", &json!({"type": "integer", "minimum": 1, "maximum": 500})));
    parameters.push(parameter("skipTotal", &json!({"type": "boolean"})));
    let page = json!({
        "type": "object",
        "required": ["items", "perPage"],
        "properties": {
            // With `expand` rows hold more than their columns, with `fields` less.
            "items": {"type": "array", "items": {"type": "object"}},
            "page": {"type": "integer"},
            "perPage": {"type": "integer"},
            "totalItems": {"type": "integer"},
            "totalPages": {"type": "integer"},
            "nextCursor": {"type": "string"},
        },
    });
    let mut item = json!({"get": {
        "summary": format!("List rows of {}", table.name),
        "parameters": parameters,
        "responses": answers("200", Some(page)),
    }});
    if writable {
        item["post"] = json!({
            "summary": format!("Create a row of {}", table.name),
            "requestBody": {"required": true, "content": content(&reference(row))},
            "responses": changes("201", Some(reference(row))),
        });
    }
    item
}

fn one(table: &Table, row: &str, writable: bool) -> Value {
    let id =
        json!({"name": "id", "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}});
    let body = json!({"required": true, "content": content(&reference(row))});
    let mut item = json!({
        "parameters": [id],
        "get": {
            "summary": format!("Read a row of {}", table.name),
            "parameters": shown(),
            "responses": answers("200", Some(json!({"type": "object"}))),
        },
    });
    if writable {
        for (method, verb) in [("patch", "Change"), ("put", "Replace")] {
            item[method] = json!({
                "summary": format!("{verb} a row of {}", table.name),
                "requestBody": body,
                "responses": changes("200", Some(reference(row))),
            });
        }
        item["delete"] = json!({
            "summary": format!("Delete a row of {}", table.name),
            "responses": changes("204", None),
        });
    }
    item
}

fn batch(table: &Table, row: &str) -> Value {
    let operation = json!({
        "type": "object",
        "required": ["method"],
        "additionalProperties": false,
        "properties": {
            "method": {"enum": ["create", "update", "replace", "delete"]},
            "id": {"type": ["string", "integer", "array"]},
            "data": reference(row),
        },
    });
    let request = json!({
        "type": "object",
        "required": ["operations"],
        "additionalProperties": false,
        "properties": {"operations": {"type": "array", "maxItems": 1000, "items": operation}},
    });
    let rows = json!({"type": "object", "properties": {"items": {"type": "array"}}});
    json!({"post": {
        "summary": format!("Change rows of {}, all or none", table.name),
        "requestBody": {"required": true, "content": content(&request)},
        "responses": changes("200", Some(rows)),
    }})
}
