use ayb_server::cli::Exit;
use serde_json::Value;

use super::run::{Ran, ayb_asking, ayb_with};

struct Folder(tempfile::TempDir);

impl Folder {
    fn run(&self, arguments: &[&str]) -> Ran {
        ayb_with(&self.whole(arguments), &[], "")
    }

    /// Runs a command line with somebody at the terminal who answers.
    fn answer(&self, arguments: &[&str], answer: &str) -> Ran {
        ayb_asking(&self.whole(arguments), answer)
    }

    fn whole<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        ["--data-dir", self.0.path().to_str().unwrap()].iter().chain(arguments).copied().collect()
    }

    fn applied(&self) -> Vec<bool> {
        let ran = self.run(&["migrate", "status", "--json"]);
        assert_eq!(ran.exit, Exit::Done, "{}", ran.err);
        let status: Value = serde_json::from_str(&ran.out).unwrap();
        status["items"].as_array().unwrap().iter().map(|entry| entry["appliedAt"].is_string()).collect()
    }
}

#[test]
fn up_down_and_status_tell_what_they_did() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let before = folder.applied();
    assert!(!before.is_empty() && !before.contains(&true));
    let up = folder.run(&["migrate", "up"]);
    assert_eq!((up.exit, up.out.lines().count()), (Exit::Done, before.len()), "{}", up.err);
    assert!(up.out.lines().all(|line| line.starts_with("Applied ")), "{}", up.out);
    assert!(!folder.applied().contains(&false));
    assert_eq!(folder.run(&["migrate", "up"]).out, "Nothing to do.\n");
    assert!(folder.run(&["migrate", "status"]).out.ends_with("\nThe tables are up to date.\n"));

    let down = folder.run(&["migrate", "down", "--yes"]);
    assert!(down.out.starts_with("Took back ") && down.out.lines().count() == 1, "{}", down.out);
    assert_eq!(folder.applied().iter().filter(|applied| !**applied).count(), 1);
    let count = before.len().to_string();
    assert_eq!(folder.run(&["migrate", "down", "--count", &count, "--yes"]).exit, Exit::Done);
    assert!(!folder.applied().contains(&true));
}

#[test]
fn what_goes_is_said_and_asked_for_before_it_goes() {
    let folder = Folder(tempfile::tempdir().unwrap());
    folder.run(&["migrate", "up"]);
    let url = format!("sqlite://{}", folder.0.path().join("ayb.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let insert = "insert into _ayb_settings (key, value) values ('a', 'b')";
    runtime.block_on(ayb_testkit::sqlite_at(&url).rows(insert));
    let all = folder.applied().len().to_string();
    let asked = folder.run(&["migrate", "down", "--count", &all]);
    assert_eq!(asked.exit, Exit::Usage, "{}{}", asked.out, asked.err);
    for words in [
        "027_ayb_app_origins: the column allowed_origins of _ayb_apps goes, in 0 rows.\n",
        "001_ayb_settings: the table _ayb_settings goes, with 1 row.\n",
        "error: nothing was done, because nobody can be asked\n  hint: add --yes",
    ] {
        assert!(asked.err.contains(words), "{words}: {}", asked.err);
    }
    assert!(!folder.applied().contains(&false));

    for (answer, goes) in [("no\n", false), ("", false), ("y\n", false), ("yes\n", true)] {
        let ran = folder.answer(&["migrate", "down"], answer);
        assert_eq!(ran.exit == Exit::Done, goes, "{answer:?}: {}{}", ran.out, ran.err);
        assert_eq!(folder.applied().contains(&false), goes, "{answer:?}");
    }
}

#[test]
fn nothing_goes_while_a_server_runs() {
    let folder = Folder(tempfile::tempdir().unwrap());
    folder.run(&["migrate", "up"]);
    let claim = ayb_server::cli::process::claim(folder.0.path()).unwrap();
    let refused = folder.run(&["migrate", "down", "--yes"]);
    assert_eq!(refused.exit, Exit::Failed, "{}", refused.out);
    assert!(refused.err.starts_with("error: a server works on this database\n  cause: "), "{}", refused.err);
    assert!(refused.err.contains("hint: stop it first with `ayb stop`"), "{}", refused.err);
    assert!(!folder.applied().contains(&false));
    drop(claim);
    assert_eq!(folder.run(&["migrate", "down", "--yes"]).exit, Exit::Done);
}

#[test]
fn a_database_that_cannot_be_opened_is_a_failure_without_its_password() {
    let variables = [("AYB_DATABASE_URL", "postgres://ayb:hunter2@127.0.0.1:1/ayb")];
    let folder = tempfile::tempdir().unwrap();
    let ran = ayb_with(&["migrate", "up", "--data-dir", folder.path().to_str().unwrap()], &variables, "");
    assert_eq!(ran.exit, Exit::Failed);
    assert!(ran.err.starts_with("error: the database cannot be opened\n  cause: "), "{}", ran.err);
    assert!(!ran.err.contains("hunter2"), "{}", ran.err);
    assert_eq!(ayb_with(&["migrate", "down", "--count", "0"], &[], "").exit, Exit::Usage);
}
