//! The administrator's token: where it is looked for, where `ayb admin login` saves it.

use std::path::{Path, PathBuf};

use url::Url;

use super::context::Context;
use super::failure::Failure;
use super::server::is_this_machine;
use crate::config::{SecretText, secret_file};

/// The name of the file, in the data folder or in the user's configuration folder.
const FILE_NAME: &str = "admin-token";

/// The token for that server: `--admin-token`, `AYB_ADMIN_TOKEN`, the data folder's file, the user's file.
///
/// A file's second line names the server that the token is for; it is sent to no other. A file without it is the
/// running server's own and is for this machine only: a loopback address, or the server of the configuration here.
pub fn find(context: &Context<'_>, server: &Url, here: bool) -> Option<SecretText> {
    let variable =
        context.environment.text("AYB_ADMIN_TOKEN").map(|text| SecretText::new(text.trim().to_owned()));
    if let Some(token) = context.flags.admin_token.clone().or(variable) {
        return Some(token);
    }
    let files = [Some(context.data_dir().join(FILE_NAME)), user_file(context)];
    files.into_iter().flatten().find_map(|path| read(&path, server, here))
}

/// Saves the token for that server in the user's configuration folder, for its owner only.
pub fn save(context: &Context<'_>, server: &Url, token: &SecretText) -> Result<PathBuf, Failure> {
    let path = user_file(context).ok_or_else(|| {
        Failure::failed("there is no folder to save the token in").hint("set HOME, or use AYB_ADMIN_TOKEN")
    })?;
    let text = format!("{}\n{}\n", token.expose(), origin(server));
    let folder = path.parent().unwrap_or(Path::new("."));
    let saved = std::fs::create_dir_all(folder).and_then(|()| secret_file::replace(&path, &text));
    saved.map_err(|error| {
        Failure::failed(format!("cannot write {}", path.display())).because(error.to_string())
    })?;
    Ok(path)
}

fn read(path: &Path, server: &Url, here: bool) -> Option<SecretText> {
    let text = std::fs::read_to_string(path).ok()?;
    let mut lines = text.lines().map(str::trim);
    let token = lines.next().filter(|token| !token.is_empty())?;
    let meant = match lines.next().filter(|line| !line.is_empty()) {
        Some(named) => named == origin(server),
        None => here || is_this_machine(server),
    };
    meant.then(|| SecretText::new(token.to_owned()))
}

fn user_file(context: &Context<'_>) -> Option<PathBuf> {
    Some(context.user_folder()?.join(FILE_NAME))
}

fn origin(server: &Url) -> String {
    server.origin().ascii_serialization()
}
