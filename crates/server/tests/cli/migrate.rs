use ayb_server::cli::Exit;
use serde_json::Value;

use super::run::{Ran, ayb_with};

struct Folder(tempfile::TempDir);

impl Folder {
    fn run(&self, arguments: &[&str]) -> Ran {
        let data_dir = self.0.path().join("data");
        let arguments: Vec<&str> =
            ["--data-dir", data_dir.to_str().unwrap()].iter().chain(arguments).copied().collect();
        ayb_with(&arguments, &[], "")
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

    let down = folder.run(&["migrate", "down"]);
    assert!(down.out.starts_with("Took back ") && down.out.lines().count() == 1, "{}", down.out);
    assert_eq!(folder.applied().iter().filter(|applied| !**applied).count(), 1);
    let count = before.len().to_string();
    assert_eq!(folder.run(&["migrate", "down", "--count", &count]).exit, Exit::Done);
    assert!(!folder.applied().contains(&true));
}

#[test]
fn a_database_that_cannot_be_opened_is_a_failure_without_its_password() {
    let variables = [("AYB_DATABASE_URL", "postgres://ayb:hunter2@127.0.0.1:1/ayb")];
    let folder = tempfile::tempdir().unwrap();
    let ran = ayb_with(&["migrate", "up", "--data-dir", folder.path().to_str().unwrap()], &variables, "");
    assert_eq!(ran.exit, Exit::Failed);
    assert!(ran.err.starts_with("error: cannot open the database\n  cause: "), "{}", ran.err);
    assert!(!ran.err.contains("hunter2"), "{}", ran.err);
    assert_eq!(ayb_with(&["migrate", "down", "--count", "0"], &[], "").exit, Exit::Usage);
}
