//! WCAG 2.2 AA: text needs a contrast of 4.5 with its ground (1.4.3), edges of controls 3 (1.4.11).

use std::collections::BTreeMap;

const TEXT: f64 = 4.5;
const EDGE: f64 = 3.0;

/// Foreground, grounds it is used on, and the contrast it needs.
const PAIRS: [(&str, &[&str], f64); 9] = [
    ("text", &["ground", "surface", "surface-low"], TEXT),
    ("text-soft", &["ground", "surface", "surface-low"], TEXT),
    ("accent", &["ground", "surface", "surface-low"], TEXT),
    ("on-accent", &["accent"], TEXT),
    ("good", &["ground", "surface", "good-ground"], TEXT),
    ("warn", &["warn-ground"], TEXT),
    ("bad", &["ground", "surface", "bad-ground"], TEXT),
    ("line-strong", &["ground", "surface", "surface-low"], EDGE),
    ("tone", &["tone-ground"], TEXT),
];

#[test]
fn colours_have_enough_contrast_in_light_and_dark() {
    let css = include_str!("../../../../assets/ayb.css");
    let mut themes = BTreeMap::from([("light", base(css, false)), ("dark", base(css, true))]);
    for (theme, colours) in &mut themes {
        let tones = tone_rules(css, *theme == "dark");
        assert_eq!(tones.len(), 6);
        for tone in tones {
            colours.extend(variables(&tone));
            check(theme, colours);
        }
    }
}

fn check(theme: &str, colours: &BTreeMap<String, [f64; 3]>) {
    for (front, grounds, needed) in PAIRS {
        for ground in grounds {
            let found = contrast(colours[front], colours[*ground]);
            assert!(found >= needed, "{theme}: {front} on {ground} has {found:.2}, needs {needed}");
        }
    }
}

/// The variables of `:root`, with those of the dark scheme laid over when asked.
fn base(css: &str, dark: bool) -> BTreeMap<String, [f64; 3]> {
    let mut roots = css.split(":root {").skip(1).map(|rest| rest.split('}').next().unwrap());
    let mut colours = variables(roots.next().unwrap());
    if dark {
        colours.extend(variables(roots.next().unwrap()));
    }
    colours
}

fn tone_rules(css: &str, dark: bool) -> Vec<String> {
    let rules = css.split(".tone-").skip(1).map(|rest| rest.split('}').next().unwrap().to_owned());
    rules.skip(if dark { 6 } else { 0 }).take(6).collect()
}

fn variables(block: &str) -> BTreeMap<String, [f64; 3]> {
    block
        .split("--")
        .skip(1)
        .filter_map(|line| line.split_once(": #"))
        .map(|(name, value)| (name.to_owned(), colour(&value[..6])))
        .collect()
}

/// Linear light of each channel of a six-digit colour.
fn colour(hex: &str) -> [f64; 3] {
    [0, 2, 4].map(|at| {
        let channel = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
        if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
    })
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let light = |colour: [f64; 3]| 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2];
    let (brighter, darker) = (light(one).max(light(other)), light(one).min(light(other)));
    (brighter + 0.05) / (darker + 0.05)
}
