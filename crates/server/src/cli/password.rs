//! Reading a secret from the terminal without showing it, or from a pipe.

use super::failure::Failure;
use super::output::Console;
use crate::config::SecretText;

/// Asks for a secret; from a pipe, takes its first line.
pub fn ask(console: &mut Console<'_>, question: &str) -> Result<SecretText, Failure> {
    let line = if console.interactive {
        write!(console.err, "{question}: ")?;
        console.err.flush()?;
        let hidden = echo::Hidden::new();
        let line = console.read_line()?;
        drop(hidden);
        writeln!(console.err)?;
        line
    } else {
        console.read_line()?
    };
    match line {
        Some(line) if !line.is_empty() => Ok(SecretText::new(line)),
        _ => Err(Failure::usage("no password was given").hint("type it, or send it as one line: `… < file`")),
    }
}

/// Asks for a new password, twice when somebody types it.
pub fn ask_new(console: &mut Console<'_>) -> Result<SecretText, Failure> {
    let first = ask(console, "New password")?;
    if console.interactive && ask(console, "The same again")? != first {
        return Err(Failure::usage("the two passwords are not the same"));
    }
    Ok(first)
}

#[cfg(unix)]
mod echo {
    use std::io::stdin;

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    /// While it lives, the terminal does not show what is typed.
    pub(super) struct Hidden(Option<Termios>);

    impl Hidden {
        pub(super) fn new() -> Self {
            let Ok(before) = tcgetattr(stdin()) else {
                return Self(None);
            };
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            let changed = tcsetattr(stdin(), OptionalActions::Flush, &silent);
            Self(changed.is_ok().then_some(before))
        }
    }

    impl Drop for Hidden {
        fn drop(&mut self) {
            if let Some(before) = &self.0 {
                // A terminal that went away has nobody to show anything to.
                let _ = tcsetattr(stdin(), OptionalActions::Flush, before);
            }
        }
    }
}

#[cfg(not(unix))]
mod echo {
    /// There is no way to hide what is typed here.
    pub(super) struct Hidden;

    impl Hidden {
        pub(super) fn new() -> Self {
            Self
        }
    }
}
