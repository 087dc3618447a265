//! What `ayb start` prints for the person who started it.

use std::io::Write;

use crate::app::App;
use crate::demo::{DEMO_EMAIL, DEMO_PASSWORD};
use crate::http::listener::Listener;

/// Prints where the server is and, once, the administrator's password. It goes to standard output, which is not the log.
pub fn print(app: &App, listener: &Listener, admin_password: Option<&str>, with_demo: bool) {
    // Nobody may be reading; the server runs all the same.
    let _ = write(&mut std::io::stdout().lock(), app, listener, admin_password, with_demo);
}

fn write(
    out: &mut impl Write,
    app: &App,
    listener: &Listener,
    admin_password: Option<&str>,
    with_demo: bool,
) -> std::io::Result<()> {
    let issuer = app.issuer();
    writeln!(out, "ayb {} is running.", env!("CARGO_PKG_VERSION"))?;
    writeln!(out)?;
    writeln!(out, "  Address         {issuer}")?;
    for address in listener.addresses() {
        writeln!(out, "  Listening on    {address}")?;
    }
    if app.config.auth.provider.enabled {
        writeln!(out, "  Discovery       {issuer}/.well-known/openid-configuration")?;
    }
    if with_demo {
        writeln!(out, "  Demo            {issuer}/demo")?;
        writeln!(out, "  Demo user       {DEMO_EMAIL}")?;
        writeln!(out, "  Demo password   {DEMO_PASSWORD}")?;
    }
    match admin_password {
        Some(password) => {
            writeln!(out, "  Admin password  {password}")?;
            writeln!(out)?;
            writeln!(out, "The admin password is shown this once; `ayb admin set-password` changes it.")?;
        }
        None => writeln!(out, "  Admin password  as set earlier")?,
    }
    writeln!(out, "Stop with Ctrl-C.")?;
    out.flush()
}
