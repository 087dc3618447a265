//! The system asks the process to end: SIGTERM, or Ctrl-C. Once asks for a graceful stop, twice for one at once.

use std::io;

use tokio::sync::watch;

/// Listens from now on; the answer counts how often the process was asked.
///
/// # Errors
/// When the system does not let the process listen.
pub(super) fn stop_requests() -> io::Result<watch::Receiver<u32>> {
    let mut requests = Requests::listen()?;
    ignore_hangup();
    let (count, counted) = watch::channel(0);
    tokio::spawn(async move {
        loop {
            requests.next().await;
            count.send_modify(|count| *count += 1);
        }
    });
    Ok(counted)
}

/// A write beyond the largest size that the system allows a file (`ulimit -f`) fails like one to a full disk from now on,
/// and is no reason to end.
pub(super) fn ignore_file_size() {
    #[cfg(unix)]
    ignore(rustix::process::Signal::XFSZ.as_raw());
}

/// A terminal that closes and a log that is rotated are no reason to end in the middle of an answer. With TLS the signal
/// has the certificate read again.
fn ignore_hangup() {
    #[cfg(unix)]
    ignore(rustix::process::Signal::HUP.as_raw());
}

/// A signal that is listened to does not end the process, and goes on not to when nobody listens any more.
#[cfg(unix)]
fn ignore(number: i32) {
    let _unlistened = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(number));
}

/// Ready when the process has been asked so many `times`.
pub(super) async fn asked(mut requests: watch::Receiver<u32>, times: u32) {
    if requests.wait_for(|count| *count >= times).await.is_err() {
        // Nobody counts any more, so nobody will ask.
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
struct Requests {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Requests {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Requests(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Requests {
    fn listen() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        let _ = self.0.recv().await;
    }
}
