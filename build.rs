//! Generates `mcp.h` from the sources, and sets the SONAME of the shared library.
//!
//! cbindgen sorts declarations by kind, which is hard to read. So it runs once for each file of `src/ffi`, in the order
//! in which a reader learns the API, and each part gets a section title.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The sections of the header: title (empty: continues the previous section), and source.
const SECTIONS: &[(&str, &str)] = &[
    ("Version", "src/ffi/version.rs"),
    ("Status codes", "src/status.rs"),
    ("", "src/ffi/status.rs"),
    ("Errors", "src/ffi/error.rs"),
    ("Clients", "src/ffi/client.rs"),
    ("Servers started as a process (stdio)", "src/ffi/stdio.rs"),
    ("Configuration files", "src/ffi/config.rs"),
    ("Credentials and headers", "src/ffi/credentials.rs"),
    ("Callback data", "src/ffi/userdata.rs"),
    ("Custom authentication", "src/ffi/auth.rs"),
    ("OAuth", "src/ffi/oauth.rs"),
    ("OAuth: grants, scopes and security rules", "src/ffi/oauth_grant.rs"),
    ("OAuth: requests for a login", "src/ffi/oauth_request.rs"),
    ("OAuth: logins", "src/ffi/oauth_login.rs"),
    ("OAuth: stored registrations and tokens", "src/ffi/oauth_store.rs"),
    ("OAuth: assertions", "src/ffi/oauth_assertion.rs"),
    ("Settings", "src/ffi/settings.rs"),
    ("Transport, TLS and proxies", "src/ffi/network.rs"),
    ("Connection and server information", "src/ffi/calls.rs"),
    ("Tools", "src/ffi/tools.rs"),
    ("Tasks", "src/ffi/tasks.rs"),
    ("Resources", "src/ffi/resources.rs"),
    ("Prompts and argument completion", "src/ffi/prompts.rs"),
    ("Server requests", "src/ffi/client_features.rs"),
    ("Change notifications", "src/ffi/listen.rs"),
    ("Log messages and notifications of the server", "src/ffi/logging.rs"),
    ("Raw requests", "src/ffi/raw_requests.rs"),
    ("Call options", "src/ffi/options.rs"),
    ("Cancellation", "src/ffi/cancel.rs"),
    ("Queues for event loops", "src/ffi/queue.rs"),
    ("JSON values", "src/ffi/document.rs"),
    ("", "src/ffi/json.rs"),
    ("", "src/ffi/json_content.rs"),
    ("Writing JSON", "src/ffi/writer.rs"),
    ("Log messages of the library", "src/ffi/log.rs"),
    ("Trace of the messages", "src/ffi/trace.rs"),
];

/// The argument types of src/ffi/c_types.rs, and the C types that the header shows instead; `<` marks a pointer to the
/// type that follows.
const C_TYPES: &[(&str, &str)] = &[
    ("SharedHandle<", "*mut "),
    ("OutParam<", "*mut "),
    ("OutBuffer<", "*mut "),
    ("CText", "*const c_char"),
    ("SizedText", "*const c_char"),
    ("SizedBytes", "*const c_void"),
    ("TextArray", "*const *const c_char"),
    ("BufferSize", "usize"),
];

/// Types that are used before their section: they are declared and described at the top of the header, because tools
/// show the comment of the declaration.
const FORWARD: &[&str] = &["mcp_options", "mcp_cancel", "mcp_queue", "mcp_json"];

/// Pointers that are never NULL, as text that occurs only where they are declared.
const NEVER_NULL: &[&str] = &[
    "const char *mcp_version(",
    "const char *mcp_status_name(",
    "const char *mcp_status_text(",
    "const char *mcp_error_message(",
    "const char *mcp_client_name(",
    "mcp_options *mcp_options_new(",
    "mcp_cancel *mcp_cancel_new(",
    "mcp_options *mcp_options_copy(",
    "struct mcp_auth_request *request",
    "mcp_oauth *mcp_oauth_new(",
    "userdata, mcp_oauth_request *request",
    "struct mcp_oauth_record *record",
    "struct mcp_oauth_assertion *assertion",
    "int32_t level, const char *message",
    "int32_t direction, const char *text",
    "struct mcp_input *input",
    "const mcp_json *message",
    "const char *method, const mcp_json *params",
    "const char *mcp_tool_result_text(",
    "const char *mcp_log_level_name(",
    "mcp_writer *mcp_writer_new(",
    "const char *mcp_writer_text(",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=include/mcp.h");
    println!("cargo::rerun-if-env-changed=MCP_HEADER_DIR");
    println!("cargo::rerun-if-env-changed=MCP_UPDATE_HEADER");
    if env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "windows") {
        println!("cargo::error=libmcp does not support Windows yet: it was never built or tested there");
        return;
    }
    set_soname();
    let header = header();
    for folder in ["OUT_DIR", "MCP_HEADER_DIR"].into_iter().filter_map(env::var_os) {
        let folder = PathBuf::from(folder);
        fs::create_dir_all(&folder).expect("cannot create the folder of the header");
        write_if_changed(&folder.join("mcp.h"), &header);
    }
    if env::var_os("MCP_UPDATE_HEADER").is_some() {
        write_if_changed(Path::new("include/mcp.h"), &header);
    }
}

/// The SONAME contains what must be equal for a program to run with another version: the major version, and until 1.0
/// the minor version, too. CMakeLists.txt has the same rule.
fn set_soname() {
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        let (major, minor) = (package("MAJOR"), package("MINOR"));
        let abi = if major == "0" { format!("0.{minor}") } else { major };
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libmcp.so.{abi}");
    }
}

fn package(part: &str) -> String {
    env::var(format!("CARGO_PKG_VERSION_{part}")).expect("cargo sets the version")
}

fn header() -> String {
    let version = env::var("CARGO_PKG_VERSION").expect("cargo sets the version");
    let (declarations, sections) = declarations_and_sections();
    let header = format!(
        "{INTRODUCTION}#ifndef MCP_H\n#define MCP_H\n\n\
         #include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n\n\
         /** The version of this header. */\n#define MCP_VERSION \"{version}\"\n#define MCP_VERSION_MAJOR {}\n\
         #define MCP_VERSION_MINOR {}\n#define MCP_VERSION_PATCH {}\n\n{NUL_TERMINATED}{NONNULL}\
         #ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n\
         /* Types that are used before their sections. */\n\n{declarations}{sections}{CLOSING}",
        package("MAJOR"),
        package("MINOR"),
        package("PATCH"),
    );
    NEVER_NULL.iter().fold(header, |header, place| mark_nonnull(&header, place))
}

/// The declarations of the types in [`FORWARD`], and all sections.
fn declarations_and_sections() -> (String, String) {
    let (mut declarations, mut sections) = (String::new(), String::new());
    for (banner, source) in SECTIONS {
        if !banner.is_empty() {
            sections.push_str(&format!("\n/* {:=<94} */\n/* {banner:<94} */\n/* {:=<94} */\n", "", ""));
        }
        sections.push('\n');
        sections.push_str(move_declarations(section(source), &mut declarations).trim());
        sections.push('\n');
    }
    assert_eq!(declarations.matches("\ntypedef struct").count(), FORWARD.len(), "a type of FORWARD is not declared");
    (declarations.trim_end().to_owned() + "\n", sections)
}

/// Moves the declarations of the types in [`FORWARD`], with their comments, from a section to `declarations`.
fn move_declarations(mut section: String, declarations: &mut String) -> String {
    for name in FORWARD {
        let declaration = format!("typedef struct {name} {name};\n");
        let Some(end) = section.find(&declaration).map(|start| start + declaration.len()) else { continue };
        let start = section[..end].rfind("/**").unwrap_or_else(|| panic!("{name} has no comment"));
        declarations.push_str(&section[start..end]);
        declarations.push('\n');
        section.replace_range(start..end, &format!("/* The type {name} is described at the top. */\n"));
    }
    section
}

/// Marks a pointer as never NULL: the first `*` in `place`.
fn mark_nonnull(header: &str, place: &str) -> String {
    assert!(header.contains(place), "the header does not contain {place:?}");
    header.replace(place, &place.replacen('*', "*MCP_NONNULL ", 1))
}

/// The C declarations that cbindgen generates from one file.
fn section(source: &str) -> String {
    let mut config = cbindgen::Config {
        language: cbindgen::Language::C,
        style: cbindgen::Style::Both,
        documentation_style: cbindgen::DocumentationStyle::Doxy,
        usize_is_size_t: true,
        no_includes: true,
        line_length: 100,
        tab_width: 2,
        ..cbindgen::Config::default()
    };
    config.function.args = cbindgen::Layout::Auto;
    // Types that no function of the same file uses by name.
    config.export.include = [
        "mcp_status",
        "mcp_log_level",
        "mcp_trace_direction",
        "mcp_limit",
        "mcp_transport",
        "mcp_change",
        "mcp_oauth_grant",
        "mcp_oauth_leniency",
        "mcp_oauth_when",
        "mcp_destroy_fn",
        "mcp_over_fn",
        "mcp_json_type",
        "mcp_json",
    ]
    .map(String::from)
    .to_vec();
    let mut text = Vec::new();
    let input = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets the folder")).join("section.rs");
    let code = fs::read_to_string(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    fs::write(&input, with_c_types(code)).expect("cannot write the input of cbindgen");
    cbindgen::Builder::new()
        .with_config(config)
        .with_src(&input)
        .generate()
        .unwrap_or_else(|error| panic!("{source}: {error}"))
        .write(&mut text);
    let text = String::from_utf8(text).expect("cbindgen writes UTF-8");
    text.lines().map(|line| plain_names(line) + "\n").collect()
}

/// Replaces the types of src/ffi/c_types.rs by C types. cbindgen reads one file at a time and does not know them: it
/// would write their names into the header.
fn with_c_types(mut code: String) -> String {
    for (rust, c) in C_TYPES {
        let Some(name) = rust.strip_suffix('<') else {
            for end in [",", ")"] {
                code = code.replace(&format!(": {rust}{end}"), &format!(": {c}{end}"));
            }
            continue;
        };
        let begin = format!(": {name}<");
        let mut pieces = code.split(&begin);
        let first = pieces.next().unwrap_or_default().to_owned();
        code = pieces.fold(first, |code, piece| {
            let (target, rest) = piece.split_once('>').unwrap_or_else(|| panic!("{name}<{piece} has no end"));
            format!("{code}: {c}{target}{rest}")
        });
    }
    code
}

/// Removes `struct` and `enum` before type names: every type has a typedef, and cbindgen writes them inconsistently.
fn plain_names(line: &str) -> String {
    if line.starts_with("typedef") {
        return line.to_owned();
    }
    line.replace("struct mcp_", "mcp_").replace("enum mcp_", "mcp_")
}

fn write_if_changed(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return;
    }
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// A constant that cbindgen would write as a number.
const NUL_TERMINATED: &str = "\
/** In place of the length of a text: the text ends with a NUL. Since 0.1.0. */
#define MCP_NUL_TERMINATED SIZE_MAX

";

/// Clang's annotation for "never NULL"; Swift imports such a pointer as a type that is not optional. The warnings are
/// disabled because the other pointers have no annotation.
const NONNULL: &str = "\
/* Marks a pointer that is never NULL, for compilers that support such an annotation. */
#ifdef __clang__
#define MCP_NONNULL _Nonnull
#pragma clang diagnostic push
#pragma clang diagnostic ignored \"-Wnullability-completeness\"
#pragma clang diagnostic ignored \"-Wnullability-extension\"
#else
#define MCP_NONNULL
#endif

";

const CLOSING: &str = "
#ifdef __clang__
#pragma clang diagnostic pop
#endif

#ifdef __cplusplus
} /* extern \"C\" */
#endif

#endif /* MCP_H */
";

const INTRODUCTION: &str = r#"/** @file
 * mcp.h - Model Context Protocol (MCP) client for C, and for languages that call C.
 *
 * Generated from src/ffi of libmcp: make changes there.
 *
 * MCP connects applications that use language models to servers that provide tools and data. An
 * application contains a client; this library is one. Client and server exchange JSON-RPC 2.0
 * messages: requests with responses, and notifications, which have no response. The specification
 * is at https://modelcontextprotocol.io/specification; comments cite it by version and page title.
 *
 * Example: call the tool "add" of a server and print the result; `token` is a bearer token.
 *
 *     mcp_error *error = NULL;
 *     mcp_json *result = NULL;
 *     mcp_client *client = mcp_client_new("https://example.com/mcp", &error);
 *     mcp_writer *writer = mcp_writer_new();
 *     mcp_writer_begin_object(writer, NULL);
 *     mcp_writer_int64(writer, "a", 1);
 *     mcp_writer_int64(writer, "b", 2);
 *     mcp_writer_end(writer);
 *     if (client && mcp_set_bearer(client, token, &error) == MCP_OK &&
 *         mcp_call_tool(client, "add", mcp_writer_text(writer), mcp_writer_length(writer), NULL,
 *                       &result, &error) == MCP_OK)
 *       printf("%s%s\n", mcp_tool_result_is_error(result) ? "The tool failed: " : "",
 *              mcp_tool_result_text(result));
 *     else
 *       fprintf(stderr, "%s\n", mcp_error_message(error));
 *     mcp_writer_free(writer);
 *     mcp_json_free(result);
 *     mcp_error_free(error);
 *     mcp_client_free(client);
 *
 * Terms of the protocol:
 *
 * - A tool is a function of the server; the client calls it by name, with JSON arguments.
 * - A resource is data of the server, such as a file; the client reads it by its URI.
 * - A prompt is a template of the server, with arguments, for messages to a language model.
 * - Elicitation is a request of the server for input from the user of the application.
 * - Sampling is a request of the server for a message from the application's language model.
 * - Roots are the folders that the server may use; it requests a list of them.
 * - A task is a tool call that continues on the server after the function has returned.
 * - A subscription is a request for notifications when lists or resources of the server change.
 * - A legacy server uses a protocol version from 2024-11-05 to 2025-11-25, a modern server version
 *   2026-07-28 or later. The client supports both, and detects which one it has.
 * - A session is the state that a legacy server keeps for one client between requests.
 * - A transport carries the messages: Streamable HTTP (one POST for each message), its predecessor
 *   HTTP+SSE, or stdio, the standard input and output of a server process.
 * - An event stream is an HTTP response that stays open and carries messages as server-sent events.
 *   Over Streamable HTTP, a legacy server sends messages that belong to no call on a separate one,
 *   the server event stream.
 *
 * API conventions:
 *
 * - Results. mcp_json_parse and the functions with "_new" in their name return a pointer to a new
 *   object, or NULL on failure. All other functions that can fail return an mcp_status, which is
 *   MCP_OK on success, or MCP_PENDING if a call was submitted to a queue. The last parameter of
 *   both is a place for an error, which may be NULL (see mcp_error); only mcp_options_new,
 *   mcp_options_copy, mcp_cancel_new, mcp_oauth_new and mcp_writer_new, which never fail, have
 *   none. The functions that write JSON return nothing: mcp_writer_check reports their errors. Read
 *   the status before the error: in `report(mcp_ping(client, NULL, &error), error)` the order of
 *   evaluation is not defined, and report may get the value of `error` before the call.
 * - Ownership. Texts and arrays that the caller passes are copied before a function returns. The
 *   caller owns the objects that it receives, and frees each with the _free function of its type,
 *   which ignores NULL. Borrowed results are not freed; the description states how long they are
 *   valid. Output parameters for objects are set to NULL first, and to the object only on success.
 * - Text, including the names of files, is UTF-8 and NUL-terminated.
 * - JSON. An argument that is JSON is a text with a length in bytes (less than 4 GiB), or
 *   MCP_NUL_TERMINATED if it is NUL-terminated. The mcp_writer_ functions write such texts. The
 *   JSON that a function returns is a document, whose values are read with the mcp_json_ functions.
 * - Times are in milliseconds.
 * - Calls. A function described as "blocking" is a call: it communicates with the server, connects
 *   first if necessary, and returns when it has the result, or when its timeout expires (60 seconds
 *   by default), its cancel token is triggered or its client is closed. It can fail with every
 *   status that reports a cancellation, a timeout, or an error of the system, the network, HTTP or
 *   the protocol; its description names only those with a special meaning.
 * - Settings. The first call of a client, successful or not, fixes some of its settings: the
 *   functions that change them return MCP_MISUSE from then on.
 * - Threads. A function described as "thread-safe" may be called from any thread at any time.
 *   Several threads may use the same client, JSON value, error or cancel token at the same time;
 *   the same options too, as long as no thread changes them. The library creates a thread for each
 *   DNS lookup and each request for OAuth tokens, for handlers and auth and open callbacks while
 *   they run, for the calls of queues, and "reader threads": one for each open HTTP+SSE connection,
 *   for each server event stream, and for each server process. They block all signals.
 * - Callbacks. A handler is a callback that responds to requests of the server. The library holds
 *   no lock while a callback runs. No exception and no longjmp may leave a callback: a C++
 *   exception aborts the process.
 * - Invalid arguments. NULL where no description allows it, invalid UTF-8 and unknown numbers are
 *   errors (MCP_INVALID_ARGUMENT), never crashes. Use after free is not detected.
 * - The stack. A call uses at most 96 KiB of stack, in addition to what the callbacks of the
 *   application use. musl's default of 128 KiB is enough if they use less than 32 KiB.
 * - The process. The library installs no signal handler, raises no SIGPIPE and prints nothing; its
 *   file descriptors are close-on-exec. After fork, the child cannot use the clients of its parent:
 *   all functions for them return MCP_MISUSE, except mcp_client_free.
 * - Threads that end in a callback. If a callback ends its thread (pthread_exit, pthread_cancel),
 *   the library does not continue on it. With glibc, the thread sleeps until the process ends, and
 *   cannot be joined; elsewhere it ends. The memory that the library uses on it is not freed, and a
 *   call that waits for the thread ends with its timeout.
 * - Interpreters. An interpreter that exits may end or stop threads that call into it, as CPython
 *   does (before 3.14 with pthread_exit). Free the clients before that, in Python with `atexit`,
 *   and keep the callbacks until then. Later, mcp_client_free may wait forever for a callback that
 *   an interpreter has stopped (CPython 3.14 and later).
 */
"#;
