//! A whole client, whose server says what the fuzzer wants.

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

/// What the server has to be sent, and nobody is shown.
const TOKEN: &str = "zqxw-fuzz-token-0123456789";

/// Mostly a call ends because the server has nothing more to say. Where that is silent, many inputs want to be tried all the same.
const TIMEOUT: Duration = Duration::from_millis(50);
const SHORT_TIMEOUT: Duration = Duration::from_millis(5);

/// How much later a call may end. Other programs have the machine, too: only what is late each time is too late.
const MARGIN: Duration = Duration::from_millis(300);
const TRIES: usize = 3;

/// What the server may send at most, in bytes: messages and events, and a head.
const LARGEST: u64 = 64 * 1024;
const LARGEST_HEAD: u64 = 16 * 1024;

/// The most memory that one client may need: connections have buffers of a fixed size, and what is received is held a few times.
const MAX_MEMORY: usize = 8 * 1024 * 1024;

/// After so many clients everything is there that is made once; what grows after that by more than a little is lost memory.
const WARM: u64 = 2000;
const LITTLE: usize = 256 * 1024;

/// How much memory is in use: what the allocator of the fuzz target counts.
#[derive(Clone, Copy)]
pub struct Memory {
    /// In bytes.
    pub live: fn() -> usize,
    /// The most that was in use since the last call of this.
    pub take_peak: fn() -> usize,
}

/// Three bytes that choose how the client is set up, which call it makes and what else it does, and behind them what its server
/// says; see `server`. The call ends in time and shows no secret, memory is bounded, and nothing is left of the client.
pub fn client(bytes: &[u8], memory: Memory) {
    let Some(([setup, call, flags], text)) = bytes.split_first_chunk() else { return };
    thread_local! {
        static STAGE: RefCell<FuzzStage> = RefCell::new(FuzzStage::new());
    }
    STAGE.with_borrow_mut(|stage| {
        let mut late = (0..TRIES).map(|_| stage.show((*setup, call.wrapping_sub(b'0'), Flags(*flags)), text, memory));
        assert!(late.any(|late| late <= MARGIN), "a call ended too late, {TRIES} times");
    });
}

/// What else is chosen.
#[derive(Clone, Copy)]
struct Flags(u8);

impl Flags {
    /// Rarely: it takes time.
    fn lingers(self) -> bool {
        self.0 & 0x0F == 0x0F
    }

    fn answers_servers(self) -> bool {
        self.0 & 0x10 != 0
    }

    fn hears_logs(self) -> bool {
        self.0 & 0x20 != 0
    }

    fn caches(self) -> bool {
        self.0 & 0x40 != 0
    }

    fn timeout(self) -> Duration {
        if self.lingers() { SHORT_TIMEOUT } else { TIMEOUT }
    }
}

/// What all clients have in common.
struct FuzzStage {
    server: FuzzServer,
    shown: u64,
    /// How it was when nothing new was made any more.
    memory: usize,
    descriptors: usize,
}

impl FuzzStage {
    fn new() -> FuzzStage {
        FuzzStage { server: FuzzServer::start(), shown: 0, memory: 0, descriptors: 0 }
    }

    /// Gives how late the call was that was the latest.
    fn show(&mut self, (setup, call, flags): (u8, u8, Flags), text: &[u8], memory: Memory) -> Duration {
        let cancel = Arc::new(PollableEvent::new().expect("a signal"));
        // Who listens has no timeout.
        let ends = (call % CALLS == LISTEN).then(|| Arc::clone(&cancel));
        let script = ServerScript { text: text.to_vec(), lingers: flags.lingers(), cancel: ends };
        (memory.take_peak)();
        let before = (memory.live)();
        self.server.handle_server_request(script);
        let late = live(&self.server, setup, call, flags, cancel);
        self.server.end();
        let peak = (memory.take_peak)().saturating_sub(before);
        show(|| format!("{peak} bytes at most"));
        assert!(peak <= MAX_MEMORY, "a client needed {peak} bytes");
        self.look_for_leaks((memory.live)());
        late
    }

    fn look_for_leaks(&mut self, memory: usize) {
        self.shown += 1;
        let descriptors = open_descriptors();
        if self.shown <= WARM {
            (self.memory, self.descriptors) = (self.memory.max(memory), self.descriptors.max(descriptors));
        }
        assert!(memory <= self.memory + LITTLE, "memory grew from {} to {memory} bytes", self.memory);
        assert!(descriptors <= self.descriptors, "{descriptors} descriptors are open, not {}", self.descriptors);
    }
}

/// How many are open; this one look included.
fn open_descriptors() -> usize {
    std::fs::read_dir("/dev/fd").expect("a folder").count()
}

/// The life of a client.
fn live(server: &FuzzServer, setup: u8, call: u8, flags: Flags, cancel: Arc<PollableEvent>) -> Duration {
    let client = set_up(server, setup, flags).expect("a client");
    let is_listening = call % CALLS == LISTEN;
    client.log().set(Some(log(is_listening, Arc::clone(&cancel))));
    let options = CallOptions {
        timeout_ms: Some(flags.timeout().as_millis() as u64),
        cancel: Some(cancel),
        extras: RequestExtras { progress: Some(Arc::new(|_, _, _| ())), ..RequestExtras::default() },
        ..CallOptions::default()
    };
    let mut late = watched(flags, || client.call("fuzz", &options, |started| make(&client, started, call)));
    let plain = CallOptions { timeout_ms: options.timeout_ms, ..CallOptions::default() };
    if !flags.lingers() {
        late = late.max(watched(flags, || client.call("fuzz", &plain, |call| client.ping(call))));
    }
    late = late.max(watched(flags, || client.close(&plain)));
    late = late.max(watched(flags, || {
        client.shut_down();
        Ok(())
    }));
    assert_eq!(Arc::strong_count(&client), 1, "somebody still has the client");
    late
}

/// Runs something that shows no secret; gives how late it ended.
fn watched(flags: Flags, run: impl FnOnce() -> Result<()>) -> Duration {
    let begun = Instant::now();
    let outcome = run();
    let took = begun.elapsed();
    show(|| format!("{took:?}: {outcome:?}"));
    if let Err(error) = outcome {
        let report = error.report();
        assert!(report.status != MCP_INTERNAL && !report.message.is_empty(), "{error:?}");
        check_shown(&report.message);
        report.www_authenticate.iter().for_each(|text| check_shown(text));
        report.rpc.iter().for_each(|rpc| check_shown(&rpc.message));
    }
    took.saturating_sub(flags.timeout())
}

/// With `LIBMCP_FUZZ_SHOW` in the environment, what happens is told: to see what an input is about.
fn show(line: impl FnOnce() -> String) {
    static WANTED: LazyLock<bool> = LazyLock::new(|| std::env::var_os("LIBMCP_FUZZ_SHOW").is_some());
    if *WANTED {
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
    for (limit, bytes) in [(LimitKind::Message, LARGEST), (LimitKind::Event, LARGEST), (LimitKind::Head, LARGEST_HEAD)]
    {
        settings.set_limit(limit, bytes)?;
    }
    client.auth().credentials.set_bearer(Some(TOKEN))?;
    client.known.cache.set_wanted(flags.caches());
    if flags.answers_servers() {
        for kind in [InputKind::Elicitation, InputKind::Sampling, InputKind::Roots] {
            settings.set_handler(kind, Some(Arc::new(answer)))?;
        }
    }
    if flags.hears_logs() {
        client.server_log.set_hook(Some(Arc::new(|params| assert!(!params.text().is_empty()))));
    }
    Ok(client)
}

/// Reads what is logged; and cancels the call where the client would now wait for a second or more, and find that nothing is said
/// any more.
fn log(is_listening: bool, cancel: Arc<PollableEvent>) -> Arc<LogHook> {
    Arc::new(move |_, line| {
        check_shown(line);
        show(|| line.into());
        let pauses = ["; retrying in ", "; reopening it in "];
        if line.contains("; resuming it in ") || (is_listening && pauses.iter().any(|words| line.contains(words))) {
            cancel.set();
        }
    })
}

fn answer(input: &mut InputRequest) {
    let answered = match input.kind {
        InputKind::Elicitation => input.accept(None),
        InputKind::Sampling => {
            input.respond(r#"{"role":"assistant","content":{"type":"text","text":"x"},"model":"m"}"#)
        }
        InputKind::Roots => input.respond(r#"{"roots":[]}"#),
    };
    answered.expect("an answer");
}

const CALLS: u8 = 11;
const LISTEN: u8 = 3;

/// One of the calls that there are.
fn make(client: &Client, call: &CallContext, which: u8) -> Result<()> {
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
        7 => client.start_tool(call, "tool", None).and_then(|_| client.wait_task(call, "task")),
        8 => client.get_prompt(call, "prompt", Some(r#"{"a":"b"}"#)),
        9 => client.request(call, "fuzz/request", Some(r#"{"a":1}"#)),
        _ => return client.set_logging_level(call, "info"),
    }?;
    let seen = (0..value.len()).map(|place| value.value(place).raw().len()).max();
    if seen <= Some(LARGEST as usize * 10) { Ok(()) } else { Err(Error::new(MCP_INTERNAL, "larger than the limit")) }
}
