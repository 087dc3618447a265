//! Lists and single things of the administration API, in every output format.

use clap::Args;
use serde_json::Value;

use super::failure::Failure;
use super::output::{Column, Console, Format, clean};
use super::server::Body;

/// Which part of a list.
#[derive(Args, Clone, Debug)]
pub struct Page {
    /// Page of the list
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub page: u32,
    /// Entries a page
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub per_page: u32,
}

impl Page {
    /// The page as the API asks for it.
    pub fn query(&self) -> [(&'static str, String); 2] {
        [("page", self.page.to_string()), ("perPage", self.per_page.to_string())]
    }
}

/// What the things of a list are called.
pub struct Noun {
    /// One of them.
    pub one: &'static str,
    /// Several, or none.
    pub many: &'static str,
}

/// Shows a list (`{items, page, perPage, totalItems, totalPages}`).
pub fn show_list(
    console: &mut Console<'_>,
    body: &Body,
    noun: &Noun,
    columns: &[Column],
) -> Result<(), Failure> {
    if console.format == Format::Json {
        return console.line(&body.text);
    }
    let items = body.json["items"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    if items.is_empty() && console.format == Format::Table {
        return console.line(&none(&body.json, noun));
    }
    show_rows(console, items, columns)?;
    console.say(&count(items.len() as u64, &body.json, noun))
}

/// Shows one thing: a line a field, or a single row of CSV.
pub fn show_one(console: &mut Console<'_>, body: &Body, columns: &[Column]) -> Result<(), Failure> {
    match console.format {
        Format::Json => console.line(&body.text),
        Format::Csv => show_rows(console, std::slice::from_ref(&body.json), columns),
        Format::Table => columns.iter().try_for_each(|column| {
            let cell = (column.cell)(&body.json);
            let shown = if cell.is_empty() { "-".to_owned() } else { clean(&cell) };
            console.line(&format!("{}: {shown}", column.title))
        }),
    }
}

/// Shows what a change did: the server's body, a row, or a sentence for people.
pub fn show_change(
    console: &mut Console<'_>,
    body: &Body,
    columns: &[Column],
    sentence: &str,
) -> Result<(), Failure> {
    match console.format {
        Format::Table => console.line(sentence),
        _ if body.text.is_empty() => Ok(()),
        _ => show_one(console, body, columns),
    }
}

fn show_rows(console: &mut Console<'_>, items: &[Value], columns: &[Column]) -> Result<(), Failure> {
    let titles: Vec<&str> = columns.iter().map(|column| column.title).collect();
    let row = |item: &Value| columns.iter().map(|column| (column.cell)(item)).collect::<Vec<_>>();
    console.rows(&titles, &items.iter().map(row).collect::<Vec<_>>())
}

/// What there is to say about no entries: there are none, or none so far back.
fn none(list: &Value, noun: &Noun) -> String {
    match list["totalItems"].as_u64() {
        None | Some(0) => format!("No {}.", noun.many),
        Some(_) => format!("No {} on page {} of {}.", noun.many, list["page"], list["totalPages"]),
    }
}

fn count(shown: u64, list: &Value, noun: &Noun) -> String {
    let total = list["totalItems"].as_u64().unwrap_or(shown);
    let name = if total == 1 { noun.one } else { noun.many };
    if total == shown {
        return format!("\n{total} {name}");
    }
    let (page, pages) = (&list["page"], &list["totalPages"]);
    format!("\n{shown} of {total} {name} (page {page} of {pages}; --page shows another)")
}
