//! Whether there is a browser here, and opening it.

use std::process::{Command, Stdio};

use url::Url;

use crate::config::Environment;

/// Whether somebody who runs this program is likely to have a browser on this machine: not over SSH, and not without a screen.
pub(super) fn is_here(environment: &Environment) -> bool {
    let is_set = |name| environment.text(name).is_some();
    let is_remote = is_set("SSH_CONNECTION") || is_set("SSH_TTY");
    let has_screen =
        cfg!(any(target_os = "macos", windows)) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
    has_screen && !is_remote
}

/// Asks the system to open an address. The address is on the screen too, so nobody depends on it.
pub(super) fn open(url: &Url) {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let silent = Command::new(program)
        .arg(url.as_str())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Ok(mut child) = silent {
        // It may run as long as the browser does.
        std::thread::spawn(move || child.wait());
    }
}
