//! Completion queues, for programs with an event loop.

use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::time::Duration;

use super::c_types::{OutParam, SharedHandle, guard_quiet, not_null};
use super::client::mcp_client;
use super::document::{OwnedDocument, mcp_json};
use super::error::{OwnedError, mcp_error};
use super::guard::{guard, guard_new};
use super::options::mcp_options;
use super::userdata::{Userdata, mcp_destroy_fn};
use crate::client::ClientCallbackSettings;
use crate::queue::{CompletionQueue, DoneCallback, Outcome, QueueTarget};
use crate::status::{MCP_OK, mcp_status};
use crate::sys::callback;

/// A time without limit, for `mcp_queue_dispatch`.
///
/// Since 0.1.0.
pub const MCP_FOREVER: u64 = u64::MAX;

/// `mcp_queue` delivers the ends of calls to a program with an event loop, such as that of a user
/// interface. A call whose options contain a queue (`mcp_options_set_queue`) returns `MCP_PENDING`
/// at once. Its result, its progress and its handlers are delivered by `mcp_queue_dispatch`, which
/// the loop calls when `mcp_queue_fd` is readable:
///
/// ```
/// mcp_options_set_queue(options, queue, done, userdata, NULL, NULL);
/// mcp_call_tool(client, "search", json, MCP_NUL_TERMINATED, options, NULL, NULL);
/// ```
///
/// Rules:
/// - Every call of this header that takes `mcp_options` works with a queue. Its output parameters
///   are set to NULL, and not written later; they may be NULL. Arguments and options are copied:
///   they may be changed or freed at once.
/// - The call returns `MCP_PENDING` also for invalid arguments: every failure is delivered. It
///   returns another status only if nothing can be delivered: `MCP_CLOSED` after `mcp_queue_stop`,
///   and `MCP_MISUSE` in a child process after `fork`.
/// - Callbacks of a queue never run at the same time (one that dispatches runs others inside), and
///   never inside the function that submits a call. No lock is held: they may submit calls, cancel,
///   dispatch, and free the queue or a client.
/// - A queue may serve several clients, and a client several queues. A queued call keeps its client
///   alive: `mcp_client_close` and `mcp_client_free` end it with `MCP_CLOSED`, which is delivered.
/// - The timeout of a call begins when it is submitted.
/// - The loop's thread must make no blocking call that needs a callback of the same queue (a
///   handler, the auth callback, the open callback of a login): that call would not end.
/// - After `fork`, the child cannot use the queue: its functions return `MCP_MISUSE`, 0 or -1, and
///   `mcp_queue_free` only closes its descriptor.
///
/// The calls run on threads of the queue, named "mcp-queue", which end after 10 s without work.
///
/// Since 0.1.0.
pub struct mcp_queue {
    inner: Arc<CompletionQueue>,
}

/// Receives the end of a call. `status` is `MCP_OK` or the failure. `result` is what the call's
/// output parameter would be, or NULL; `error` describes a failure, or is NULL. Both are valid until
/// the callback returns: keep them with `mcp_json_copy` and `mcp_error_copy`. A tool may have failed
/// although the call succeeded (`mcp_tool_result_is_error`).
///
/// It runs exactly once for each call that returned `MCP_PENDING`, in `mcp_queue_dispatch`, after
/// the last progress of the call; only `mcp_queue_free` drops it. It must not throw an exception or
/// call longjmp.
///
/// Since 0.1.0.
pub type mcp_done_fn = Option<
    unsafe extern "C-unwind" fn(userdata: *mut c_void, status: i32, result: *const mcp_json, error: *const mcp_error),
>;

/// Wakes the program's loop. It is called on any thread, and must only wake the loop: it must not wait
/// for anything, such as a lock that another thread holds while it dispatches.
///
/// Since 0.1.0.
pub type mcp_wakeup_fn = Option<unsafe extern "C-unwind" fn(userdata: *mut c_void)>;

/// Creates a queue, which the caller frees with `mcp_queue_free`. Returns NULL with
/// `MCP_SYSTEM_ERROR` if no file descriptor is available.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_queue_new(error: OutParam<*mut mcp_error>) -> Option<Box<mcp_queue>> {
    guard_new(error, || Ok(mcp_queue { inner: CompletionQueue::new()? }))
}

/// Frees a queue; NULL is ignored. Its calls are cancelled and their ends are not delivered: only
/// `destroy` runs for each (`mcp_options_set_queue`). To see the ends, call `mcp_queue_stop`, and
/// dispatch until `mcp_queue_pending` is 0. Options that contain the queue stay valid; a call with
/// them returns `MCP_CLOSED`.
///
/// It waits for the queue's threads, which end within milliseconds. In a callback of the queue it
/// returns at once: the queue is freed when the outermost `mcp_queue_dispatch` returns, and nothing
/// else is delivered. No other thread may use the queue any more. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_queue_free(queue: Option<Box<mcp_queue>>) {
    guard_quiet((), || {
        if let Some(queue) = queue {
            queue.inner.free();
        }
    });
}

/// Returns the queue's file descriptor, which is readable only while something is due: poll it for
/// reading, and do nothing else with it. It works level-triggered and edge-triggered. Remove it from
/// the loop before `mcp_queue_free`, which closes it. Returns -1 for NULL and after `fork`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_queue_fd(queue: Option<&mcp_queue>) -> c_int {
    guard_quiet(-1, || of_this_process(queue).and_then(|queue| queue.ready().raw_descriptor()).unwrap_or(-1))
}

/// Sets a function that wakes the loop, for loops that cannot wait for a file descriptor. It is
/// called each time a callback becomes due while none was, at the end of a dispatch that leaves
/// callbacks, and at once if some are due. NULL removes it (the default).
///
/// `userdata` is passed to it, and to `destroy` (which may be NULL) when it is no longer needed: see
/// `mcp_destroy_fn`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_queue_set_wakeup(
    queue: SharedHandle<mcp_queue>,
    wakeup: mcp_wakeup_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let owner = Userdata::new(userdata, destroy);
    guard(error, || {
        let queue = queue.required("queue")?;
        let wakeup = wakeup.map(|wakeup| {
            let hook: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
                let userdata = owner.pointer();
                // SAFETY: the header requires that the function may be called with this userdata from any thread.
                callback::call(|| unsafe { wakeup(userdata) });
            });
            hook
        });
        queue.inner.set_wakeup(wakeup)
    })
}

/// Runs the callbacks that are due when it begins: progress, handlers, and the ends of calls. What
/// they add waits for the next time, so that the loop cannot starve. If nothing is due, it waits for
/// at most `wait_ms` milliseconds: 0 does not wait, `MCP_FOREVER` waits without limit, also if no
/// call is pending. A callback may dispatch its queue: that continues with the next callback.
///
/// Returns `MCP_OK`, also if nothing was due; `MCP_MISUSE` if another thread dispatches the queue,
/// or after `fork`. Any thread may call it, one at a time.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_queue_dispatch(
    queue: SharedHandle<mcp_queue>,
    wait_ms: u64,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let queue = Arc::clone(&queue.required("queue")?.inner);
        queue.dispatch((wait_ms != MCP_FOREVER).then(|| Duration::from_millis(wait_ms)))
    })
}

/// Cancels the calls of the queue whose `userdata` (`mcp_options_set_queue`) is this pointer, and
/// returns how many that are. They end at once with `MCP_CANCELLED`, which the next
/// `mcp_queue_dispatch` delivers; the servers are notified as with a cancel token. Calls that wait
/// for a thread are cancelled, too. A call that has ended and is not delivered yet keeps its result
/// and does not count. NULL cancels the calls whose `userdata` is NULL. Returns 0 for a NULL `queue`
/// and after `fork`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_queue_cancel(queue: SharedHandle<mcp_queue>, userdata: *const c_void) -> usize {
    guard_quiet(0, || of_this_process(queue.object()).map_or(0, |queue| queue.cancel(userdata.addr())))
}

/// Cancels all calls of the queue, and makes it take no more: a new call returns `MCP_CLOSED`.
/// Returns how many calls are still to be delivered: dispatch until `mcp_queue_pending` is 0.
/// Returns 0 for NULL and after `fork`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_queue_stop(queue: SharedHandle<mcp_queue>) -> usize {
    guard_quiet(0, || of_this_process(queue.object()).map_or(0, CompletionQueue::stop))
}

/// Returns the number of calls whose end was not delivered yet; in a `mcp_done_fn`, its own call
/// does not count. Returns 0 for NULL and after `fork`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_queue_pending(queue: Option<&mcp_queue>) -> usize {
    guard_quiet(0, || queue.filter(|queue| queue.inner.is_of_this_process()).map_or(0, |queue| queue.inner.pending()))
}

/// Sets how many calls of the queue run at the same time (default: 64); more calls wait. Not
/// counted are calls that wait for a person, `mcp_listen`, and `mcp_client_close`.
///
/// Returns `MCP_INVALID_ARGUMENT` for 0.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_queue_set_threads(
    queue: SharedHandle<mcp_queue>,
    threads: u32,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || queue.required("queue")?.inner.set_threads(threads as usize))
}

/// Delivers the callbacks of a client that belong to no call in `mcp_queue_dispatch`: log messages
/// of the library (`mcp_set_log`) and of the server, notifications (`mcp_set_notification`), and
/// requests of the server (`mcp_input_fn`). NULL runs them on threads of the library again (the
/// default). Of log messages and notifications that wait, the newest 256 are kept. Nothing of a
/// client is delivered after the end of its `mcp_client_close`. It does not queue the calls of the
/// client: see `mcp_options_set_queue`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_queue(
    client: SharedHandle<mcp_client>,
    queue: SharedHandle<mcp_queue>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        let Some(queue) = queue.object() else {
            client.set_callbacks(None);
            return Ok(());
        };
        let callbacks = queue.inner.adopt(client)?;
        let (lines, closing) = (Arc::clone(&callbacks), Arc::clone(&callbacks));
        client.set_callbacks(Some(ClientCallbackSettings {
            runner: Some(callbacks),
            forward: Some(Arc::new(move |line| lines.add_line(line))),
            end: Some(Arc::new(move || closing.close())),
        }));
        Ok(())
    })
}

/// Lets the calls with these options return `MCP_PENDING` at once, and delivers their ends to `done`
/// in `mcp_queue_dispatch`: see `mcp_queue`. NULL as `queue` makes calls block again (the default).
/// `done` may be NULL. Calls with different `userdata` need different options (`mcp_options_copy`).
///
/// `userdata` is passed to `done`, identifies the calls for `mcp_queue_cancel`, and is passed to
/// `destroy` (which may be NULL) when neither the options nor a call needs it: see
/// `mcp_destroy_fn`. If the same `userdata` is used for progress, only this function needs a
/// `destroy`: it runs last.
///
/// No other thread may use the options meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_options_set_queue(
    options: Option<&mut mcp_options>,
    queue: SharedHandle<mcp_queue>,
    done: mcp_done_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let owner = Userdata::new(userdata, destroy);
    guard(error, || {
        let options = not_null(options, "options")?;
        let target = queue.object().map(|queue| {
            let done: Arc<DoneCallback> = Arc::new(move |outcome: &Outcome| {
                let userdata = owner.pointer();
                let Some(done) = done else { return };
                let (status, result, error) = match outcome {
                    Ok(result) => (MCP_OK, result.clone().map(OwnedDocument::new), None),
                    Err(error) => (error.status(), None, Some(OwnedError::new(error.clone()))),
                };
                let result = result.as_ref().map_or(std::ptr::null(), OwnedDocument::pointer);
                let error = error.as_ref().map_or(std::ptr::null(), OwnedError::pointer);
                // SAFETY: the header requires that the callback may be called with this userdata.
                callback::call(|| unsafe { done(userdata, status as i32, result, error) });
            });
            QueueTarget { queue: Arc::clone(&queue.inner), userdata: userdata.addr(), done }
        });
        options.set_queue_target(target);
        Ok(())
    })
}

/// The queue, unless this is a child of its process.
fn of_this_process(queue: Option<&mcp_queue>) -> Option<&CompletionQueue> {
    queue.map(|queue| &*queue.inner).filter(|queue| queue.is_of_this_process())
}
