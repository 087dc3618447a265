//! Marks every byte of a Rust text as code, comment or literal.

/// What a byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    Code,
    Comment,
    Literal,
}

/// One layer per byte of `text`.
pub(super) fn layers(text: &str) -> Vec<Layer> {
    let bytes = text.as_bytes();
    let mut layers = Vec::with_capacity(bytes.len());
    while layers.len() < bytes.len() {
        let (layer, length) = next_piece(&bytes[layers.len()..]);
        let end = (layers.len() + length.max(1)).min(bytes.len());
        layers.resize(end, layer);
    }
    layers
}

/// `text` with every byte of another layer turned into a space; line breaks stay.
pub(super) fn only(text: &str, layers: &[Layer], kept: Layer) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if c == '\n' || layers[at] == kept {
            out.push(c);
        } else {
            out.extend(std::iter::repeat_n(' ', c.len_utf8()));
        }
    }
    out
}

fn next_piece(rest: &[u8]) -> (Layer, usize) {
    match rest {
        [b'/', b'/', ..] => (Layer::Comment, line_length(rest)),
        [b'/', b'*', ..] => (Layer::Comment, block_comment_length(rest)),
        [b'"', ..] => (Layer::Literal, quoted_length(rest, b'"')),
        [b'r', b'"' | b'#', ..] => raw_length(rest).map_or((Layer::Code, 1), |end| (Layer::Literal, end)),
        [b'\'', ..] => character_length(rest).map_or((Layer::Code, 1), |end| (Layer::Literal, end)),
        _ => (Layer::Code, 1),
    }
}

fn line_length(rest: &[u8]) -> usize {
    rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
}

/// Block comments nest.
fn block_comment_length(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// From the opening quote to the closing one, escapes skipped.
fn quoted_length(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#` and deeper; nothing for a raw identifier such as `r#type`.
fn raw_length(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return None;
    }
    let body = 2 + hashes;
    let mut closing = vec![b'"'];
    closing.resize(1 + hashes, b'#');
    let end = rest[body..].windows(closing.len()).position(|window| window == closing);
    Some(end.map_or(rest.len(), |end| body + end + closing.len()))
}

/// A character literal; nothing for a lifetime.
fn character_length(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        return Some(quoted_length(rest, b'\''));
    }
    let width = match rest.get(1)? {
        0..0x80 => 1,
        0x80..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    };
    (rest.get(1 + width) == Some(&b'\'')).then_some(width + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        only(text, &layers(text), Layer::Code)
    }

    #[test]
    fn literals_and_comments_are_blanked_out_of_code() {
        let table = [
            ("a \"b\\\"c\" d", "a d"),
            ("a /* b /* c */ d */ e", "a e"),
            ("a // b\nc", "a c"),
            ("a r#\"b\"c\"# d", "a d"),
            ("r#type x", "r#type x"),
            ("f::<'a>('b', '\\'', 'é') c", "f::<'a>( , , ) c"),
            ("b'{' }", "b }"),
        ];
        for (text, expected) in table {
            let blanked = code(text);
            assert_eq!(blanked.split_whitespace().collect::<Vec<_>>().join(" "), expected, "{text}");
            assert_eq!(blanked.len(), text.len(), "{text}");
        }
    }

    #[test]
    fn unfinished_literals_end_with_the_text() {
        for text in ["\"abc", "r#\"abc", "/* abc", "'\\"] {
            assert_eq!(layers(text).len(), text.len(), "{text}");
        }
    }
}
