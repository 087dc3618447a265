//! The accept loop: sockets in, requests out, with a limit on everything that a peer can hold on to.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::http::capacity;
use crate::http::connection;
use crate::http::outgoing::Streams;
use crate::http::pace::Patience;
use crate::http::tls::TlsIdentity;

/// The queue of connections that the system keeps for us.
const BACKLOG: u32 = 1024;
/// How long to wait when the system has no more file descriptors to give.
const OUT_OF_FILES: Duration = Duration::from_millis(100);
/// The least that hyper accepts as a limit on the head.
const LEAST_HEAD_BYTES: usize = 8 * 1024;

/// What connections may hold on to.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Connections at one time; more are closed at once. The system's limit on open files may allow fewer.
    pub connections: u32,
    /// From the start of a TLS connection to the end of its handshake.
    pub handshake_time: Duration,
    /// From the first byte of a request to the end of its head.
    pub head_time: Duration,
    /// From one answer to the next request.
    pub idle_time: Duration,
    /// For the peer to take what we write. A whole answer has this time too, and a further second for each 16 KiB of it.
    pub write_time: Duration,
    /// Header fields of a request; more are answered with 431.
    pub head_fields: usize,
    /// Bytes of a request's head, at least 8 KiB; more are answered with 431.
    pub head_bytes: usize,
    /// Requests at one time on one HTTP/2 connection.
    pub streams: u32,
    /// How long requests may go on after the server was asked to stop.
    pub drain_time: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            handshake_time: Duration::from_secs(10),
            head_time: Duration::from_secs(15),
            idle_time: Duration::from_secs(75),
            write_time: Duration::from_secs(30),
            head_fields: 100,
            head_bytes: 32 * 1024,
            streams: 128,
            drain_time: Duration::from_secs(20),
        }
    }
}

/// An address that cannot be listened on.
#[derive(Debug)]
pub struct BindError {
    /// What was tried.
    pub message: String,
    /// What the system said.
    pub cause: io::Error,
    /// What the operator can do about it.
    pub hint: &'static str,
}

impl BindError {
    fn new(address: impl fmt::Display, cause: io::Error) -> Self {
        let hint = match cause.kind() {
            io::ErrorKind::AddrInUse => "another program listens there: stop it, or choose another port",
            io::ErrorKind::PermissionDenied => "ports below 1024 need special rights: choose a higher port",
            io::ErrorKind::AddrNotAvailable => {
                "this machine has no such address: use 127.0.0.1, 0.0.0.0 or ::"
            }
            _ => "use an address of this machine, such as 127.0.0.1, 0.0.0.0, :: or localhost",
        };
        Self { message: format!("cannot listen on {address}"), cause, hint }
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.message, self.cause)
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// How the last requests ended after the server was asked to stop.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Drained {
    /// Connections that were cut because their requests did not end in time.
    pub cut: usize,
}

/// Sockets that listen, before the first connection is taken.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
    tls: Option<TlsIdentity>,
    limits: ConnectionLimits,
}

impl Listener {
    /// Listens on `host`: an address, with or without brackets, or a name. `localhost` means both loopback addresses
    /// where the machine has both, `::` every address of both kinds. Port 0 lets the system choose; see
    /// [`Listener::addresses`].
    ///
    /// # Errors
    /// [`BindError`] with the cause and a hint.
    pub async fn bind(host: &str, port: u16, limits: ConnectionLimits) -> Result<Self, BindError> {
        let limits = ConnectionLimits { connections: capacity::connections(limits.connections), ..limits };
        if host.eq_ignore_ascii_case("localhost") {
            return Ok(Self { sockets: listen_on_loopback(port)?, tls: None, limits });
        }
        let mut sockets = Vec::new();
        for address in resolve(host, port).await? {
            sockets.push(listen(address)?);
        }
        Ok(Self { sockets, tls: None, limits })
    }

    /// Speaks TLS on every connection.
    #[must_use]
    pub fn with_tls(mut self, identity: TlsIdentity) -> Self {
        self.tls = Some(identity);
        self
    }

    /// The addresses that are listened on, with the ports that the system chose.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect()
    }

    /// Serves `app` until `stop` is ready; then takes no more connections, lets requests in flight end within
    /// [`ConnectionLimits::drain_time`], and cuts the rest.
    pub async fn serve(self, app: Router, stop: impl Future<Output = ()>) -> Drained {
        let (phase, watched) = watch::channel(Phase::Serving);
        let door = Arc::new(Door::new(app, self.tls.as_ref().map(TlsIdentity::acceptor), self.limits));
        let mut loops = JoinSet::new();
        for socket in self.sockets {
            loops.spawn(door.clone().accept(socket, watched.clone()));
        }
        stop.await;
        phase.send_replace(Phase::Draining);
        while loops.join_next().await.is_some() {}
        door.drain(&phase).await
    }
}

/// Where the server is in its life; every connection watches it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    Serving,
    /// Requests in flight may end, nothing new begins.
    Draining,
    /// Time is up.
    Cut,
}

/// What all connections share.
pub(super) struct Door {
    pub(super) app: Router,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) protocol: auto::Builder<Streams>,
    pub(super) limits: ConnectionLimits,
    slots: Arc<Semaphore>,
}

impl Door {
    pub(super) fn new(app: Router, tls: Option<TlsAcceptor>, limits: ConnectionLimits) -> Self {
        let slots = Arc::new(Semaphore::new(limits.connections as usize));
        Self { app, tls, protocol: protocol(&limits), limits, slots }
    }

    async fn accept(self: Arc<Self>, socket: TcpListener, mut phase: watch::Receiver<Phase>) {
        let mut alarm = Alarm::default();
        loop {
            let accepted = tokio::select! {
                biased;
                _ = phase.wait_for(|phase| *phase != Phase::Serving) => return,
                accepted = socket.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    survive(&error).await;
                    continue;
                }
            };
            match self.slots.clone().try_acquire_owned() {
                Ok(slot) => drop(tokio::spawn(self.clone().admit(stream, peer, slot, phase.clone()))),
                // Closed at once: a client that hears nothing would wait, one that hears this can go elsewhere.
                Err(_) => alarm.ring(self.limits.connections),
            }
        }
    }

    async fn admit(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        slot: OwnedSemaphorePermit,
        phase: watch::Receiver<Phase>,
    ) {
        // Without it, small answers wait for the peer's acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        connection::serve(&self, stream, peer, phase).await;
        drop(slot);
    }

    async fn drain(&self, phase: &watch::Sender<Phase>) -> Drained {
        let all = self.limits.connections;
        if timeout(self.limits.drain_time, self.slots.acquire_many(all)).await.is_ok() {
            return Drained { cut: 0 };
        }
        let cut = (all as usize).saturating_sub(self.slots.available_permits());
        phase.send_replace(Phase::Cut);
        let _ = self.slots.acquire_many(all).await;
        Drained { cut }
    }
}

/// A connection that died before we took it is no reason to stop; nor is a lack of file descriptors, but it needs a pause.
async fn survive(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted) {
        return;
    }
    tracing::error!(%error, "a connection could not be taken");
    sleep(OUT_OF_FILES).await;
}

/// Says that the house is full, but not at the speed of a flood.
#[derive(Default)]
struct Alarm {
    last: Option<Instant>,
    refused: u64,
}

impl Alarm {
    fn ring(&mut self, limit: u32) {
        self.refused += 1;
        let now = Instant::now();
        if self.last.is_some_and(|last| now - last < Duration::from_secs(10)) {
            return;
        }
        tracing::warn!(limit, refused = self.refused, "too many connections: new ones are closed");
        (self.last, self.refused) = (Some(now), 0);
    }
}

fn protocol(limits: &ConnectionLimits) -> auto::Builder<Streams> {
    let head_bytes = limits.head_bytes.max(LEAST_HEAD_BYTES);
    let mut protocol = auto::Builder::new(Streams);
    // The time for a head is ours to watch, see `pace`.
    protocol
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers(limits.head_fields)
        .max_buf_size(head_bytes);
    protocol
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(head_bytes).unwrap_or(u32::MAX))
        // A flood of streams that are opened and reset at once (CVE-2023-44487) ends the connection.
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(64)
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(256 * 1024)
        .max_send_buf_size(64 * 1024);
    protocol
}

impl ConnectionLimits {
    pub(super) fn patience(&self) -> Patience {
        Patience { head: self.head_time, idle: self.idle_time, write: self.write_time }
    }
}

async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, BindError> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let fail = |cause| BindError::new(format_args!("{host}:{port}"), cause);
    let found: Vec<_> = lookup_host((bare, port)).await.map_err(fail)?.collect();
    if found.is_empty() {
        return Err(fail(io::Error::other("the name has no address")));
    }
    Ok(found)
}

/// Both loopback addresses on one port; a machine without IPv6 has only the first.
fn listen_on_loopback(port: u16) -> Result<Vec<TcpListener>, BindError> {
    let first = listen(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port))?;
    let chosen = first.local_addr().map_or(port, |address| address.port());
    match listen(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), chosen)) {
        Ok(second) => Ok(vec![first, second]),
        // A port that the system chose may be taken on the other address, which nobody asked for.
        Err(error) if port != 0 && error.cause.kind() == io::ErrorKind::AddrInUse => Err(error),
        Err(_) => Ok(vec![first]),
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, BindError> {
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
            SockRef::from(&socket).set_only_v6(false)?;
        }
        // A restart must not wait for the connections of the process before it. On Windows the option means more.
        #[cfg(not(windows))]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|cause| BindError::new(address, cause))
}
