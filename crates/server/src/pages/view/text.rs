//! Names that strangers chose, made safe to read.
//!
//! Escaping keeps markup out of a page; it does not stop a name from turning the text around it, hiding letters
//! or pushing the buttons off the screen. Everything a client, an app or a user named passes through here.

/// Longest name shown before it is cut, in characters.
const NAME_LIMIT: usize = 80;
/// Longest description shown before it is cut, in characters.
const PROSE_LIMIT: usize = 400;
/// How many avatar colours the stylesheet knows.
const TONES: u32 = 6;

/// Whether a character shows nothing of its own or changes how its neighbours are laid out.
///
/// Joiners (U+200C, U+200D) stay: several scripts and many emoji cannot be written without them.
fn deceives(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{00AD}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180E}'
            | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// The text without characters that deceive the eye; white space of every kind becomes one blank.
pub(super) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_whitespace() {
            if !shown.is_empty() && !shown.ends_with(' ') {
                shown.push(' ');
            }
        } else if !deceives(letter) {
            shown.push(letter);
        }
    }
    shown.truncate(shown.trim_end().len());
    shown
}

/// `plain`, cut to the length of a name.
pub(super) fn name(text: &str) -> String {
    cut(plain(text), NAME_LIMIT)
}

/// `plain`, cut to the length of a short paragraph.
pub(super) fn prose(text: &str) -> String {
    cut(plain(text), PROSE_LIMIT)
}

fn cut(mut text: String, limit: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(limit) {
        text.truncate(end);
        text.truncate(text.trim_end().len());
        text.push('…');
    }
    text
}

/// The letter in a round picture: the first letter or digit of the name, in upper case.
pub(super) fn initial(text: &str) -> String {
    text.chars()
        .find(|letter| letter.is_alphanumeric())
        .map_or_else(|| "•".into(), |letter| letter.to_uppercase().collect())
}

/// Which avatar colour a name gets: always the same for the same name.
pub(super) fn tone(text: &str) -> u32 {
    text.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % TONES
}

#[cfg(test)]
mod tests {
    use super::{initial, name, plain, prose, tone};

    #[test]
    fn deceiving_characters_are_removed() {
        for (given, shown) in [
            ("Notes", "Notes"),
            ("  Notes \t for\r\nTeams ", "Notes for Teams"),
            ("moc.live\u{202E}good", "moc.livegood"),
            ("\u{2066}isolate\u{2069}", "isolate"),
            ("pay\u{200B}pal\u{FEFF}", "paypal"),
            ("soft\u{00AD}hyphen", "softhyphen"),
            ("nul\0bell\u{7}", "nulbell"),
            ("tag\u{E0041}s", "tags"),
            ("\u{3164}", ""),
            ("می\u{200C}خواهم", "می\u{200C}خواهم"),
        ] {
            assert_eq!(plain(given), shown, "{given:?}");
        }
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(name(&"ä".repeat(80)), "ä".repeat(80));
        assert_eq!(name(&"ä".repeat(81)), format!("{}…", "ä".repeat(80)));
        assert_eq!(prose(&"x".repeat(5000)).chars().count(), 401);
    }

    #[test]
    fn initials_skip_what_is_not_a_letter() {
        for (given, letter) in
            [("ada", "A"), ("  <b>", "B"), ("🦀 crab", "C"), ("…", "•"), ("", "•"), ("ճիշտ", "Ճ")]
        {
            assert_eq!(initial(given), letter, "{given:?}");
        }
    }

    #[test]
    fn tones_are_stable_and_in_range() {
        assert_eq!(tone("Notes"), tone("Notes"));
        assert!(["", "a", "ab", "Notes", "🦀"].iter().all(|text| tone(text) < 6));
    }
}
