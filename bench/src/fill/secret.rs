//! Tokens as the server makes them, and where their rows are.

use anyhow::Result;
use aws_lc_rs::{digest, hmac, rand};

/// A secret that carries its row: eight bytes of it are the row's key, hidden by a keyed hash of the rest.
pub fn secret(prefix: &str, length: usize, row: u64, mask: &hmac::Key) -> Result<String> {
    let mut message = vec![0; prefix.len() + length - 8];
    message[..prefix.len()].copy_from_slice(prefix.as_bytes());
    rand::fill(&mut message[prefix.len()..])?;
    let tag = hmac::sign(mask, &message);
    let mut head = [0; 8];
    head.copy_from_slice(&tag.as_ref()[..8]);
    let head = (row ^ u64::from_be_bytes(head)).to_be_bytes();
    Ok(format!("{prefix}{}{}", hex(&head), hex(&message[prefix.len()..])))
}

/// The identifier of a row: a UUID of version 7 whose last bits come from the secret's hash.
pub fn row_id(row: u64, hash: &[u8; 32]) -> [u8; 16] {
    let key = row.to_be_bytes();
    let counter = u16::from_be_bytes([key[6], key[7]]);
    let mut id = [0; 16];
    id[..6].copy_from_slice(&key[..6]);
    id[6] = 0x70 | (counter >> 12) as u8;
    id[7] = (counter >> 4) as u8;
    id[8] = 0x80 | ((counter & 0x0f) << 2) as u8 | (hash[0] & 0x03);
    id[9..].copy_from_slice(&hash[1..8]);
    id
}

/// Other last bits for the grant's identifier than for the token's.
pub fn hash_of_grant(hash: &[u8; 32]) -> [u8; 32] {
    hash.map(|byte| !byte)
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// Lowercase hex digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let pair = |byte: &u8| [DIGITS[usize::from(byte >> 4)] as char, DIGITS[usize::from(byte & 15)] as char];
    bytes.iter().flat_map(pair).collect()
}

/// Bytes from hex digits.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// An identifier in its usual form.
pub fn uuid(id: &[u8; 16]) -> String {
    let text = hex(id);
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}
