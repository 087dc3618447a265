//! The address of a row: the parts of its primary key with commas between them, each percent-encoded.

use axum::extract::FromRequestParts;
use http::Uri;
use http::request::Parts;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::app::App;
use crate::error::ApiError;

/// What stands in a segment of a path only when encoded (RFC 3986 §3.3), and the comma.
const PART: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b',')
    .add(b'/')
    .add(b':')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The longest address of a row.
const LONGEST: usize = 4096;

/// The table and the parts of the key that a path names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Address {
    pub(super) table: String,
    /// Empty for the table itself.
    pub(super) id: Vec<String>,
}

impl FromRequestParts<App> for Address {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        read(&parts.uri).ok_or_else(|| ApiError::bad_request("the path is not well-formed"))
    }
}

/// Reads the path as it was sent: only there a comma between parts differs from one inside.
fn read(uri: &Uri) -> Option<Address> {
    let mut segments = uri.path().strip_prefix("/api/collections/")?.split('/');
    let table = decode(segments.next()?)?;
    let id = match segments.next() {
        Some(id) => id.split(',').map(decode).collect::<Option<Vec<_>>>()?,
        None => Vec::new(),
    };
    (uri.path().len() <= LONGEST).then_some(Address { table, id })
}

fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// The path of a row.
pub(super) fn path(table: &str, id: &[String]) -> String {
    let part = |text: &String| utf8_percent_encode(text, PART).to_string();
    let parts: Vec<_> = id.iter().map(part).collect();
    format!("/api/collections/{}/{}", utf8_percent_encode(table, PART), parts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_row_reads_as_its_key() {
        let keys: [&[&str]; 5] = [&["1"], &["a,b", "2"], &["x/y?z#", "%2C", " "], &["żółć"], &["", ""]];
        for key in keys {
            let id: Vec<String> = key.iter().map(|part| (*part).to_owned()).collect();
            let uri: Uri = path("odd \"table", &id).parse().unwrap();
            assert_eq!(read(&uri), Some(Address { table: "odd \"table".to_owned(), id }), "{uri}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_no_address() {
        assert_eq!(read(&"/api/collections/%ff".parse().unwrap()), None);
        assert_eq!(read(&"/api/collections/t/%C3".parse().unwrap()), None);
    }
}
