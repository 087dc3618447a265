//! The `ayb` binary.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Asks the allocator to return to the system what is free.
#[expect(unsafe_code, reason = "the allocator is a C library, and this call takes no pointer")]
fn give_back() {
    // SAFETY: mi_collect may be called from any thread at any time.
    unsafe { libmimalloc_sys::mi_collect(true) }
}

/// With pages of 2 MiB, a few small allocations in scattered places hold 10 MiB that nobody uses.
#[cfg(target_os = "linux")]
fn keep_pages_small() {
    // A kernel without the switch has no such pages, and one that refuses it costs memory only.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

#[cfg(not(target_os = "linux"))]
fn keep_pages_small() {}

fn main() -> ExitCode {
    keep_pages_small();
    ayb_server::memory::give_back_with(give_back);
    ayb_server::cli::main()
}
