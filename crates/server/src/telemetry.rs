//! Logs: what is written, in which form, and what never is.
//!
//! Only our own crates are heard below the level of a warning: protocol libraries print headers and frames when asked for
//! more, and those hold secrets.

use std::any::Any;
use std::io::{self, IsTerminal};
use std::panic;
use std::time::Duration;

use http::{Method, StatusCode};
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};

use crate::config::{LogFormat, LogLevel};
use crate::http::client_ip::ClientIp;

const OUR_TARGETS: [&str; 5] = ["ayb", "ayb_server", "ayb_store", "ayb_provider", "ayb_protocol"];

impl From<LogLevel> for Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

/// Logs were set up twice.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("logging is already set up")]
pub struct AlreadySetUp;

/// Sets up logging to standard error for the whole process, reports of panics included.
///
/// # Errors
/// [`AlreadySetUp`] when something else did so before.
pub fn init(level: LogLevel, format: LogFormat) -> Result<(), AlreadySetUp> {
    let colours = io::stderr().is_terminal();
    tracing::subscriber::set_global_default(subscriber(level, format, colours, io::stderr))
        .map_err(|_| AlreadySetUp)?;
    panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// The receiver of log lines behind [`init`], for a writer of one's own.
pub fn subscriber<W>(
    level: LogLevel,
    format: LogFormat,
    colours: bool,
    writer: W,
) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colours);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_ansi(false).boxed(),
    };
    let ours = OUR_TARGETS.map(|target| (target, Level::from(level)));
    let heard = Targets::new().with_default(Level::from(level).min(Level::WARN)).with_targets(ours);
    Registry::default().with(lines.with_filter(heard))
}

fn log_panic(panic: &panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let said = panic_message(panic.payload());
    tracing::error!(target: "ayb_server::panic", said, place, "a thread panicked");
}

/// The message of a panic where it is a fixed text of the code; a formatted one may quote input and is withheld.
fn panic_message(payload: &(dyn Any + Send)) -> &'static str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or("(message withheld)")
}

/// What is said about a finished request: nothing that the caller chose freely.
#[derive(Debug)]
pub struct RequestLine<'a> {
    /// The method.
    pub method: &'a Method,
    /// The pattern of the route that answered, never the path or the query; `None` when there was none.
    pub route: Option<&'a str>,
    /// The status of the answer.
    pub status: StatusCode,
    /// From the head of the request to the head of the answer.
    pub duration: Duration,
    /// The request's identifier.
    pub request_id: &'a str,
    /// The client's address.
    pub client: ClientIp,
    /// What only the operator may read.
    pub detail: Option<&'a str>,
}

/// Writes the line of a finished request: an error when the fault is ours, else an information.
pub fn log_request(line: &RequestLine<'_>) {
    let RequestLine { request_id, client, .. } = line;
    let (method, status) = (known_method(line.method), line.status.as_u16());
    let route = line.route.unwrap_or("(none)");
    let duration_ms = (line.duration.as_secs_f64() * 1e6).round() / 1e3;
    let detail = line.detail;
    if line.status.is_server_error() {
        tracing::error!(target: "ayb_server::request", method, route, status, duration_ms, request_id, %client, detail, "request");
    } else {
        tracing::info!(target: "ayb_server::request", method, route, status, duration_ms, request_id, %client, detail, "request");
    }
}

/// An invented method is text of a stranger's choice.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "(other)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formatted_panic_message_is_withheld() {
        assert_eq!(panic_message(&"index out of range"), "index out of range");
        assert_eq!(panic_message(&format!("bad token {}", "CANARY")), "(message withheld)");
    }

    #[test]
    fn an_invented_method_is_not_logged() {
        assert_eq!(known_method(&Method::from_bytes(b"CANARY").unwrap()), "(other)");
        assert_eq!(known_method(&Method::POST), "POST");
    }
}
