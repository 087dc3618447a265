//! `config set` and `config unset`: change one key in the text of a configuration file and leave the rest, comments
//! included, alone.

use toml_edit::{Array, Document, DocumentMut, Item, Table, TableLike};

use super::key::Key;
use super::value::Value;

const NO_TOML: &str = "is not valid TOML";

/// The text with the key set to the value.
///
/// The error says why the text cannot be edited, without repeating any of it.
pub fn set(text: &str, key: &Key, value: &Value) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|_| NO_TOML.to_owned())?;
    // Only a section of the top level goes to the end of the text, where the last comments are.
    let at_end = key.name.split('.').next().is_some_and(|first| !document.contains_key(first));
    let trailing = document.trailing().as_str().filter(|_| at_end).unwrap_or_default().to_owned();
    let mut table: &mut dyn TableLike = document.as_table_mut();
    let mut path: Vec<&str> = key.name.split('.').collect();
    path.pop();
    for part in path {
        table = section(table, part, &trailing)
            .ok_or_else(|| format!("has a value where the section `{part}` belongs"))?;
    }
    put(table, key.last_name(), value);
    if at_end {
        document.set_trailing("");
    }
    Ok(document.to_string())
}

/// The text without the key and the comment behind its value; `None` when the text does not set it.
///
/// The error says why the text cannot be edited, without repeating any of it.
pub fn unset(text: &str, key: &Key) -> Result<Option<String>, String> {
    let document = Document::parse(text).map_err(|_| NO_TOML.to_owned())?;
    let mut table: &dyn TableLike = document.as_table();
    let mut path: Vec<&str> = key.name.split('.').collect();
    path.pop();
    let mut in_one_line = false;
    for part in &path {
        let Some(item) = table.get(part) else { return Ok(None) };
        in_one_line |= item.is_inline_table();
        let Some(section) = item.as_table_like() else { return Ok(None) };
        table = section;
    }
    let Some((name, item)) = table.get_key_value(key.last_name()) else { return Ok(None) };
    let place = name.span().zip(item.span()).filter(|_| !in_one_line);
    Ok(Some(match place {
        Some((name, value)) => without_lines(text, name.start, value.end),
        None => without(&document.into_mut(), &path, key.last_name()),
    }))
}

/// The text without the lines from one place to another.
fn without_lines(text: &str, from: usize, to: usize) -> String {
    let (before, after) = (text.get(..from).unwrap_or_default(), text.get(to..).unwrap_or_default());
    let kept = before.rfind('\n').map_or(0, |end| end + 1);
    let rest = after.split_once('\n').map_or("", |(_, rest)| rest);
    format!("{}{rest}", before.get(..kept).unwrap_or_default())
}

/// The text of a document without a name of one of its sections.
fn without(document: &DocumentMut, path: &[&str], name: &str) -> String {
    let mut document = document.clone();
    let mut table: Option<&mut dyn TableLike> = Some(document.as_table_mut());
    for part in path {
        table = table.and_then(|table| table.get_mut(part)?.as_table_like_mut());
    }
    table.and_then(|table| table.remove(name));
    document.to_string()
}

/// The section of that name. A new one comes after the comments at the end of the text, not before them.
fn section<'a>(table: &'a mut dyn TableLike, name: &str, trailing: &str) -> Option<&'a mut dyn TableLike> {
    if !table.contains_key(name) {
        let mut fresh = Table::new();
        fresh.set_implicit(true);
        if !trailing.trim().is_empty() {
            fresh.decor_mut().set_prefix(format!("{trailing}\n"));
        }
        table.insert(name, Item::Table(fresh));
    }
    table.get_mut(name)?.as_table_like_mut()
}

fn put(table: &mut dyn TableLike, name: &str, value: &Value) {
    let mut fresh = match value {
        Value::Switch(on) => toml_edit::Value::from(*on),
        Value::Number(number) => toml_edit::Value::from(*number),
        Value::Text(text) => toml_edit::Value::from(text.as_str()),
        Value::List(items) => toml_edit::Value::Array(items.iter().map(String::as_str).collect::<Array>()),
    };
    match table.get_mut(name).and_then(Item::as_value_mut) {
        Some(old) => {
            // The comment behind the old value stays.
            *fresh.decor_mut() = old.decor().clone();
            *old = fresh;
        }
        None => drop(table.insert(name, Item::Value(fresh))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::key;
    use super::*;

    fn edited(text: &str, name: &str, value: &str) -> Result<String, String> {
        let key = key::find(name).unwrap();
        set(text, key, &key.kind.parse(value)?)
    }

    #[test]
    fn comments_and_order_survive() {
        let before = "# mine\n[server] # here\nport = 1 # old\nhost = \"::\"\n";
        let after = "# mine\n[server] # here\nport = 9000 # old\nhost = \"::\"\n";
        assert_eq!(edited(before, "server.port", "9000"), Ok(after.to_owned()));
    }

    #[test]
    fn missing_sections_are_added() {
        let after = edited("[auth]\nenabled = true\n", "auth.oauth_provider.enabled", "true").unwrap();
        assert_eq!(after, "[auth]\nenabled = true\n\n[auth.oauth_provider]\nenabled = true\n");
        assert_eq!(edited("", "server.port", "1"), Ok("[server]\nport = 1\n".to_owned()));
        let commented = edited("# a\n[auth]\n# b\n", "server.port", "1").unwrap();
        assert_eq!(commented, "# a\n[auth]\n# b\n\n[server]\nport = 1\n");
        let nested = edited("[auth]\n[logging]\n# b\n", "auth.oauth_provider.enabled", "true").unwrap();
        assert_eq!(nested, "[auth]\n\n[auth.oauth_provider]\nenabled = true\n[logging]\n# b\n");
        let only = edited("# a\n", "auth.oauth_provider.enabled", "true").unwrap();
        assert_eq!(only, "# a\n\n[auth.oauth_provider]\nenabled = true\n");
    }

    #[test]
    fn inline_tables_and_dotted_keys_are_edited_in_place() {
        let inline = edited("auth = { enabled = true }\n", "auth.enabled", "false").unwrap();
        assert_eq!(inline, "auth = { enabled = false }\n");
        let dotted = edited("server.port = 1\n", "server.port", "2").unwrap();
        assert_eq!(dotted, "server.port = 2\n");
    }

    #[test]
    fn a_key_leaves_with_its_line_and_nothing_else_does() {
        let gone = |text: &str, name: &str| unset(text, key::find(name).unwrap());
        let text = "# mine\n[server] # here\n# the door\nport = 1 # old\nhost = \"::\"\n";
        let after = "# mine\n[server] # here\n# the door\nhost = \"::\"\n";
        assert_eq!(gone(text, "server.port"), Ok(Some(after.to_owned())));
        assert_eq!(gone(after, "server.port"), Ok(None));
        assert_eq!(gone("", "server.port"), Ok(None));
        assert_eq!(gone("server = 1\n", "server.port"), Ok(None), "no section");
        assert_eq!(gone("server.port = 1", "server.port"), Ok(Some(String::new())));
        let list = "[server]\ncors_allowed_origins = [\n  \"https://a.example\", # a\n]\nport = 1\n";
        let without_list = "[server]\nport = 1\n".to_owned();
        assert_eq!(gone(list, "server.cors_allowed_origins"), Ok(Some(without_list)));
        let inline = "server = { port = 1, host = \"::\" } # s\n";
        let without_port = "server = { host = \"::\" } # s\n".to_owned();
        assert_eq!(gone(inline, "server.port"), Ok(Some(without_port)));
        let error = gone("port = hunter2", "server.port").unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn text_that_cannot_be_edited_is_an_error_without_its_content() {
        for text in ["jwt_secret = hunter2", "auth = \"hunter2\"", "[[auth]]\nx = \"hunter2\""] {
            let error = edited(text, "auth.enabled", "true").unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
