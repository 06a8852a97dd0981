//! A whole client with a scripted server.

use std::cell::RefCell;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use super::server::{FuzzServer, ServerScript};
use crate::call::context::RequestExtras;
use crate::client::operations::listen::SubscriptionFilter;
use crate::client::operations::lists::ListMethod;
use crate::client::operations::offers::CompletionReference;
use crate::client::settings::LimitKind;
use crate::client::{CallContext, CallOptions, Client};
use crate::error::{Error, Result};
use crate::log::LogHook;
use crate::protocol::incoming::InputKind;
use crate::rpc::handlers::InputRequest;
use crate::status::MCP_INTERNAL;
use crate::sys::pollable_event::PollableEvent;
use crate::transport::interface::TransportKind;

/// Sent to the server, and never shown in an error or log line.
const TOKEN: &str = "zqxw-fuzz-token-0123456789";

/// Normally a call ends because the server closes the connections. If the server lingers, the short timeout ends it.
const TIMEOUT: Duration = Duration::from_millis(50);
const SHORT_TIMEOUT: Duration = Duration::from_millis(5);

/// How much later than its timeout a call may end. The machine may be busy: only a call that is late in each try is an
/// error.
const MARGIN: Duration = Duration::from_millis(300);
const TRIES: usize = 3;

/// The client's limits for messages and events, and for response heads, in bytes.
const MAX_MESSAGE: u64 = 64 * 1024;
const MAX_HEAD: u64 = 16 * 1024;

/// The most memory that one client may use, in bytes: connections have buffers of a fixed size, and received data is
/// copied a few times.
const MAX_MEMORY: usize = 8 * 1024 * 1024;

/// After this number of clients, all global data has been allocated: memory that grows by more than the tolerance is a
/// leak.
const WARM_UP_CLIENTS: u64 = 2000;
const LEAK_TOLERANCE: usize = 256 * 1024;

/// The memory in use, as counted by the allocator of the fuzz target.
#[derive(Clone, Copy)]
pub struct Memory {
    /// In bytes.
    pub live: fn() -> usize,
    /// The peak since the last call of this function, in bytes.
    pub take_peak: fn() -> usize,
}

/// Three bytes select the client's settings, the call and the flags; the rest is the server's script (see
/// [`ServerScript`]). The calls end in time and show no secret, memory is bounded, and nothing of the client remains.
pub fn client(bytes: &[u8], memory: Memory) {
    let Some(([setup, call, flags], text)) = bytes.split_first_chunk() else { return };
    thread_local! {
        static FIXTURE: RefCell<FuzzFixture> = RefCell::new(FuzzFixture::new());
    }
    FIXTURE.with_borrow_mut(|fixture| {
        let mut delays =
            (0..TRIES).map(|_| fixture.run((*setup, call.wrapping_sub(b'0'), Flags(*flags)), text, memory));
        assert!(delays.any(|delay| delay <= MARGIN), "a call ended too late, {TRIES} times");
    });
}

/// The flags of an input: see `fuzz/README.md`.
#[derive(Clone, Copy)]
struct Flags(u8);

impl Flags {
    /// Connections stay open at the end of the script. Selected rarely, because it takes time.
    fn lingers(self) -> bool {
        self.0 & 0x0F == 0x0F
    }

    fn has_handlers(self) -> bool {
        self.0 & 0x10 != 0
    }

    fn has_log_callback(self) -> bool {
        self.0 & 0x20 != 0
    }

    fn has_cache(self) -> bool {
        self.0 & 0x40 != 0
    }

    fn timeout(self) -> Duration {
        if self.lingers() { SHORT_TIMEOUT } else { TIMEOUT }
    }
}

/// The state that all clients share.
struct FuzzFixture {
    server: FuzzServer,
    clients: u64,
    /// The maxima during the warm-up.
    memory: usize,
    descriptors: usize,
}

impl FuzzFixture {
    fn new() -> FuzzFixture {
        FuzzFixture { server: FuzzServer::start(), clients: 0, memory: 0, descriptors: 0 }
    }

    /// Runs one client. Returns the longest delay of a call after its timeout.
    fn run(&mut self, (setup, call, flags): (u8, u8, Flags), text: &[u8], memory: Memory) -> Duration {
        let cancel = Arc::new(PollableEvent::new().expect("an event"));
        // Listening has no timeout: the server cancels it.
        let cancel_listening = (call % CALLS == LISTEN).then(|| Arc::clone(&cancel));
        let script = ServerScript { text: text.to_vec(), lingers: flags.lingers(), cancel: cancel_listening };
        (memory.take_peak)();
        let before = (memory.live)();
        self.server.run_script(script);
        let delay = run_client(&self.server, setup, call, flags, cancel);
        self.server.end_script();
        let peak = (memory.take_peak)().saturating_sub(before);
        trace(|| format!("{peak} bytes at most"));
        assert!(peak <= MAX_MEMORY, "a client used {peak} bytes");
        self.check_leaks((memory.live)());
        delay
    }

    fn check_leaks(&mut self, memory: usize) {
        self.clients += 1;
        let descriptors = open_descriptors();
        if self.clients <= WARM_UP_CLIENTS {
            (self.memory, self.descriptors) = (self.memory.max(memory), self.descriptors.max(descriptors));
        }
        assert!(memory <= self.memory + LEAK_TOLERANCE, "memory grew from {} to {memory} bytes", self.memory);
        assert!(descriptors <= self.descriptors, "{descriptors} descriptors are open, not {}", self.descriptors);
    }
}

/// The number of open file descriptors, including the one of this directory.
fn open_descriptors() -> usize {
    std::fs::read_dir("/dev/fd").expect("a folder").count()
}

/// Creates a client, makes the selected call and a ping, and closes the client. Returns the longest delay.
fn run_client(server: &FuzzServer, setup: u8, call: u8, flags: Flags, cancel: Arc<PollableEvent>) -> Duration {
    let client = set_up(server, setup, flags).expect("a client");
    let is_listening = call % CALLS == LISTEN;
    client.log().set(Some(log(is_listening, Arc::clone(&cancel))));
    let options = CallOptions {
        timeout_ms: Some(flags.timeout().as_millis() as u64),
        cancel: Some(cancel),
        extras: RequestExtras { progress: Some(Arc::new(|_, _, _| true)), ..RequestExtras::default() },
        ..CallOptions::default()
    };
    let mut delay = checked(flags, || client.call("fuzz", &options, |started| make_call(&client, started, call)));
    let without_extras = CallOptions { timeout_ms: options.timeout_ms, ..CallOptions::default() };
    if !flags.lingers() {
        delay = delay.max(checked(flags, || client.call("fuzz", &without_extras, |call| client.ping(call))));
    }
    delay = delay.max(checked(flags, || client.close(&without_extras)));
    delay = delay.max(checked(flags, || {
        client.shut_down();
        Ok(())
    }));
    assert_eq!(Arc::strong_count(&client), 1, "the client is still referenced");
    delay
}

/// Runs an operation, and checks that its error shows no secret. Returns its delay after the timeout.
fn checked(flags: Flags, run: impl FnOnce() -> Result<()>) -> Duration {
    let start = Instant::now();
    let outcome = run();
    let duration = start.elapsed();
    trace(|| format!("{duration:?}: {outcome:?}"));
    if let Err(error) = outcome {
        let report = error.report();
        assert!(report.status != MCP_INTERNAL && !report.message.is_empty(), "{error:?}");
        check_shown(&report.message);
        report.www_authenticate.iter().for_each(|text| check_shown(text));
        report.rpc.iter().for_each(|rpc| check_shown(&rpc.message));
    }
    duration.saturating_sub(flags.timeout())
}

/// Prints a line if `LIBMCP_FUZZ_SHOW` is set, to see what an input does.
fn trace(line: impl FnOnce() -> String) {
    static IS_ENABLED: LazyLock<bool> = LazyLock::new(|| std::env::var_os("LIBMCP_FUZZ_SHOW").is_some());
    if *IS_ENABLED {
        eprintln!("{}", line());
    }
}

fn check_shown(text: &str) {
    assert!(!text.contains(TOKEN) && !text.contains(char::is_control), "{text:?}");
}

fn set_up(server: &FuzzServer, setup: u8, flags: Flags) -> Result<Arc<Client>> {
    let (url, version, transport) = match setup % 6 {
        0 => ("http://localhost/mcp", None, None),
        1 => ("http://localhost/mcp", Some("2026-07-28"), None),
        2 => ("http://localhost/mcp", Some("2025-11-25"), None),
        3 => ("http://localhost/mcp", Some("2025-03-26"), Some(TransportKind::StreamableHttp)),
        4 => ("http://localhost/mcp", None, Some(TransportKind::Sse)),
        _ => ("http://localhost/sse", None, None),
    };
    let client = Client::new(url)?;
    let settings = &client.settings;
    settings.set_unix_socket(server.path.to_str())?;
    settings.pin_version(version)?;
    settings.set_transport(transport)?;
    for (limit, bytes) in
        [(LimitKind::Message, MAX_MESSAGE), (LimitKind::Event, MAX_MESSAGE), (LimitKind::Head, MAX_HEAD)]
    {
        settings.set_limit(limit, bytes)?;
    }
    client.auth().credentials.set_bearer(Some(TOKEN))?;
    client.server_state.cache.set_enabled(flags.has_cache());
    if flags.has_handlers() {
        for kind in [InputKind::Elicitation, InputKind::Sampling, InputKind::Roots] {
            settings.set_handler(kind, Some(Arc::new(respond)))?;
        }
    }
    if flags.has_log_callback() {
        client.server_log.set_hook(Some(Arc::new(|params| assert!(!params.text().is_empty()))));
    }
    Ok(client)
}

/// Checks the log lines. Cancels the call when the client would wait for a second or more before a retry, which finds
/// the script ended.
fn log(is_listening: bool, cancel: Arc<PollableEvent>) -> Arc<LogHook> {
    Arc::new(move |_, line| {
        check_shown(line);
        trace(|| line.into());
        let pauses = ["; retrying in ", "; reopening it in "];
        if line.contains("; resuming it in ") || (is_listening && pauses.iter().any(|pause| line.contains(pause))) {
            cancel.set();
        }
    })
}

/// The handler of the client.
fn respond(input: &Arc<InputRequest>) {
    let outcome = match input.kind {
        InputKind::Elicitation => input.accept(None),
        InputKind::Sampling => {
            input.respond(r#"{"role":"assistant","content":{"type":"text","text":"x"},"model":"m"}"#)
        }
        InputKind::Roots => input.respond(r#"{"roots":[]}"#),
    };
    outcome.expect("a valid response");
}

const CALLS: u8 = 11;
const LISTEN: u8 = 3;

/// Makes the call that an input selects.
fn make_call(client: &Client, call: &CallContext, which: u8) -> Result<()> {
    let value = match which % CALLS {
        0 => return client.ping(call),
        1 => client.all_pages(call, ListMethod::Tools),
        2 => client.call_tool(call, "tool", Some(r#"{"a":"ü","n":1}"#)),
        LISTEN => {
            let uris = vec!["test://resource".into()];
            let filter = SubscriptionFilter { tools: true, prompts: true, resources: true, uris };
            return client.listen(call, &filter, &|method, _| assert!(!method.is_empty()));
        }
        4 => client.read_resource(call, "test://resource"),
        5 => client.complete(call, CompletionReference::Prompt("prompt"), ("argument", "a"), None),
        6 => client.server_info(call),
        7 => client.call_tool_as_task(call, "tool", None).and_then(|_| client.wait_task(call, "task")),
        8 => client.get_prompt(call, "prompt", Some(r#"{"a":"b"}"#)),
        9 => client.request(call, "fuzz/request", Some(r#"{"a":1}"#)),
        _ => return client.request_server_log(call, "info"),
    }?;
    let largest = (0..value.len()).map(|index| value.value(index).raw().len()).max();
    if largest <= Some(MAX_MESSAGE as usize * 10) {
        Ok(())
    } else {
        Err(Error::new(MCP_INTERNAL, "larger than the limit"))
    }
}
