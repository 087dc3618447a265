//! Which process serves a data folder: a file that is locked as long as the server lives.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;

/// The name of the file in the data folder.
const FILE_NAME: &str = "ayb.pid";

/// The claim of a running server on its data folder. It ends with the process, however that ends.
#[derive(Debug)]
pub struct Claim(#[expect(dead_code, reason = "the lock lives as long as the open file")] File);

/// Claims a data folder, which must exist, for this process.
///
/// Fails with [`io::ErrorKind::WouldBlock`] when another process holds the claim.
pub fn claim(data_dir: &Path) -> io::Result<Claim> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(data_dir.join(FILE_NAME))?;
    lock(&file)?;
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())?;
    file.sync_all()?;
    Ok(Claim(file))
}

/// The process that holds the claim on a data folder, if one does.
pub fn holder(data_dir: &Path) -> io::Result<Option<u32>> {
    let mut file = match File::open(data_dir.join(FILE_NAME)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    match lock(&file) {
        Ok(()) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            let number = text.trim().parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            Ok(Some(number))
        }
        Err(error) => Err(error),
    }
}

fn lock(file: &File) -> io::Result<()> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
        TryLockError::Error(error) => error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_holds_the_claim_until_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(holder(folder.path()).unwrap(), None);
        let first = claim(folder.path()).unwrap();
        assert_eq!(holder(folder.path()).unwrap(), Some(std::process::id()));
        assert_eq!(claim(folder.path()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(first);
        assert_eq!(holder(folder.path()).unwrap(), None);
        claim(folder.path()).unwrap();
    }
}
