//! One run of the program, and a server that answers as it was told.

use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use ayb_server::cli::{self, Exit, Streams};
use ayb_server::config::Environment;
use serde_json::Value;

/// What a run left behind.
pub(crate) struct Ran {
    pub(crate) exit: Exit,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a command line with these variables and this input.
pub(crate) fn ayb_with(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Ran {
    run(arguments, variables, input, false)
}

/// Runs a command line with somebody at the terminal who types this.
pub(crate) fn ayb_asking(arguments: &[&str], input: &str) -> Ran {
    run(arguments, &[], input, true)
}

fn run(arguments: &[&str], variables: &[(&str, &str)], input: &str, interactive: bool) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut input = Cursor::new(input.to_owned());
    let streams = Streams { out: &mut out, err: &mut err, input: &mut input, interactive };
    let arguments = std::iter::once("ayb").chain(arguments.iter().copied());
    let exit = cli::run(arguments, Environment::from_pairs(variables.iter().copied()), streams);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { exit, out: text(out), err: text(err) }
}

/// Runs a command line that must work, and returns its output.
pub(crate) fn ayb(arguments: &[&str]) -> String {
    let ran = ayb_with(arguments, &[], "");
    assert_eq!(ran.exit, Exit::Done, "{arguments:?}: {}", ran.err);
    ran.out
}

/// A request as the fake server saw it.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Method and path, such as `GET /health`.
    pub(crate) line: String,
    pub(crate) authorization: String,
    pub(crate) body: Value,
}

/// A server that gives the next answer of its script to each request, then ends.
pub(crate) struct FakeServer {
    pub(crate) url: String,
    thread: JoinHandle<Vec<Seen>>,
}

impl FakeServer {
    /// A server with these answers: status and body, in which `ORIGIN` becomes its own address.
    pub(crate) fn answering(script: &[(u16, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script: Vec<(u16, String)> =
            script.iter().map(|(status, body)| (*status, body.replace("ORIGIN", &url))).collect();
        let serve = move || {
            let answer =
                |(status, body): (u16, String)| serve_one(&listener.accept().unwrap().0, status, &body);
            script.into_iter().map(answer).collect()
        };
        Self { url, thread: std::thread::spawn(serve) }
    }

    /// Runs a client command against this server, with a token.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with_input(arguments, "")
    }

    /// The same, with input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        let variables = [("AYB_URL", self.url.as_str()), ("AYB_ADMIN_TOKEN", "secret-token")];
        ayb_with(arguments, &variables, input)
    }

    /// The requests that came, once the script is through.
    pub(crate) fn seen(self) -> Vec<Seen> {
        self.thread.join().unwrap()
    }
}

fn serve_one(mut stream: &TcpStream, status: u16, body: &str) -> Seen {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let header = |name: &str| {
        let found = head.iter().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.to_owned())
        });
        found.unwrap_or_default()
    };
    let mut received = vec![0; header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut received).unwrap();
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} X\r\nconnection: close\r\nlocation: /elsewhere\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).unwrap();
    let line = head[0].trim_end_matches(" HTTP/1.1").to_owned();
    let body = serde_json::from_slice(&received).unwrap_or_default();
    Seen { line, authorization: header("authorization"), body }
}
