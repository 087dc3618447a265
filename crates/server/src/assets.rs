//! The few static files of the server-rendered pages, built into the binary.
//!
//! Links carry a query made from the content (`/assets/ayb.css?v=…`), so an answer may be cached for ever: a
//! changed file has another address.

use aws_lc_rs::digest;
use std::fmt::Write;
use std::sync::LazyLock;

/// `Cache-Control` of every asset.
pub const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// How many bytes of the SHA-256 go into a link.
const FINGERPRINT_BYTES: usize = 8;

/// A file as it is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The bytes.
    pub body: &'static [u8],
    /// Strong `ETag`, with its quotes.
    pub etag: &'static str,
}

struct File {
    name: &'static str,
    content_type: &'static str,
    body: &'static [u8],
}

/// A file with what is computed from it once.
struct Fingerprinted {
    file: &'static File,
    etag: String,
    href: String,
}

const CSS: File = File {
    name: "ayb.css",
    content_type: "text/css; charset=utf-8",
    body: include_bytes!("../assets/ayb.css"),
};
const ICON: File = File {
    name: "favicon.svg",
    content_type: "image/svg+xml",
    body: include_bytes!("../assets/favicon.svg"),
};
const DEMO: File = File {
    name: "demo.js",
    content_type: "text/javascript; charset=utf-8",
    body: include_bytes!("../assets/demo.js"),
};
const FORM_POST: File = File {
    name: "form-post.js",
    content_type: "text/javascript; charset=utf-8",
    body: include_bytes!("../assets/form-post.js"),
};

static FILES: [File; 4] = [CSS, ICON, DEMO, FORM_POST];
static FINGERPRINTED: LazyLock<[Fingerprinted; 4]> = LazyLock::new(|| FILES.each_ref().map(fingerprinted));

fn fingerprinted(file: &'static File) -> Fingerprinted {
    let hash = digest::digest(&digest::SHA256, file.body);
    let mut print = String::with_capacity(2 * FINGERPRINT_BYTES);
    for byte in hash.as_ref().iter().take(FINGERPRINT_BYTES) {
        let _ = write!(print, "{byte:02x}");
    }
    Fingerprinted { file, etag: format!("\"{print}\""), href: format!("/assets/{}?v={print}", file.name) }
}

/// The asset with this name, the part of the path after `/assets/`.
pub fn asset(name: &str) -> Option<Asset> {
    let found = FINGERPRINTED.iter().find(|candidate| candidate.file.name == name)?;
    Some(Asset { content_type: found.file.content_type, body: found.file.body, etag: &found.etag })
}

/// Link to the stylesheet, to be put after the base path.
pub fn css_href() -> &'static str {
    &FINGERPRINTED[0].href
}

/// Link to the icon.
pub fn icon_href() -> &'static str {
    &FINGERPRINTED[1].href
}

/// Link to the script of the demo.
pub fn demo_href() -> &'static str {
    &FINGERPRINTED[2].href
}

/// Link to the script that sends a `form_post` response.
pub fn form_post_href() -> &'static str {
    &FINGERPRINTED[3].href
}

#[cfg(test)]
mod tests {
    use super::{asset, css_href, demo_href, form_post_href, icon_href};

    #[test]
    fn every_link_leads_to_an_asset_of_its_content() {
        for (href, content_type) in [
            (css_href(), "text/css; charset=utf-8"),
            (icon_href(), "image/svg+xml"),
            (demo_href(), "text/javascript; charset=utf-8"),
            (form_post_href(), "text/javascript; charset=utf-8"),
        ] {
            let (path, print) = href.split_once("?v=").unwrap();
            let found = asset(path.strip_prefix("/assets/").unwrap()).unwrap();
            assert_eq!(found.content_type, content_type);
            assert_eq!(found.etag, format!("\"{print}\""));
            assert_eq!(print.len(), 16);
        }
    }

    #[test]
    fn only_known_names_are_served() {
        for name in ["", "/", "ayb.css/", "../Cargo.toml", "AYB.CSS", "ayb.css?v=1", "ayb.css\0"] {
            assert_eq!(asset(name), None, "{name:?}");
        }
    }

    #[test]
    fn assets_load_nothing_from_elsewhere() {
        for (name, words) in [
            ("ayb.css", &["@import", "url(", "//"][..]),
            ("demo.js", &["http:", "https:", "import(", "eval(", "innerHTML", "document.write"]),
            ("form-post.js", &["http:", "https:", "import(", "eval(", "innerHTML", "document.write"]),
        ] {
            let body = std::str::from_utf8(asset(name).unwrap().body).unwrap();
            for word in words {
                assert!(!body.contains(word), "{name} contains {word}");
            }
        }
    }
}
