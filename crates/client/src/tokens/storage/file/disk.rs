//! Files that are replaced whole, are their owner's only, and are locked by the operating system.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::StorageError;

/// How often a lock is asked for that somebody else holds.
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// The ending of the file that is locked for the time of one write.
pub(super) const WRITE_LOCK: &str = "write-lock";

/// How long somebody else's write is waited for.
pub(super) const WRITE_PATIENCE: Duration = Duration::from_secs(10);

fn write_failed(error: &std::io::Error) -> StorageError {
    // The kind only: the text of an error may hold a path, and the path the name of a person.
    StorageError::WriteFailed(error.kind().to_string())
}

/// Makes a folder for its owner only.
pub(super) fn make_folder(folder: &Path) -> Result<(), StorageError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| write_failed(&error))
}

/// The bytes of a file; nothing when there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StorageError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StorageError::ReadFailed(error.kind().to_string())),
    }
}

fn for_owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Replaces a file: the new one is whole on the disk before it takes the place of the old one. `tag` is random, for the name
/// under which it is written.
pub(super) fn replace(path: &Path, bytes: &[u8], tag: &str) -> Result<(), StorageError> {
    let beside = path.with_extension(format!("{tag}.new"));
    let written = for_owner_only().create_new(true).open(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    if let Err(error) = written {
        // What is left of it holds nothing that is not encrypted; it only takes up room.
        let _left_over = fs::remove_file(&beside);
        return Err(write_failed(&error));
    }
    sync_folder(path).map_err(|error| write_failed(&error))
}

/// A name that was moved or removed is so after a power cut too.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        #[cfg(unix)]
        Some(folder) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// Removes a file. There need not be one.
pub(super) fn remove(path: &Path) -> Result<(), StorageError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(write_failed(&error)),
        _ => sync_folder(path).map_err(|error| write_failed(&error)),
    }
}

/// Removes every file with this ending, and what was left when a process died while it wrote one. Each is locked meanwhile, so
/// nobody's write is broken.
pub(super) fn remove_all(folder: &Path, ending: &str) -> Result<(), StorageError> {
    for entry in fs::read_dir(folder).map_err(|error| write_failed(&error))? {
        let path = entry.map_err(|error| write_failed(&error))?.path();
        if path.extension().is_some_and(|extension| extension == ending || extension == "new") {
            let _writing = lock(&write_lock_of(&path), WRITE_PATIENCE)?;
            remove(&path)?;
        }
    }
    Ok(())
}

/// `name.write-lock` for `name.tokens` and for `name.tag.new`.
fn write_lock_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').next().unwrap_or_default();
    path.with_file_name(format!("{stem}.{WRITE_LOCK}"))
}

/// Locks a file that is there for nothing else; it is never removed, since whoever waits for it would hold another one.
/// Dropping the result, or dying, lets go.
pub(super) fn lock(path: &Path, patience: Duration) -> Result<File, StorageError> {
    let opened = for_owner_only().create(true).truncate(false).open(path);
    let file = opened.map_err(|error| write_failed(&error))?;
    let mut waited = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(write_failed(&error)),
            Err(TryLockError::WouldBlock) if waited >= patience => return Err(StorageError::LockTimeout),
            Err(TryLockError::WouldBlock) => {
                std::thread::sleep(LOCK_PAUSE);
                waited += LOCK_PAUSE;
            }
        }
    }
}
