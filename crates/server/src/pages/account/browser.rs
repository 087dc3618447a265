//! A browser in words, from what it calls itself. Only words of ours come out, whatever goes in.

/// Marks in a `User-Agent`, the telling ones first: nearly all browsers also call themselves by the names of others.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];

const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
];

/// For example "Firefox on Linux".
pub(super) fn words(user_agent: &str) -> String {
    let find = |marks: &[(&str, &'static str)]| {
        marks.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("Unknown browser on {system}"),
        (None, None) => "Unknown browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn browsers_are_told_apart_although_they_borrow_each_others_names() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (user_agent, said) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on Linux"),
            (
                &format!("Mozilla/5.0 (Windows NT 10.0) {webkit} Chrome/131.0 Safari/537.36"),
                "Chrome on Windows",
            ),
            (
                &format!("Mozilla/5.0 (Windows NT 10.0) {webkit} Chrome/131.0 Safari/537.36 Edg/131.0"),
                "Edge on Windows",
            ),
            (
                &format!("Mozilla/5.0 (Linux; Android 15) {webkit} Chrome/131.0 Mobile Safari/537.36"),
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile Safari/604.1",
                "Safari on iPhone",
            ),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.1 Safari/605.1.15", "Safari on Mac"),
            ("curl/8.14.1", "curl"),
            ("<script>alert(1)</script>", "Unknown browser"),
            ("", "Unknown browser"),
        ] {
            assert_eq!(words(user_agent), said, "{user_agent}");
        }
    }
}
