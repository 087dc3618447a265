//! `cargo xtask dist`: the archive that a user downloads, and its checksum.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::arguments::Arguments;
use crate::{process, repository};

/// Documents that travel with the binary.
const DOCUMENTS: &[&str] = &["README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE-MIT", "LICENSE-APACHE"];
/// Shells for which the binary can print completions.
const SHELLS: &[&str] = &["bash", "zsh", "fish"];

pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    arguments.finish()?;
    process::run(process::cargo().args([
        "build",
        "--release",
        "--locked",
        "--package",
        "ayb-server",
        "--bin",
        "ayb",
    ]))?;
    let binary = repository::target().join("release/ayb");
    let name = format!("ayb-{}-{}", env!("CARGO_PKG_VERSION"), host()?);
    let folder = repository::target().join("dist").join(&name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    copy(&binary, &folder.join("ayb"))?;
    for document in DOCUMENTS {
        copy(&repository::root().join(document), &folder.join(document))?;
    }
    completions(&binary, &folder)?;
    let archive = pack(&folder, &name)?;
    let bytes = archive.metadata()?.len();
    println!("{} ({:.1} MB)", archive.display(), bytes as f64 / 1e6);
    Ok(())
}

fn host() -> Result<String> {
    let version = process::capture(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to).with_context(|| format!("copying {}", from.display()))?;
    Ok(())
}

/// Completions are an extra: a binary without that command is shipped without them.
fn completions(binary: &Path, folder: &Path) -> Result<()> {
    for shell in SHELLS {
        let Ok(script) = process::capture(Command::new(binary).args(["completions", shell])) else {
            continue;
        };
        let path = folder.join("completions");
        std::fs::create_dir_all(&path)?;
        std::fs::write(path.join(format!("ayb.{shell}")), script)?;
    }
    Ok(())
}

/// The same input gives the same archive: names sorted, owners and times fixed.
fn pack(folder: &Path, name: &str) -> Result<PathBuf> {
    let parent = folder.parent().unwrap_or(folder);
    let archive = parent.join(format!("{name}.tar.gz"));
    let fixed = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"];
    let mut tar = Command::new("tar");
    tar.args(fixed)
        .arg("--use-compress-program=gzip -n")
        .arg("-cf")
        .arg(&archive)
        .arg("-C")
        .arg(parent)
        .arg(name);
    process::run(&mut tar)?;
    let sum = process::capture(Command::new("sha256sum").arg(format!("{name}.tar.gz")).current_dir(parent))?;
    std::fs::write(parent.join(format!("{name}.tar.gz.sha256")), &sum)?;
    print!("{sum}");
    Ok(archive)
}
