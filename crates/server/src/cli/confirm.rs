//! Asking before something is lost.

use super::failure::Failure;
use super::output::Console;

/// Asks whoever sits at the terminal to say yes to what was printed before.
///
/// # Errors
/// When they do not, or when nobody sits there: scripts say yes with a flag.
pub fn confirm(console: &mut Console<'_>, question: &str) -> Result<(), Failure> {
    if !console.interactive {
        return Err(Failure::usage("nothing was done, because nobody can be asked")
            .hint("add --yes when you mean it"));
    }
    write!(console.err, "{question} Type yes to go on: ")?;
    console.err.flush()?;
    match console.read_line()? {
        Some(line) if line.trim() == "yes" => Ok(()),
        _ => Err(Failure::failed("nothing was done, because the answer was not yes")),
    }
}
