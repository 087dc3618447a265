//! Writes every sample page and the assets to a folder, to look at them in a browser:
//! `cargo run -p ayb-server --example render_pages -- <folder>`, then serve that folder as a site.

use anyhow::Context;
use ayb_server::{assets, pages::view::samples};
use std::{fs, path::PathBuf};

fn main() -> anyhow::Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).context("name the folder to write to")?);
    fs::create_dir_all(folder.join("assets"))?;
    for name in ["ayb.css", "favicon.svg", "demo.js", "form-post.js"] {
        let asset = assets::asset(name).with_context(|| format!("no asset {name}"))?;
        fs::write(folder.join("assets").join(name), asset.body)?;
    }
    for sample in samples::all() {
        fs::write(folder.join(sample.name).with_extension("html"), sample.html)?;
    }
    Ok(())
}
