//! Requests made at random from the served document: none of them is a failure of ours.

use http::Method;
use serde_json::{Map, Value, json};

use super::{Library, everywhere};

/// Requests to each database: ten thousand in all.
const REQUESTS: usize = 5000;

/// Marsaglia's xorshift: the same sequence on every machine.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).unwrap()
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A value of the right type most of the time.
    fn value(&mut self, schema: &Value) -> Value {
        let kinds = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            kind => kind.as_str().into_iter().collect::<Vec<_>>(),
        };
        let kind = if kinds.is_empty() || self.below(5) == 0 { "" } else { *self.one(&kinds) };
        match kind {
            "integer" => {
                self.one(&[json!(0), json!(1), json!(7), json!(-1), json!(i64::MAX), json!(1e18)]).clone()
            }
            "number" => self.one(&[json!(0.5), json!(-1e300), json!(3), json!(1e-300)]).clone(),
            "boolean" => json!(self.below(2) == 0),
            "string" => self.text().into(),
            "null" => Value::Null,
            _ => self
                .one(&[json!([1, [2]]), json!({"a": {"b": null}}), json!("x"), json!(1), Value::Null])
                .clone(),
        }
    }

    fn text(&mut self) -> &'static str {
        self.one::<&'static str>(&[
            "",
            "a",
            "1",
            "-5",
            "a,b",
            "'",
            "\"",
            "a\u{0}b",
            "%",
            "\\",
            "zażółć \u{1F600}",
            "null",
            "{}",
            "\u{202e}",
            "2026-01-01",
            "0190a0e0-0000-7000-8000-000000000000",
            "99999999999999999999999",
            "1e9999",
            "NaN",
            "; drop table x",
        ])
    }

    fn filter(&mut self) -> String {
        let pieces = [
            "id",
            "title",
            "pages",
            "author_id.name",
            "doc.n",
            "owner_id",
            "`a,b`",
            "=",
            "!=",
            "<",
            ">=",
            "like",
            "ilike",
            "in",
            "is null",
            "and",
            "or",
            "not",
            "(",
            ")",
            "1",
            "'a'",
            "2.5",
            "true",
            "null",
            "'%'",
            ",",
        ];
        match self.below(3) {
            0 => (0..=self.below(8)).map(|_| *self.one(&pieces)).collect::<Vec<_>>().join(" "),
            1 => format!(
                "{} {} '{}'",
                self.one(&pieces[..7]),
                self.one(&pieces[7..13]),
                self.text().replace('\'', "''")
            ),
            _ => format!(
                "{} {} {}",
                self.one(&pieces[..7]),
                self.one(&pieces[7..11]),
                self.one(&["1", "-2.5e3", "1e400", "true", "99999999999"])
            ),
        }
    }
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A request that the document describes, with a body that fits it more or less.
fn request(draw: &mut Draw, document: &Value) -> (Method, String, Option<Value>) {
    let paths: Vec<_> = document["paths"].as_object().unwrap().iter().collect();
    let (path, item) = draw.one(&paths);
    let methods: Vec<_> = item.as_object().unwrap().keys().filter(|key| *key != "parameters").collect();
    let method = draw.one(&methods).to_uppercase();
    let operation = &item[method.to_lowercase()];
    let id = match draw.below(2) {
        0 => draw.text(),
        _ => *draw.one(&["1", "2", "3", "4", "7"]),
    };
    let mut address = path.replace("{id}", &encoded(id));
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if draw.below(3) > 0 {
            continue;
        }
        let name = parameter["name"].as_str().unwrap();
        let value = match name {
            "filter" => draw.filter(),
            "sort" | "fields" | "expand" => (*draw.one(&[
                "id",
                "-title",
                "pages,-id",
                "author_id",
                "doc",
                "x",
                "author_id.id",
                "",
                "a,b",
            ]))
            .to_owned(),
            _ => draw.value(&parameter["schema"]).to_string().trim_matches('"').to_owned(),
        };
        let mark = if address.contains('?') { '&' } else { '?' };
        address.push_str(&format!("{mark}{name}={}", encoded(&value)));
    }
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let body = (!schema.is_null()).then(|| body(draw, document, schema));
    (method.parse().unwrap(), address, body)
}

fn body(draw: &mut Draw, document: &Value, schema: &Value) -> Value {
    let row = |draw: &mut Draw, reference: &Value| {
        let schema = document.pointer(&reference["$ref"].as_str().unwrap()[1..]).unwrap();
        let mut row = Map::new();
        for (name, column) in schema["properties"].as_object().unwrap() {
            if draw.below(4) > 0 {
                row.insert(name.clone(), draw.value(column));
            }
        }
        Value::Object(row)
    };
    if schema["$ref"].is_string() {
        return row(draw, schema);
    }
    let data = &schema["properties"]["operations"]["items"]["properties"]["data"];
    let operations = (0..draw.below(4)).map(|_| {
        let method = *draw.one(&["create", "update", "replace", "delete"]);
        let mut operation = json!({"method": method});
        if method != "create" {
            operation["id"] = draw.one(&[json!(1), json!("1"), json!(["a", 1]), json!([])]).clone();
        }
        if method != "delete" {
            operation["data"] = row(draw, data);
        }
        operation
    });
    json!({"operations": operations.collect::<Vec<_>>()})
}

async fn send(library: &Library, (method, path, body): (Method, String, Option<Value>)) -> u16 {
    let call = library.app.request(method.clone(), &path).bearer(&library.token);
    let reply = match &body {
        Some(body) => call.json(body).await,
        None => call.await,
    };
    assert!(!reply.status.is_server_error(), "{method} {path} {body:?}\n{reply}");
    if reply.status.as_u16() >= 400 {
        assert_eq!(reply.json()["code"], reply.status.as_u16(), "{reply}");
    }
    reply.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_that_the_document_describes_is_a_failure_of_ours() {
    for library in everywhere().await {
        library.stock().await;
        let document = library.get("/openapi.json").await.json();
        let mut draw = Draw(0x9e37_79b9_7f4a_7c15);
        let mut seen = std::collections::BTreeMap::<u16, usize>::new();
        for _ in 0..REQUESTS {
            *seen.entry(send(&library, request(&mut draw, &document)).await).or_default() += 1;
        }
        for status in [200, 201, 204, 400, 404, 409, 422] {
            assert!(seen.contains_key(&status), "never {status}: {seen:?}");
        }
    }
}
