//! `ayb status`: whether the server works.

use super::context::Context;
use super::failure::{Exit, Failure};
use super::listing::show_one;
use super::output::{Column, field};
use super::server::Server;

const COLUMNS: [Column; 2] = [
    Column { title: "Status", cell: |health| field(health, "status") },
    Column { title: "Database", cell: |health| field(health, "database") },
];

/// Asks the server for its health.
pub async fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let server = Server::anonymous(context)?;
    let body = server.health().await?;
    context.console.say(&format!("Server: {}", server.url))?;
    show_one(&mut context.console, &body, &COLUMNS)?;
    if body.json["status"] == "ok" {
        return Ok(());
    }
    Err(Failure::new(Exit::Failed, format!("{} is not healthy", server.url))
        .hint("the server's log says more"))
}
