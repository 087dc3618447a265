//! Files that hold secrets: only their owner may read them, and they are never half written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes a new file that only its owner may read.
///
/// Fails with [`io::ErrorKind::AlreadyExists`] and changes nothing when there is such a file.
pub fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut file = private().create_new(true).open(path)?;
    fill(&mut file, text).inspect_err(|_| drop(fs::remove_file(path)))
}

/// Replaces a file in one step: after a crash it holds the old text or the new one. A new file is only for its owner,
/// an existing one keeps its permissions; a symbolic link stays and its target is replaced.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let draft = beside(&target, &format!("{}.tmp", std::process::id()));
    let written = write_draft(&target, &draft, text).and_then(|()| fs::rename(&draft, &target));
    written.inspect_err(|_| drop(fs::remove_file(&draft)))
}

/// Keeps others from changing a file with this lock while somebody reads it, thinks, and replaces it. It waits for them,
/// and ends when the answer is dropped, or with the process.
///
/// The lock is a file of its own beside the other one, and stays: the other one is another file after each replacement.
pub fn lock(path: &Path) -> io::Result<File> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let file = private().create(true).truncate(false).open(beside(&target, "lock"))?;
    file.lock()?;
    Ok(file)
}

fn write_draft(target: &Path, draft: &Path, text: &str) -> io::Result<()> {
    let mut file = private().create(true).truncate(true).open(draft)?;
    if let Ok(existing) = fs::metadata(target) {
        file.set_permissions(existing.permissions())?;
    }
    fill(&mut file, text)
}

fn fill(file: &mut File, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{ending}"))
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_file_is_never_overwritten_by_create() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        create(&path, "one").unwrap();
        assert_eq!(create(&path, "two").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_a_new_file_and_an_old_one_keeps_its_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let (created, replaced) = (folder.path().join("created"), folder.path().join("replaced"));
        create(&created, "x").unwrap();
        replace(&replaced, "x").unwrap();
        assert_eq!((mode(&created), mode(&replaced)), (0o600, 0o600));
        fs::set_permissions(&replaced, fs::Permissions::from_mode(0o640)).unwrap();
        replace(&replaced, "y").unwrap();
        assert_eq!((mode(&replaced), fs::read_to_string(&replaced).unwrap()), (0o640, "y".to_owned()));
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_survives_and_no_draft_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        replace(&link, "new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
