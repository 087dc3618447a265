use ayb_server::cli::{Exit, process};

use super::run::ayb_with;

#[test]
fn stopping_where_nothing_runs_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_str().unwrap();
    let ran = ayb_with(&["stop", "--data-dir", data_dir], &[], "");
    assert_eq!(ran.exit, Exit::NotFound, "{}", ran.err);
    assert!(ran.err.starts_with(&format!("error: no server runs on {data_dir}")), "{}", ran.err);
}

#[test]
fn a_process_file_without_its_process_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    drop(process::claim(folder.path()).unwrap());
    // The number in the file is this test's own process: a signal would end it.
    let ran = ayb_with(&["stop", "--data-dir", folder.path().to_str().unwrap()], &[], "");
    assert_eq!(ran.exit, Exit::NotFound, "{}", ran.err);
}
