//! `GET /api/collections/{table}` and `GET /api/collections/{table}/{id}`

use axum::response::Response;
use ayb_provider::filter;
use ayb_store::tables::{ListAsk, MAX_PER_PAGE, TableError};
use http::StatusCode;

use super::id::Address;
use super::refusal::Refusal;
use super::{for_reads, json};
use crate::error::ApiError;
use crate::http::extract::{BodyRejection, QueryPairs};
use crate::pages::visit::Visit;

/// Rows on a page when nobody says how many.
const PER_PAGE: u32 = 30;
/// The longest words that are searched for, in bytes.
const MAX_SEARCH: usize = 200;

const OF_LIST: &[&str] =
    &["filter", "sort", "search", "fields", "expand", "page", "perPage", "skipTotal", "cursor"];
const OF_ROW: &[&str] = &["fields", "expand"];

/// A page of the rows of a table.
pub(super) async fn get(
    visit: Visit,
    address: Result<Address, ApiError>,
    query: Result<QueryPairs, BodyRejection>,
) -> Response {
    for_reads(&visit, async |tables, asker| {
        let address = address?;
        let query = Query::read(query, OF_LIST)?;
        let ask = query.ask()?;
        let listing = tables.list(asker, &address.table, &ask).await?;
        let mut text = format!("{{\"items\":[{}]", listing.items.join(","));
        if ask.cursor.is_none() && query.text("cursor").is_none() {
            text.push_str(&format!(",\"page\":{}", ask.page));
        }
        text.push_str(&format!(",\"perPage\":{}", ask.per_page));
        if let Some(total) = listing.total {
            let pages = total.div_ceil(u64::from(ask.per_page));
            text.push_str(&format!(",\"totalItems\":{total},\"totalPages\":{pages}"));
        }
        if let Some(next) = listing.next {
            // Base64url has no character that JSON would escape.
            text.push_str(&format!(",\"nextCursor\":\"{next}\""));
        }
        text.push('}');
        Ok(json(StatusCode::OK, text))
    })
    .await
}

/// One row.
pub(super) async fn get_one(
    visit: Visit,
    address: Result<Address, ApiError>,
    query: Result<QueryPairs, BodyRejection>,
) -> Response {
    for_reads(&visit, async |tables, asker| {
        let address = address?;
        let query = Query::read(query, OF_ROW)?;
        let (fields, expand) = (query.fields(), query.expand());
        let row = tables.one(asker, &address.table, &address.id, fields.as_deref(), &expand).await?;
        Ok(json(StatusCode::OK, row))
    })
    .await
}

/// The parameters of a query, each known and at most once.
struct Query(Vec<(String, String)>);

impl Query {
    fn read(pairs: Result<QueryPairs, BodyRejection>, known: &[&'static str]) -> Result<Self, ApiError> {
        let pairs = pairs?.0;
        for (place, (name, _)) in pairs.iter().enumerate() {
            let Some(name) = known.iter().find(|known| *known == name) else {
                let message = "the query has a parameter that is not known here";
                return Err(ApiError::bad_request(message).data(serde_json::json!({"known": known})));
            };
            if pairs.iter().take(place).any(|(earlier, _)| earlier == name) {
                return Err(ApiError::field(name, "a parameter of the query is there twice"));
            }
        }
        Ok(Self(pairs))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that says something.
    fn said(&self, name: &str) -> Option<&str> {
        self.text(name).filter(|text| !text.trim().is_empty())
    }

    fn words(&self, name: &str) -> Vec<&str> {
        let words = split(self.said(name).unwrap_or_default(), ',').into_iter().map(str::trim);
        words.filter(|word| !word.is_empty()).collect()
    }

    fn fields(&self) -> Option<Vec<String>> {
        self.said("fields").map(|_| self.words("fields").into_iter().map(name).collect())
    }

    fn expand(&self) -> Vec<Vec<String>> {
        let path = |path| split(path, '.').into_iter().map(name).collect();
        self.words("expand").into_iter().map(path).collect()
    }

    /// The columns of the order, each with its sign in front.
    fn sort(&self) -> Vec<String> {
        let signed = |word: &str| match word.strip_prefix('-') {
            Some(column) => format!("-{}", name(column)),
            None => format!("+{}", name(word.strip_prefix('+').unwrap_or(word))),
        };
        self.words("sort").into_iter().map(signed).collect()
    }

    fn number(&self, name: &'static str, default: u32, most: u32) -> Result<u32, ApiError> {
        let Some(text) = self.said(name) else { return Ok(default) };
        let number: i64 =
            text.parse().map_err(|_| ApiError::field(name, "a page and its length are numbers"))?;
        Ok(u32::try_from(number.clamp(1, most.into())).unwrap_or(most))
    }

    fn switch(&self, name: &'static str) -> Result<bool, ApiError> {
        match self.said(name) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(ApiError::field(name, "this is true or false")),
        }
    }

    fn ask(&self) -> Result<ListAsk, Refusal> {
        let filter = self.said("filter").map(filter::parse).transpose().map_err(|error| {
            TableError::Query { parameter: "filter", message: error.message, position: Some(error.position) }
        })?;
        if self.text("cursor").is_some() && self.text("page").is_some() {
            return Err(ApiError::field("page", "a list is read by pages or by cursors").into());
        }
        let search = self.said("search").map(str::to_owned);
        if search.as_ref().is_some_and(|words| words.len() > MAX_SEARCH) {
            return Err(ApiError::field("search", "at most 200 bytes are searched for").into());
        }
        Ok(ListAsk {
            filter,
            sort: self.sort(),
            search,
            fields: self.fields(),
            expand: self.expand(),
            page: self.number("page", 1, u32::MAX)?,
            per_page: self.number("perPage", PER_PAGE, MAX_PER_PAGE)?,
            // Whoever walks by cursors wants no work that grows with the table.
            count: !self.switch("skipTotal")? && self.text("cursor").is_none(),
            cursor: self.said("cursor").map(str::to_owned),
        })
    }
}

/// The parts of a text between the places of a sign outside of backquotes.
fn split(text: &str, sign: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c| {
        quoted ^= c == '`';
        c == sign && !quoted
    })
    .collect()
}

/// The name that a word means: in backquotes it may hold any sign, as in filters.
fn name(word: &str) -> String {
    let inner = word.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    inner.map_or_else(|| word.to_owned(), |name| name.replace("``", "`"))
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn names_in_backquotes_hold_signs_that_mean_something_else_outside() {
        let query = |name: &str, value: &str| Query(vec![(name.to_owned(), value.to_owned())]);
        let sort = |value| query("sort", value).sort();
        assert_eq!(sort("id, -name,+x"), ["+id", "-name", "+x"]);
        assert_eq!(sort("`a,b`,-`-c``d`,`-e`"), ["+a,b", "--c`d", "+-e"]);
        assert_eq!(sort(",`a"), ["+`a"]);
        let fields = query("fields", "`a,b`,c.d,`").fields();
        assert_eq!(fields.unwrap(), ["a,b", "c.d", "`"]);
        let expand = query("expand", "a.b,`c.d`.e,`f,g`").expand();
        assert_eq!(expand, [vec!["a", "b"], vec!["c.d", "e"], vec!["f,g"]]);
    }
}
