//! The `ayb` binary.

fn main() {}
