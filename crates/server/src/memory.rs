//! Memory that is not needed any more goes back to the system.
//!
//! An allocator keeps what was freed and returns it when more is freed later. A server that has nothing to do would so
//! keep the working memory of its last password hash, as much as everything else together.

use std::sync::OnceLock;

/// How the program gives memory back. Only the program itself knows its allocator and where its code is.
#[derive(Clone, Copy, Debug)]
pub struct Ways {
    /// What was allocated and freed.
    pub freed: fn(),
    /// Code that was needed once.
    pub code: fn(),
}

static WAYS: OnceLock<Ways> = OnceLock::new();

/// Sets how memory is given back. The first call counts.
pub fn give_back_with(ways: Ways) {
    WAYS.get_or_init(|| ways);
}

/// Gives memory back after something large was freed. It does nothing where nobody said how.
pub fn give_back() {
    if let Some(ways) = WAYS.get() {
        (ways.freed)();
    }
}

/// Gives back what only the start needed: most of the program's code. What is needed again is read again.
pub fn leave_start() {
    if let Some(ways) = WAYS.get() {
        (ways.freed)();
        (ways.code)();
    }
}
