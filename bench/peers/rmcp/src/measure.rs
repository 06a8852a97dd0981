//! Command line, payload and measurement.

use std::{env, fs, mem};

use crate::{Client, Result};

pub struct Task {
    pub url: String,
    pub modern: bool,
    cold: bool,
    count: u64,
    /// The text that the server echoes; empty for a ping.
    pub text: String,
    pub authority: Option<String>,
}

impl Task {
    pub fn from_arguments() -> Result<Task> {
        let mut arguments = env::args().skip(1);
        let (Some(url), Some(kind), Some(count)) = (arguments.next(), arguments.next(), arguments.next()) else {
            return Err("usage: PROGRAM URL KIND COUNT [CA-FILE]".into());
        };
        let text = match kind.as_str() {
            "ping" | "cold" => String::new(),
            file => fs::read_to_string(file)?,
        };
        Ok(Task {
            modern: url.contains("/modern/"),
            url,
            cold: kind == "cold",
            count: count.parse()?,
            text,
            authority: arguments.next(),
        })
    }
}

/// Makes the calls and prints the measurements.
pub async fn run(client: &Client) -> Result<()> {
    let count = client.task.count;
    if client.task.cold {
        client.call(0).await?;
        println!(r#"{{"first_answer_ns": {}, "rss_kib": {}}}"#, now_ns(), resident_kib()?);
        return Ok(());
    }
    let warmup = (count / 10).max(3);
    for number in 0..warmup {
        client.call(number).await?;
    }
    let (cpu, wall) = (cpu_us(), now_ns());
    for number in warmup..warmup + count {
        client.call(number).await?;
    }
    let each = |us: f64| us / count as f64;
    let (cpu, wall) = (each(cpu_us() - cpu), each((now_ns() - wall) as f64 / 1e3));
    let rss = usage().ru_maxrss;
    println!(r#"{{"count": {count}, "cpu_us": {cpu:.3}, "wall_us": {wall:.3}, "rss_kib": {rss}}}"#);
    Ok(())
}

fn usage() -> libc::rusage {
    // SAFETY: an rusage may be all zeros, and the call writes only to it.
    unsafe {
        let mut used = mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut used);
        used
    }
}

fn cpu_us() -> f64 {
    let used = usage();
    let us = |time: libc::timeval| time.tv_sec as f64 * 1e6 + time.tv_usec as f64;
    us(used.ru_utime) + us(used.ru_stime)
}

/// The value of CLOCK_MONOTONIC, which is comparable between processes; `Instant` does not expose it.
fn now_ns() -> i64 {
    // SAFETY: a timespec may be all zeros, and the call writes only to it.
    unsafe {
        let mut now: libc::timespec = mem::zeroed();
        libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now);
        now.tv_sec * 1_000_000_000 + now.tv_nsec
    }
}

fn resident_kib() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
