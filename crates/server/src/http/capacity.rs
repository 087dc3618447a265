//! How many connections this process can hold before the system refuses it files.

use std::fs;

/// Files that are not connections: databases, logs, mail, signals.
const RESERVED: u32 = 128;

/// The wished number of connections, or what the limit on open files leaves for them. A process without free files can
/// neither reach its database nor renew its certificate, so peers must not be able to take the last one.
pub(super) fn connections(wished: u32) -> u32 {
    let possible = open_files().map_or(wished, |files| files.saturating_sub(RESERVED).max(1));
    if possible < wished {
        tracing::warn!(
            wished,
            possible,
            "the limit on open files allows fewer connections (see `ulimit -n`)"
        );
    }
    wished.min(possible)
}

/// The soft limit on open files; `None` where the system does not say, or sets none.
fn open_files() -> Option<u32> {
    parse(&fs::read_to_string("/proc/self/limits").ok()?)
}

fn parse(limits: &str) -> Option<u32> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let soft = line.split_whitespace().next()?;
    soft.parse::<u64>().ok().map(|soft| u32::try_from(soft).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_read() {
        let table = |soft: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units     \n\
                 Max processes             95555                95555                processes \n\
                 Max open files            {soft}                 524288               files     \n"
            )
        };
        assert_eq!(parse(&table("1024")), Some(1024));
        assert_eq!(parse(&table("99999999999")), Some(u32::MAX));
        assert_eq!(parse(&table("unlimited")), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn the_wish_is_kept_where_there_is_room() {
        assert_eq!(connections(1), 1);
        assert!(connections(u32::MAX) >= 1);
    }
}
