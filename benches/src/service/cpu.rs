//! What a process has used of the processors: unlike a rate, it hardly depends on what else runs.

use std::time::Duration;

/// Of these processes since their start; none where the system does not say.
pub(crate) fn used(processes: &[u32]) -> Option<Duration> {
    processes.iter().map(|id| of(&std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?)).sum()
}

/// In user mode and in the kernel: fields 14 and 15 of proc_pid_stat(5).
fn of(stat: &str) -> Option<Duration> {
    // The name before the third field may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = |field: usize| fields.split_whitespace().nth(field - 3)?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks(14)? + ticks(15)?) * TICK_MS))
}

/// Linux tells programs times in hundredths of a second, whatever it counts in itself.
const TICK_MS: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_modes_are_counted_whatever_the_process_is_called() {
        let stat = "42 (a) b 1) S 1 42 42 0 -1 4194304 900 0 3 0 250 50 0 0 20 0 9 0 77 1000 200";
        assert_eq!(of(stat), Some(Duration::from_secs(3)));
        assert_eq!(of("42 (short) S 1"), None);
    }

    #[test]
    fn this_process_has_used_something_or_nothing_but_is_known() {
        assert!(used(&[std::process::id()]).is_some());
        assert_eq!(used(&[u32::MAX]), None);
    }
}
