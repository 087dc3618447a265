//! Which process serves a data folder, and where: a file that is locked as long as the server lives. Its lines are the number
//! of the process and, once it listens, an address. A flag or the environment of the server may say something else about that
//! than the configuration that the command line reads.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// The name of the file in the data folder.
const FILE_NAME: &str = "ayb.pid";

/// How often, and how many times, a claim is tried again.
const GLANCE: Duration = Duration::from_millis(20);
const GLANCES: u32 = 10;

/// The claim of a running server on its data folder. It ends with the process, however that ends.
#[derive(Debug)]
pub struct Claim(File);

impl Claim {
    /// Writes down where the process listens: the first of these addresses.
    pub fn listens_at(&mut self, addresses: &[SocketAddr]) -> io::Result<()> {
        let Some(address) = addresses.first() else { return Ok(()) };
        writeln!(self.0, "{address}")?;
        self.0.sync_all()
    }
}

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
    lock_patiently(&file, || std::thread::sleep(GLANCE))?;
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())?;
    file.sync_all()?;
    Ok(Claim(file))
}

/// Who serves a data folder.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Holder {
    /// The number of the process.
    pub process: u32,
    /// Where it listens; nothing while it starts.
    pub address: Option<SocketAddr>,
}

/// The process that holds the claim on a data folder, if one does.
pub fn holder(data_dir: &Path) -> io::Result<Option<Holder>> {
    let mut file = match File::open(data_dir.join(FILE_NAME)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    match lock(&file) {
        Ok(()) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            let mut lines = text.lines();
            let process = lines.next().and_then(|line| line.trim().parse().ok());
            let process = process.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
            Ok(Some(Holder { process, address: lines.next().and_then(|line| line.trim().parse().ok()) }))
        }
        Err(error) => Err(error),
    }
}

/// Whoever asks for the holder has the lock for a moment too: tries again after a `pause`.
fn lock_patiently(file: &File, mut pause: impl FnMut()) -> io::Result<()> {
    for _ in 0..GLANCES {
        match lock(file) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => pause(),
            done => return done,
        }
    }
    lock(file)
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
    fn a_glance_at_the_holder_keeps_nobody_from_starting() {
        let folder = tempfile::tempdir().unwrap();
        drop(claim(folder.path()).unwrap());
        let open = || File::open(folder.path().join(FILE_NAME)).unwrap();
        let mut glance = Some(open());
        lock(glance.as_ref().unwrap()).unwrap();
        lock_patiently(&open(), || glance = None).unwrap();
        assert!(glance.is_none(), "it was in the way");
    }

    #[test]
    fn one_process_holds_the_claim_until_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(holder(folder.path()).unwrap(), None);
        let mut first = claim(folder.path()).unwrap();
        let starting = Holder { process: std::process::id(), address: None };
        assert_eq!(holder(folder.path()).unwrap(), Some(starting));
        let address = "[::1]:9001".parse().unwrap();
        first.listens_at(&[address, "127.0.0.1:9001".parse().unwrap()]).unwrap();
        assert_eq!(holder(folder.path()).unwrap(), Some(Holder { address: Some(address), ..starting }));
        assert_eq!(claim(folder.path()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(first);
        assert_eq!(holder(folder.path()).unwrap(), None);
        let _second = claim(folder.path()).unwrap();
        assert_eq!(holder(folder.path()).unwrap(), Some(starting), "the earlier address is gone");
    }
}
