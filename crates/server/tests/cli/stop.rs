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

#[cfg(target_os = "linux")]
#[test]
fn the_process_that_holds_the_claim_is_asked_to_stop() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let folder = tempfile::tempdir().unwrap();
    let hold = "exec 9<>ayb.pid && flock 9 && echo $$ >&9 && echo ready && exec sleep 600";
    let mut server = Command::new("sh")
        .args(["-c", hold])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert_eq!(process::holder(folder.path()).unwrap().map(|holder| holder.process), Some(server.id()));
    let ran = ayb_with(&["stop", "--data-dir", folder.path().to_str().unwrap()], &[], "");
    assert_eq!((ran.exit, ran.out.as_str()), (Exit::Done, "The server has stopped.\n"), "{}", ran.err);
    assert!(!server.wait().unwrap().success());
}
