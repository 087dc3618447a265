//! `ayb doctor`: looks at the configuration, the files and the database, and says what to do.

use serde_json::json;

use super::context::Context;
use super::failure::Failure;
use super::output::Format;
use super::process;
use crate::config::gather;
use crate::doctor::{self, Finding, Health, Installation};

/// Examines the installation. Fails when something keeps the server from working.
pub async fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let gathered = gather(&context.sources());
    let file = gathered.file.clone();
    let findings = match gathered.into_config() {
        Ok((config, settings)) => {
            // A folder of which this cannot be told has findings of its own.
            let holder = process::holder(&config.server.data_dir).ok().flatten();
            let process = holder.map(|holder| holder.process);
            doctor::examine(&Installation { config, settings, file, process }).await
        }
        Err(error) => vec![Finding::bad(
            "configuration",
            error.to_string(),
            "mend the file or the variable and try again",
        )],
    };
    show(context, &findings)?;
    let bad = findings.iter().filter(|finding| finding.health == Health::Bad).count();
    match bad {
        0 => context.console.say(&summary(&findings)),
        1 => Err(Failure::failed("one finding keeps the server from working as configured")),
        many => Err(Failure::failed(format!("{many} findings keep the server from working as configured"))),
    }
}

fn summary(findings: &[Finding]) -> String {
    let doubtful = findings.iter().filter(|finding| finding.health == Health::Doubtful).count();
    let rest = match doubtful {
        0 => String::new(),
        1 => " One thing could be better.".to_owned(),
        many => format!(" {many} things could be better."),
    };
    format!("\nNothing keeps the server from working as configured.{rest}")
}

/// Prints findings.
pub(super) fn show(context: &mut Context<'_>, findings: &[Finding]) -> Result<(), Failure> {
    let console = &mut context.console;
    match console.format {
        Format::Json => {
            let items: Vec<_> = findings.iter().map(as_json).collect();
            console.line(&json!({"findings": items}).to_string())
        }
        Format::Csv => console.rows(&["Health", "Subject", "Finding", "Hint"], &rows(findings)),
        Format::Table => findings.iter().try_for_each(|finding| {
            console.line(&format!("{:5} {}: {}", finding.health.word(), finding.subject, finding.text))?;
            match &finding.hint {
                Some(hint) => console.line(&format!("      hint: {hint}")),
                None => Ok(()),
            }
        }),
    }
}

/// A finding as a member of the output.
pub(super) fn as_json(finding: &Finding) -> serde_json::Value {
    json!({
        "health": finding.health.word(),
        "subject": finding.subject,
        "finding": finding.text,
        "hint": finding.hint,
    })
}

fn rows(findings: &[Finding]) -> Vec<Vec<String>> {
    let row = |finding: &Finding| {
        let hint = finding.hint.clone().unwrap_or_default();
        vec![finding.health.word().to_owned(), finding.subject.to_owned(), finding.text.clone(), hint]
    };
    findings.iter().map(row).collect()
}
