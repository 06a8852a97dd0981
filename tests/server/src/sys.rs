//! Functions that need libc. This is the only module with `unsafe` code.
#![allow(unsafe_code)]

use std::io;
use std::net::TcpStream;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

/// Makes the socket send RST instead of FIN when it is closed.
pub fn reset_on_close(socket: &TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    // SAFETY: the descriptor is open for as long as `socket` is borrowed, and the pointer and the
    // size describe one live `linger`. A failure leaves a normal close, which the test then reports.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            size_of::<libc::linger>() as libc::socklen_t,
        );
    }
}

/// Waits until a descriptor is readable or at its end, or until the limit expires. Returns which ones are.
pub fn wait_readable(descriptors: [Option<BorrowedFd>; 2], limit: Option<Duration>) -> [bool; 2] {
    // poll ignores negative descriptors.
    let entry = |descriptor: Option<BorrowedFd>| libc::pollfd {
        fd: descriptor.map_or(-1, |descriptor| descriptor.as_raw_fd()),
        events: libc::POLLIN,
        revents: 0,
    };
    let mut entries = descriptors.map(entry);
    let limit = limit.map_or(-1, |limit| i32::try_from(limit.as_millis()).unwrap_or(i32::MAX));
    // SAFETY: the pointer and the count describe two live entries, whose descriptors are borrowed until the end.
    unsafe { libc::poll(entries.as_mut_ptr(), 2, limit) };
    entries.map(|entry| entry.revents != 0)
}

/// Blocks the signals that end a process, in this thread and in all threads that it starts later. Returns the set for
/// [`wait_for_signal`]. A waiting thread, unlike a signal handler, allows a normal exit, which removes temporary files.
pub fn block_ending_signals() -> libc::sigset_t {
    // SAFETY: a zeroed sigset_t is a valid place for sigemptyset to write to, and the calls only
    // read and write that local.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
            libc::sigaddset(&raw mut set, signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        set
    }
}

/// Waits for one of the blocked signals.
pub fn wait_for_signal(set: &libc::sigset_t) -> i32 {
    let mut signal = 0;
    // SAFETY: both pointers are to live values of the right type.
    while unsafe { libc::sigwait(set, &raw mut signal) } != 0 {}
    signal
}

/// Sends a signal to a child that has not been waited for.
pub fn send_signal(pid: u32, signal: i32) {
    // SAFETY: kill accesses no memory of this process.
    unsafe { libc::kill(pid as libc::pid_t, signal) };
}

/// Prepares a command whose process is killed when this process ends, and which starts without blocked signals. It must
/// be spawned by a thread that lives as long as this process: Linux sends the signal when the thread that forked ends.
pub fn die_with_parent(command: &mut Command) {
    let parent = std::process::id();
    let hook = move || -> io::Result<()> {
        // SAFETY: only async-signal-safe calls, on local values, between fork and exec.
        unsafe {
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
            #[cfg(target_os = "linux")]
            {
                if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                    return Err(io::Error::last_os_error());
                }
                // The parent may have died before prctl.
                if libc::getppid() as u32 != parent {
                    libc::_exit(1);
                }
            }
        }
        #[cfg(not(target_os = "linux"))]
        let _ = parent;
        Ok(())
    };
    // SAFETY: the hook calls only functions that are allowed between fork and exec.
    unsafe { command.pre_exec(hook) };
}
