//! `ayb version`.

use serde_json::json;

use super::failure::Failure;
use super::output::{Console, Format};

/// The version of the program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Prints the version.
pub fn run(console: &mut Console<'_>) -> Result<(), Failure> {
    match console.format {
        Format::Table => console.line(&format!("ayb {VERSION}")),
        Format::Json => console.line(&json!({"version": VERSION}).to_string()),
        Format::Csv => console.rows(&["Version"], &[vec![VERSION.to_owned()]]),
    }
}
