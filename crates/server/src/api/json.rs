//! Forms that the JSON API shares: times, lists and their pages, members that may be absent or null.

use std::fmt;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use ayb_protocol::time::Timestamp;
use ayb_store::Page;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::error::ApiError;
use crate::http::body;
use crate::http::extract::{BodyRejection, JsonBody, QueryPairs};
use crate::http::headers::no_store;

/// Entries on a page when nobody says how many.
pub const PER_PAGE: u32 = 20;
/// The most entries on a page.
pub const MAX_PER_PAGE: u32 = 100;

/// A point in time as text: `2026-11-21T10:00:00.000Z` (RFC 3339 §5.6), always in UTC and always with milliseconds, so
/// that the order of texts is the order of times.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IsoTime(pub Timestamp);

impl IsoTime {
    /// Reads any form of RFC 3339 with an offset or `Z`.
    pub fn parse(text: &str) -> Option<Self> {
        let time: jiff::Timestamp = text.parse().ok()?;
        Some(Self(Timestamp::from_millis(time.as_millisecond())))
    }
}

impl fmt::Display for IsoTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let time = jiff::Timestamp::from_millisecond(millis).unwrap_or(match millis {
            ..0 => jiff::Timestamp::MIN,
            _ => jiff::Timestamp::MAX,
        });
        write!(f, "{time:.3}")
    }
}

impl Serialize for IsoTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl PartialSchema for IsoTime {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        let about = "A point in time in UTC with milliseconds, such as 2026-11-21T10:00:00.000Z (RFC 3339).";
        let text = ObjectBuilder::new().schema_type(Type::String).format(Some(format));
        text.description(Some(about)).into()
    }
}

impl ToSchema for IsoTime {}

/// One page of a list.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct List<T> {
    /// The entries of this page.
    pub items: Vec<T>,
    /// Which page it is, counted from 1.
    pub page: u32,
    /// Entries on a full page.
    pub per_page: u32,
    /// Entries on all pages.
    pub total_items: u64,
    /// How many pages there are.
    pub total_pages: u64,
}

impl<T> List<T> {
    /// The page of a list with `total` entries.
    pub fn new<R>(page: Page, (rows, total): (Vec<R>, u64), show: impl Fn(R) -> T) -> Self {
        Self {
            items: rows.into_iter().map(show).collect(),
            page: page.number,
            per_page: page.per_page,
            total_items: total,
            total_pages: total.div_ceil(u64::from(page.per_page)),
        }
    }
}

/// A whole list without pages.
#[derive(Clone, Debug, Serialize)]
pub struct Items<T> {
    /// The entries.
    pub items: Vec<T>,
}

/// The query of a list: a page, and the filters that the list knows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListQuery {
    /// Which part is wanted, brought into range.
    pub page: Page,
    filters: Vec<(String, String)>,
}

impl ListQuery {
    /// Reads the query; `filters` are the names that it may have besides `page` and `perPage`.
    ///
    /// # Errors
    /// 400 for a page that is no number, for a name that is not known here and for one that comes twice.
    pub fn read(
        pairs: Result<QueryPairs, BodyRejection>,
        filters: &[&'static str],
    ) -> Result<Self, ApiError> {
        let mut query = Self { page: Page { number: 1, per_page: PER_PAGE }, filters: Vec::new() };
        let mut seen: Vec<&'static str> = Vec::new();
        for (name, value) in pairs?.0 {
            let known = ["page", "perPage"].iter().chain(filters).find(|known| **known == name);
            let Some(known) = known else {
                let mut names = vec!["page", "perPage"];
                names.extend(filters);
                let message = "the query has a parameter that is not known here";
                return Err(ApiError::bad_request(message).data(serde_json::json!({"known": names})));
            };
            if seen.contains(known) {
                return Err(ApiError::field(known, "a parameter of the query is there twice"));
            }
            seen.push(known);
            let in_range =
                |most: u32| number(known, &value).map(|number| number.clamp(1, most.into()) as u32);
            match *known {
                "page" => query.page.number = in_range(u32::MAX)?,
                "perPage" => query.page.per_page = in_range(MAX_PER_PAGE)?,
                _ => query.filters.push((name, value)),
            }
        }
        Ok(query)
    }

    /// The text of a filter; an empty one counts as absent.
    pub fn filter(&self, name: &str) -> Option<&str> {
        let found = self.filters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A filter that `parse` understands.
    ///
    /// # Errors
    /// 400 with `expected` when it does not.
    pub fn parsed<T>(
        &self,
        name: &'static str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let wrong = || ApiError::field(name, expected);
        self.filter(name).map(|text| parse(text).ok_or_else(wrong)).transpose()
    }
}

fn number(name: &'static str, text: &str) -> Result<i64, ApiError> {
    text.parse().map_err(|_| ApiError::field(name, "a page and its length are numbers"))
}

/// A member that may be absent (nothing changes), null (what it names is taken away) or a value.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Patch<T> {
    /// Nothing was said.
    #[default]
    Absent,
    /// `null`.
    Null,
    /// A value.
    Value(T),
}

impl<T> Patch<T> {
    /// `None` when nothing was said, `Some(None)` for null.
    pub fn into_change(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}

/// A JSON body that may be left out: without body and `Content-Type` it is the default.
#[derive(Clone, Debug)]
pub struct OptionalBody<T>(pub T);

impl<T: DeserializeOwned + Default, S: Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request<Body>, state: &S) -> Result<Self, ApiError> {
        if request.headers().contains_key(CONTENT_TYPE) {
            return JsonBody::from_request(request, state).await.map(|JsonBody(value)| Self(value));
        }
        match body::read(request.into_body(), 0).await {
            Ok(_) => Ok(Self(T::default())),
            Err(_) => Err(BodyRejection::NotJson.into()),
        }
    }
}

/// A JSON answer that no cache keeps.
pub fn answer(value: impl Serialize) -> Response {
    no_store(Json(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(query: &str) -> Result<ListQuery, ApiError> {
        let pairs = crate::http::extract::parse_pairs(query.as_bytes()).unwrap();
        ListQuery::read(Ok(QueryPairs(pairs)), &["search"])
    }

    #[test]
    fn times_are_texts_whose_order_is_the_order_of_time() {
        let text = |millis| IsoTime(Timestamp::from_millis(millis)).to_string();
        assert_eq!(text(1_700_000_000_000), "2023-11-14T22:13:20.000Z");
        assert_eq!(text(1_700_000_000_007), "2023-11-14T22:13:20.007Z");
        assert!(text(i64::MIN).starts_with('-') && text(i64::MAX).starts_with("9999-"));
        let time = IsoTime::parse("2023-11-14T23:13:20.007+01:00").unwrap();
        assert_eq!(time.0, Timestamp::from_millis(1_700_000_000_007));
        for text in ["", "yesterday", "2023-11-14", "2023-11-14T22:13:20", "1700000000"] {
            assert!(IsoTime::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_page_out_of_range_is_brought_into_range() {
        let page = |query| read(query).map(|query| (query.page.number, query.page.per_page)).unwrap();
        assert_eq!(page(""), (1, 20));
        assert_eq!(page("page=0&perPage=0"), (1, 1));
        assert_eq!(page("page=-1&perPage=-5"), (1, 1));
        assert_eq!(page("page=2&perPage=100"), (2, 100));
        assert_eq!(page("perPage=101"), (1, 100));
        assert_eq!(page("page=9223372036854775807"), (u32::MAX, 20));
    }

    #[test]
    fn a_query_that_makes_no_sense_is_refused_without_an_echo() {
        for query in ["page=CANARY", "perPage=", "page=1.5", "page=1&page=2", "CANARY=1", "search=a&search=b"]
        {
            let error = read(query).unwrap_err();
            assert_eq!(error.status(), 400, "{query}");
            assert!(!error.message().contains("CANARY"), "{query}");
        }
        assert_eq!(read("search=a%20b").unwrap().filter("search"), Some("a b"));
        assert_eq!(read("search=").unwrap().filter("search"), None);
    }

    #[test]
    fn the_number_of_pages_is_rounded_up() {
        for (total, pages) in [(0, 0), (1, 1), (20, 1), (21, 2)] {
            let list = List::new(Page { number: 1, per_page: 20 }, (Vec::<u8>::new(), total), |item| item);
            assert_eq!(list.total_pages, pages, "{total}");
        }
        let list = List::new(Page { number: 1, per_page: 20 }, (vec![7], 1), |item| item);
        let json = serde_json::to_value(&list).unwrap();
        assert_eq!(json, json!({"items": [7], "page": 1, "perPage": 20, "totalItems": 1, "totalPages": 1}));
    }

    #[test]
    fn absent_null_and_value_are_three_things() {
        #[derive(Deserialize)]
        struct Change {
            #[serde(default)]
            name: Patch<String>,
        }
        let change =
            |text: &str| serde_json::from_str::<Change>(text).map(|change| change.name.into_change());
        assert_eq!(change("{}").unwrap(), None);
        assert_eq!(change(r#"{"name": null}"#).unwrap(), Some(None));
        assert_eq!(change(r#"{"name": "a"}"#).unwrap(), Some(Some("a".to_owned())));
        assert!(change(r#"{"name": 1}"#).is_err());
    }
}
