//! Filters for the templates. Every text that a stranger chose goes through one of them.

#![expect(unreachable_pub, reason = "the attribute writes `pub` into what it generates")]

use super::text;
use std::fmt::Display;

/// A name: without deceiving characters, cut to 80 characters.
#[askama::filter_fn]
pub(super) fn shown(value: impl Display, _: &dyn askama::Values) -> askama::Result<String> {
    Ok(text::name(&value.to_string()))
}

/// A description: without deceiving characters, cut to 400 characters.
#[askama::filter_fn]
pub(super) fn prose(value: impl Display, _: &dyn askama::Values) -> askama::Result<String> {
    Ok(text::prose(&value.to_string()))
}

/// Without deceiving characters and never cut, for hosts and addresses: whoever reads only the start of
/// `accounts.example.com.….evil.example` reads the wrong part.
#[askama::filter_fn]
pub(super) fn plain(value: impl Display, _: &dyn askama::Values) -> askama::Result<String> {
    Ok(text::plain(&value.to_string()))
}
