//! The table API beside the same statements through the drivers alone, with each kind of credential; and how lists grow.

use anyhow::{Context, Result, ensure};
use rusqlite::Connection;
use serde_json::json;

use crate::bench::{Bench, Engine};
use crate::floor::notes::{POSTGRES, ROWS, SQLITE, Statements};
use crate::http::{send, send_json};
use crate::report::{Report, Row};
use crate::subject::Subject;
use crate::work::{Many, request, request_json};

const TABLE: &str = "/api/collections/bench_note";
/// What the role of the table API needs for a table that is younger than itself.
const GRANT: &str = "grant select, insert, update, delete on bench_note to ayb_api";
/// Requests of one workload, each for another row.
const REQUESTS: i64 = 2_000;

/// Measures the section.
pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    report.head();
    for engine in bench.engines() {
        let field = Field::open(bench, engine)?;
        field.fill(statements(engine).schema)?;
        for credential in field.credentials()? {
            for deed in [Deed::Read, Deed::List, Deed::Filtered, Deed::Create, Deed::Update] {
                let mut row =
                    Row::new(engine.name(), format!("{}, {}", deed.name(), credential.name), "of driver");
                let (mut ours, mut floor) = (deed.ours(&credential.header), deed.floor(engine));
                for _ in 0..bench.rounds {
                    row.ours.push(bench.round(&field.subject, &mut ours)?);
                    row.other.push(bench.floor_round(engine, &mut floor)?);
                }
                report.row(row, None);
            }
        }
        growth(bench, engine, report)?;
    }
    Ok(())
}

/// Lists and pages behind a cursor in a large table beside the same in one of a thousand rows.
fn growth(bench: &Bench, engine: Engine, report: &mut Report) -> Result<()> {
    let powers: &[u32] = if bench.quick { &[5, 6] } else { &[5, 7] };
    let small = Field::open(bench, engine)?;
    small.fill(&sized(engine, 1_000))?;
    for power in powers {
        let large = Field::open(bench, engine)?;
        let rows = 10_i64.pow(*power);
        large.fill(&sized(engine, rows))?;
        for at_cursor in [false, true] {
            let name = if at_cursor { "page of 20 behind a cursor" } else { "list of 20" };
            let mut row = Row::new(engine.name(), format!("{name} at 10^{power} rows"), "of 10^3");
            let (mut ours, mut other) = (large.pages(rows, at_cursor)?, small.pages(1_000, at_cursor)?);
            for _ in 0..bench.rounds {
                row.ours.push(bench.round(&large.subject, &mut ours)?);
                row.other.push(bench.round(&small.subject, &mut other)?);
            }
            report.row(row, None);
        }
    }
    Ok(())
}

fn statements(engine: Engine) -> &'static Statements {
    match engine {
        Engine::Sqlite => &SQLITE,
        Engine::Postgres => &POSTGRES,
    }
}

/// The table with another number of rows.
fn sized(engine: Engine, rows: i64) -> String {
    statements(engine).schema.replace(&ROWS.to_string(), &rows.to_string())
}

/// A server with the table, and who may use it.
struct Field {
    subject: Subject,
    key: String,
}

/// How a caller proves who they are, as a header line.
struct Credential {
    name: &'static str,
    header: String,
}

impl Field {
    fn open(bench: &Bench, engine: Engine) -> Result<Self> {
        let subject = bench.subject(engine)?;
        let draft = json!({"userId": subject.person, "name": "bench", "scope": "readwrite"});
        let made =
            send_json(subject.address, "POST", "/api/admin/api-keys", &subject.admin_token()?, &draft)?;
        let key = made["key"].as_str().context("no API key came")?;
        Ok(Self { key: format!("Authorization: Bearer {key}\r\n"), subject })
    }

    /// Makes the table beside those of the server.
    fn fill(&self, script: &str) -> Result<()> {
        match &self.subject.database {
            None => {
                let file = Connection::open(self.subject.sqlite_file())?;
                file.busy_timeout(std::time::Duration::from_secs(60))?;
                file.execute_batch(script)?;
            }
            Some(url) => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(async {
                    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
                    tokio::spawn(connection);
                    client.batch_execute(script).await?;
                    client.batch_execute(GRANT).await
                })?;
            }
        }
        // On PostgreSQL a new table is seen after a second at most.
        std::thread::sleep(std::time::Duration::from_millis(1_200));
        Ok(())
    }

    fn credentials(&self) -> Result<[Credential; 3]> {
        let bearer = |client| -> Result<String> {
            Ok(format!("Authorization: Bearer {}\r\n", self.subject.writing_token(client)?))
        };
        Ok([
            Credential { name: "opaque token", header: bearer("opaque")? },
            Credential { name: "JWT", header: bearer("ES256")? },
            Credential { name: "API key", header: self.key.clone() },
        ])
    }

    /// Pages of twenty: the first one, or those behind cursors that are spread over the table.
    fn pages(&self, rows: i64, at_cursor: bool) -> Result<Many> {
        let base = format!("{TABLE}?perPage=20&skipTotal=true");
        if !at_cursor {
            return Ok(Many::new(vec![request("GET", &base, &self.key, "")], "\"title\""));
        }
        let mut list = Vec::new();
        for turn in 0..50 {
            let id = 1 + (rows - 100) * turn / 50;
            let cursor = self.cursor(id)?;
            list.push(request("GET", &format!("{base}&cursor={cursor}"), &self.key, ""));
        }
        Ok(Many::new(list, "\"title\""))
    }

    /// The cursor of a page that ends with a row.
    fn cursor(&self, id: i64) -> Result<String> {
        let path = format!("{TABLE}?perPage=1&skipTotal=true&cursor=&filter=id%3E%3D{id}");
        let page = send(self.subject.address, "GET", &path, &[self.key.trim_end().to_owned()], "")?.json()?;
        let cursor = page["nextCursor"].as_str().map(str::to_owned);
        ensure!(page["items"][0]["id"] == id, "no row {id}: {page}");
        cursor.context("a page in the middle of a table names no next one")
    }
}

#[derive(Clone, Copy)]
enum Deed {
    Read,
    List,
    Filtered,
    Create,
    Update,
}

impl Deed {
    fn name(self) -> &'static str {
        match self {
            Self::Read => "one row",
            Self::List => "list of 20",
            Self::Filtered => "filtered list of 20",
            Self::Create => "create",
            Self::Update => "update",
        }
    }

    fn ours(self, header: &str) -> Many {
        let filtered = |n: i64| format!("{TABLE}?perPage=20&skipTotal=true&filter=n%3D{n}");
        self.work(&|turn| match self {
            Self::Read => request("GET", &format!("{TABLE}/{}", key(turn)), header, ""),
            Self::List => request("GET", &format!("{TABLE}?perPage=20&skipTotal=true"), header, ""),
            Self::Filtered => request("GET", &filtered(turn % 1000), header, ""),
            Self::Create => request_json("POST", TABLE, header, &draft(turn)),
            Self::Update => request_json("PATCH", &format!("{TABLE}/{}", key(turn)), header, &change(turn)),
        })
    }

    fn floor(self, engine: Engine) -> Many {
        let base = format!("/{}/notes", engine.path());
        self.work(&|turn| match self {
            Self::Read => request("GET", &format!("{base}/{}", key(turn)), "", ""),
            Self::List => request("GET", &base, "", ""),
            Self::Filtered => request("GET", &format!("{base}?n={}", turn % 1000), "", ""),
            Self::Create => request_json("POST", &base, "", &draft(turn)),
            Self::Update => request_json("PATCH", &format!("{base}/{}", key(turn)), "", &change(turn)),
        })
    }

    fn work(self, one: &dyn Fn(i64) -> Vec<u8>) -> Many {
        let requests = if matches!(self, Self::List) { 1 } else { REQUESTS };
        let work = Many::new((0..requests).map(one).collect(), "\"title\"");
        if matches!(self, Self::Create) { work.created() } else { work }
    }
}

/// A row that is there, far from those that were asked for before.
fn key(turn: i64) -> i64 {
    1 + turn * 49_999 % ROWS
}

fn draft(turn: i64) -> String {
    json!({"title": format!("New {turn}"), "body": "A body as long as the others have it.", "n": turn % 1000})
        .to_string()
}

fn change(turn: i64) -> String {
    json!({"title": format!("Changed {turn}")}).to_string()
}
