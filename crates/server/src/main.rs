//! The `ayb` binary.

use std::process::ExitCode;

use ayb_server::memory::{Ways, give_back_with};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Asks the allocator to return to the system what is free.
#[expect(unsafe_code, reason = "the allocator is a C library, and this call takes no pointer")]
fn give_back_freed() {
    // SAFETY: mi_collect may be called from any thread at any time.
    unsafe { libmimalloc_sys::mi_collect(true) }
}

/// Takes the program's code out of this process. The system keeps the file's pages in its cache for as long as it likes, and
/// maps those again that are run again.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "only the address of a mapping names it")]
fn give_back_code() {
    use rustix::mm::{Advice, madvise};

    let Some(code) = code() else { return };
    let start = std::ptr::with_exposed_provenance_mut(code.start);
    // SAFETY: the mapping is of the program's file, executable and never written to, so each page of it that is touched
    // again is the same as before.
    let _refused = unsafe { madvise(start, code.len(), Advice::LinuxDontNeed) };
}

#[cfg(not(target_os = "linux"))]
fn give_back_code() {}

/// The addresses of the code that this function belongs to.
#[cfg(target_os = "linux")]
fn code() -> Option<std::ops::Range<usize>> {
    let here = code as fn() -> Option<std::ops::Range<usize>> as usize;
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        let (addresses, rest) = line.split_once(' ')?;
        let (start, end) = addresses.split_once('-')?;
        let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
        (rest.starts_with("r-xp ") && range.contains(&here)).then_some(range)
    })
}

/// Where the program was built with flags of somebody else, the allocator does not know this by itself.
#[cfg(target_os = "linux")]
fn keep_pages_small() {
    // A kernel without the switch has no large pages, and one that refuses it costs memory only.
    let _refused = rustix::thread::disable_transparent_huge_pages(true);
}

#[cfg(not(target_os = "linux"))]
fn keep_pages_small() {}

fn main() -> ExitCode {
    keep_pages_small();
    give_back_with(Ways { freed: give_back_freed, code: give_back_code });
    ayb_server::cli::main()
}
