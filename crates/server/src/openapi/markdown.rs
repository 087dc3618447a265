//! The description as a page of the manual.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::{Extent, document};

/// The reference of all routes as Markdown, one section an operation, from the same description.
pub fn markdown() -> String {
    let document = serde_json::to_value(document(Extent::FULL)).unwrap_or_default();
    let mut page = Page { document: &document, text: String::new() };
    page.line(document["info"]["description"].as_str().unwrap_or_default());
    let empty = Vec::new();
    for chapter in document["tags"].as_array().unwrap_or(&empty) {
        page.chapter(chapter);
    }
    page.schemas();
    page.text
}

struct Page<'d> {
    document: &'d Value,
    text: String,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        let _ = write!(self.text, "{line}\n\n");
    }

    fn chapter(&mut self, chapter: &Value) {
        let name = chapter["name"].as_str().unwrap_or_default();
        self.line(&format!("## {name}"));
        self.line(chapter["description"].as_str().unwrap_or_default());
        let document = self.document;
        for (path, item) in members(&document["paths"]) {
            for method in ["get", "post", "put", "patch", "delete"] {
                let operation = &item[method];
                if operation["tags"][0] == name {
                    self.operation(&method.to_uppercase(), path, operation);
                }
            }
        }
    }

    fn operation(&mut self, method: &str, path: &str, operation: &Value) {
        self.line(&format!("### `{method} {path}`"));
        let summary = operation["summary"].as_str().unwrap_or_default();
        let about = operation["description"].as_str().map(|about| format!(" {about}")).unwrap_or_default();
        self.line(&format!("{summary}.{about}"));
        let mut list = String::new();
        if let Some(needs) = needs(operation) {
            let _ = writeln!(list, "- Needs: {needs}");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default();
            let place = parameter["in"].as_str().unwrap_or_default();
            let must = if parameter["required"] == true { ", required" } else { "" };
            let about = parameter["description"].as_str().unwrap_or_default();
            let _ = writeln!(list, "- `{name}` ({place}{must}): {about}");
        }
        for (kind, content) in members(&operation["requestBody"]["content"]) {
            let must = if operation["requestBody"]["required"] == true { "" } else { ", may be left out" };
            let _ = writeln!(list, "- Body (`{kind}`{must}): {}", link(&content["schema"]));
        }
        for (status, answer) in members(&operation["responses"]) {
            let schema = members(&answer["content"]).next().map(|(_, content)| link(&content["schema"]));
            let schema = schema.filter(|text| text.starts_with('[')).map(|text| format!(" {text}"));
            let about = answer["description"].as_str().unwrap_or_default();
            let _ = writeln!(list, "- `{status}`: {about}{}", schema.unwrap_or_default());
        }
        self.line(list.trim_end());
    }

    fn schemas(&mut self) {
        self.line("## Types");
        let document = self.document;
        for (name, schema) in members(&document["components"]["schemas"]) {
            self.line(&format!("### {name}"));
            if let Some(about) = schema["description"].as_str() {
                self.line(about);
            }
            let mut list = String::new();
            fields(schema, &mut list);
            self.line(list.trim_end());
        }
    }
}

/// The fields of an object, and of the objects that it is put together from.
fn fields(schema: &Value, list: &mut String) {
    for part in schema["allOf"].as_array().into_iter().flatten() {
        if part["$ref"].is_string() {
            let _ = writeln!(list, "- what {} has", link(part));
        }
        fields(part, list);
    }
    for part in schema["oneOf"].as_array().into_iter().flatten().filter(|part| part["$ref"].is_string()) {
        let _ = writeln!(list, "- what {} has, or nothing", link(part));
    }
    let empty = Vec::new();
    let required = schema["required"].as_array().unwrap_or(&empty);
    for (field, of) in members(&schema["properties"]) {
        let must = if required.iter().any(|name| name == field) { ", required" } else { "" };
        let about = about(of).map(|about| format!(": {about}")).unwrap_or_default();
        let _ = writeln!(list, "- `{field}` ({}{must}){about}", link(of));
    }
}

/// What a field is about; one that may be null says so in its other half.
fn about(schema: &Value) -> Option<&str> {
    let halves = schema["oneOf"].as_array().into_iter().flatten();
    schema["description"].as_str().or_else(|| halves.filter_map(|half| half["description"].as_str()).next())
}

fn needs(operation: &Value) -> Option<String> {
    let schemes = operation["security"].as_array()?.iter().flat_map(|one| members(one).map(|(name, _)| name));
    let words = schemes.map(|scheme| match scheme {
        "admin" => "the administrator's token",
        "session" => "a session token",
        "accessToken" => "an access token",
        _ => "the client's credentials",
    });
    Some(words.collect::<Vec<_>>().join(" or "))
}

/// What a value is, with a link when it has a section of its own.
fn link(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(parts) = schema["oneOf"].as_array().or(schema["allOf"].as_array()) {
        return parts.iter().map(link).collect::<Vec<_>>().join(" or ");
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        kind => kind.as_str().unwrap_or("anything").to_owned(),
    };
    match schema["format"].as_str() {
        _ if schema["items"].is_object() => format!("list of {}", link(&schema["items"])),
        Some(format @ ("uuid" | "date-time")) => kind.replace("string", format),
        _ => kind,
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter).map(|(name, value)| (name.as_str(), value))
}
