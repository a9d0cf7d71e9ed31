//! How much memory a process holds.

/// The figure `name`, `VmRSS:` for now or `VmHWM:` for the most ever, of a process's status file, in MiB; Linux only.
pub(super) fn memory_mib(status: &str, name: &str) -> Option<f64> {
    let status = std::fs::read_to_string(status).ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

/// The most memory this process ever held, in MiB; Linux only.
pub(super) fn peak_rss_mib() -> Option<u64> {
    memory_mib("/proc/self/status", "VmHWM:").map(|mib| mib as u64)
}
