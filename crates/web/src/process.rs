//! What Linux tells of a process in `/proc`; nothing on other systems.

use std::fs;

/// CPU seconds that a process has used.
pub fn cpu_seconds(pid: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // User and system time are the 14th and 15th field.
    let ticks = field(&text, 14)? + field(&text, 15)?;
    Some(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// When a process was started, in clock ticks since the machine was.
pub fn started(pid: u32) -> Option<u64> {
    field(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?, 22)
}

/// Private, resident memory of a process in bytes: what is not shared through the page cache.
pub fn private_memory(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib = text.lines().find_map(|line| line.strip_prefix("RssAnon:"))?.trim().strip_suffix(" kB")?;
    Some(kib.parse::<u64>().ok()? * 1024)
}

/// The program and arguments that a process was started with.
pub fn command_line(pid: u32) -> Option<Vec<String>> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    Some(text.strip_suffix('\0')?.split('\0').map(str::to_owned).collect())
}

/// Field `number` (from 1) of `/proc/<pid>/stat`. The second, the program's name, may hold anything, so counting starts behind it.
fn field(stat: &str, number: usize) -> Option<u64> {
    stat.rsplit_once(") ")?.1.split(' ').nth(number - 3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_behind_a_name_with_blanks_and_brackets() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194304 100 0 0 0 7 5 0 0 20 0 1 0 987654 1000 200";
        assert_eq!((field(stat, 14), field(stat, 15), field(stat, 22)), (Some(7), Some(5), Some(987_654)));
        assert_eq!(field("", 22), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_can_be_read() {
        let pid = std::process::id();
        assert!(started(pid).unwrap() > 0);
        assert!(private_memory(pid).unwrap() > 100_000);
        assert!(cpu_seconds(pid).is_some());
        assert_eq!(command_line(pid).unwrap(), std::env::args().collect::<Vec<_>>());
    }
}
