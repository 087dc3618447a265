//! The integration tests of the crate, in one binary.

#[cfg(test)]
mod jose;
#[cfg(test)]
mod messages;
#[cfg(test)]
#[path = "../../../fuzz/src/mutate.rs"]
#[expect(unreachable_pub, reason = "the same file is a library of the fuzz workspace")]
mod mutate;
