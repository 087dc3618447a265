//! Memory that is not needed any more goes back to the system.
//!
//! An allocator keeps what was freed and returns it when more is freed later. A server that has nothing to do would so
//! keep the working memory of its last password hash, as much as everything else together.

use std::sync::OnceLock;

static GIVE_BACK: OnceLock<fn()> = OnceLock::new();

/// Sets how the program's allocator gives memory back. The first call counts.
pub fn give_back_with(way: fn()) {
    GIVE_BACK.get_or_init(|| way);
}

/// Gives memory back after something large was freed. It does nothing where nobody said how.
pub fn give_back() {
    if let Some(way) = GIVE_BACK.get() {
        way();
    }
}
