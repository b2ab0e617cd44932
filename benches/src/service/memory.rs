//! What a process holds in memory.

use serde::Serialize;

use crate::measure::rounded;

/// In MiB.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Memory {
    /// Resident: a page that is mapped in several places counts in each.
    pub(crate) resident_mib: f64,
    /// Its share of the machine's: each page once, and those of others in part.
    pub(crate) proportional_mib: f64,
}

/// Of a process; none where the system does not say.
pub(crate) fn of(process: u32) -> Option<Memory> {
    told(&std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?)
}

fn told(rollup: &str) -> Option<Memory> {
    let mib = |name: &str| {
        let kib = rollup.lines().find_map(|line| line.strip_prefix(name))?;
        Some(rounded(kib.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()? / 1024.0))
    };
    Some(Memory { resident_mib: mib("Rss:")?, proportional_mib: mib("Pss:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_read() {
        let rollup =
            "5500-7ffe ---p 00 00:00 0 [rollup]\nRss:    2048 kB\nPss:    1024 kB\nPss_Anon:  512 kB\n";
        assert_eq!(told(rollup), Some(Memory { resident_mib: 2.0, proportional_mib: 1.0 }));
        assert_eq!(told("Rss: 1 kB\n"), None);
    }

    #[test]
    fn this_process_holds_something() {
        assert!(of(std::process::id()).is_none_or(|memory| memory.resident_mib > 0.0));
    }
}
