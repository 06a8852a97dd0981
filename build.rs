//! Makes `mcp.h` from the sources, and gives the shared library its SONAME.
//!
//! cbindgen sorts what it finds by kind, which reads badly. So it runs once for each file of `src/ffi`, in the order in which a
//! reader learns the API, and the parts are put together under banners.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The sections of the header: banner, what it is about, source.
const SECTIONS: &[(&str, &str)] = &[
    ("Version", "src/ffi/version.rs"),
    ("Status codes", "src/status.rs"),
    ("", "src/ffi/status.rs"),
    ("Errors", "src/ffi/error.rs"),
    ("Clients", "src/ffi/client.rs"),
    ("Servers started as a process (stdio)", "src/ffi/stdio.rs"),
    ("Configuration files", "src/ffi/config.rs"),
    ("Credentials and headers", "src/ffi/credentials.rs"),
    ("Callbacks", "src/ffi/userdata.rs"),
    ("Custom authentication", "src/ffi/auth.rs"),
    ("Settings", "src/ffi/settings.rs"),
    ("Transport, TLS and proxies", "src/ffi/network.rs"),
    ("Calls", "src/ffi/calls.rs"),
    ("Tools", "src/ffi/tools.rs"),
    ("Tasks", "src/ffi/tasks.rs"),
    ("Resources", "src/ffi/resources.rs"),
    ("Prompts and argument completion", "src/ffi/prompts.rs"),
    ("Server requests", "src/ffi/client_features.rs"),
    ("Change notifications", "src/ffi/listen.rs"),
    ("The server's log", "src/ffi/logging.rs"),
    ("Raw requests", "src/ffi/raw_requests.rs"),
    ("Call options", "src/ffi/options.rs"),
    ("Cancellation", "src/ffi/cancel.rs"),
    ("JSON values", "src/ffi/document.rs"),
    ("", "src/ffi/json.rs"),
    ("", "src/ffi/json_content.rs"),
    ("Log", "src/ffi/log.rs"),
];

/// The types of arguments in src/ffi/c_types.rs, and what the header shows in their place; `<` marks a pointer to the type that follows.
const EDGE: &[(&str, &str)] = &[
    ("SharedHandle<", "*mut "),
    ("OutParam<", "*mut "),
    ("OutBuffer<", "*mut "),
    ("CText", "*const c_char"),
    ("SizedText", "*const c_char"),
    ("TextArray", "*const *const c_char"),
    ("BufferSize", "usize"),
];

/// The types that are used before their section comes: declared at the top, and only described there.
const FORWARD: &[&str] = &["mcp_options", "mcp_cancel", "mcp_json"];

/// The pointers that are never NULL, as the header spells them without saying so.
const NEVER_NULL: &[&str] = &[
    "const char *mcp_version(",
    "const char *mcp_status_name(",
    "const char *mcp_error_message(",
    "mcp_options *mcp_options_new(",
    "struct mcp_auth_request *request",
    "const char *message);\n\n/**\n * Sets the callback that receives what the client",
    "struct mcp_input *input",
    "const mcp_json *message",
    "const char *method, const mcp_json *params",
    "const char *mcp_tool_result_text(",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=include/mcp.h");
    println!("cargo::rerun-if-env-changed=MCP_HEADER_DIR");
    println!("cargo::rerun-if-env-changed=MCP_UPDATE_HEADER");
    if env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "windows") {
        println!("cargo::error=libmcp does not run on Windows yet: nobody has built or tested it there");
        return;
    }
    set_soname();
    let header = header();
    for folder in ["OUT_DIR", "MCP_HEADER_DIR"].into_iter().filter_map(env::var_os) {
        let folder = PathBuf::from(folder);
        fs::create_dir_all(&folder).expect("the header's folder");
        write_if_changed(&folder.join("mcp.h"), &header);
    }
    if env::var_os("MCP_UPDATE_HEADER").is_some() {
        write_if_changed(Path::new("include/mcp.h"), &header);
    }
}

/// Until 1.0 the ABI is 0.
fn set_soname() {
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libmcp.so.{}", package("MAJOR"));
    }
}

fn package(part: &str) -> String {
    env::var(format!("CARGO_PKG_VERSION_{part}")).expect("cargo sets the version")
}

fn header() -> String {
    let version = env::var("CARGO_PKG_VERSION").expect("cargo sets the version");
    let forward: String = FORWARD.iter().map(|name| format!("typedef struct {name} {name};\n")).collect();
    let mut header = format!(
        "{INTRODUCTION}#ifndef MCP_H\n#define MCP_H\n\n#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n\n\
         /** The version of this header. */\n#define MCP_VERSION \"{version}\"\n#define MCP_VERSION_MAJOR {}\n\
         #define MCP_VERSION_MINOR {}\n#define MCP_VERSION_PATCH {}\n\n{NONNULL}\
         #ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n/* Used by what comes first; each is described in its section. */\n{forward}",
        package("MAJOR"),
        package("MINOR"),
        package("PATCH"),
    );
    for (banner, source) in SECTIONS {
        if !banner.is_empty() {
            header.push_str(&format!("\n/* {:=<94} */\n/* {banner:<94} */\n/* {:=<94} */\n", "", ""));
        }
        header.push('\n');
        header.push_str(section(source).trim());
        header.push('\n');
    }
    header.push_str(CLOSING);
    NEVER_NULL.iter().fold(header, |header, place| never_null(&header, place))
}

/// Marks a pointer whose star is the first one in `place`, which the header has once.
fn never_null(header: &str, place: &str) -> String {
    assert_eq!(header.matches(place).count(), 1, "the header has {place:?} once");
    header.replace(place, &place.replacen('*', "*MCP_NONNULL ", 1))
}

/// What cbindgen makes of one file.
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
    // What no function of the same file takes or returns by its name.
    config.export.include = [
        "mcp_status",
        "mcp_log_level",
        "mcp_limit",
        "mcp_transport",
        "mcp_change",
        "mcp_destroy_fn",
        "mcp_json_type",
        "mcp_json",
    ]
    .map(String::from)
    .to_vec();
    let mut text = Vec::new();
    let shown = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets the folder")).join("section.rs");
    let code = fs::read_to_string(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    fs::write(&shown, with_c_types(code)).expect("a file for cbindgen");
    cbindgen::Builder::new()
        .with_config(config)
        .with_src(&shown)
        .generate()
        .unwrap_or_else(|error| panic!("{source}: {error}"))
        .write(&mut text);
    let text = String::from_utf8(text).expect("cbindgen writes UTF-8");
    let text = FORWARD.iter().fold(text, |text, name| text.replace(&format!("typedef struct {name} {name};\n"), ""));
    text.lines().map(|line| plain_names(line) + "\n").collect()
}

/// Puts C types in the place of those of src/ffi/c_types.rs. cbindgen reads one file at a time and does not know them: it would write
/// their names into the header.
fn with_c_types(mut code: String) -> String {
    for (ours, c) in EDGE {
        let Some(name) = ours.strip_suffix('<') else {
            for end in [",", ")"] {
                code = code.replace(&format!(": {ours}{end}"), &format!(": {c}{end}"));
            }
            continue;
        };
        let begin = format!(": {name}<");
        let mut pieces = code.split(&begin);
        let first = pieces.next().unwrap_or_default().to_owned();
        code = pieces.fold(first, |code, piece| {
            let (of, rest) = piece.split_once('>').unwrap_or_else(|| panic!("{name}<{piece} has no end"));
            format!("{code}: {c}{of}{rest}")
        });
    }
    code
}

/// The types have names of their own: cbindgen writes `struct` before some of them, and not before others.
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

/// Clang's words for "never NULL", by which Swift knows what is no optional. It would complain that not every pointer says so.
const NONNULL: &str = "\
/* Before a pointer that is never NULL, for compilers that can be told. */
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

const INTRODUCTION: &str = "\
/* mcp.h - the Model Context Protocol client for C, and for every language that can call C.
 *
 * Generated from src/ffi of libmcp; changes are made there.
 *
 *     mcp_error *error = NULL;
 *     mcp_client *client = mcp_client_new(\"https://example.com/mcp\", &error);
 *     if (client && mcp_set_bearer(client, token, &error) == MCP_OK &&
 *         mcp_ping(client, NULL, &error) == MCP_OK)
 *       puts(\"the server answers\");
 *     else
 *       fprintf(stderr, \"%s\\n\", mcp_error_message(error));
 *     mcp_error_free(error);
 *     mcp_client_free(client);
 *
 * What holds everywhere:
 *
 * - Results. A constructor returns a pointer, or NULL when it failed. Everything else that can fail
 *   returns an mcp_status, MCP_OK for success. The last argument of both is a place for an error;
 *   it may be NULL.
 * - Ownership. What goes in is copied before the call returns. What comes out belongs to the caller
 *   and is freed by its own _free function, which takes NULL; where a result is only borrowed, its
 *   description says how long it lives. Outputs are set to NULL first, and to a result only on
 *   success.
 * - Text is UTF-8 and NUL-terminated, except JSON, which comes with its length in bytes.
 * - Times are in milliseconds.
 * - Threads. Every function may be called from any thread. A client, a JSON value and an error may
 *   be used by many at once; options may, as long as nobody changes them. The library starts a
 *   thread to look up a name, and one each for an open HTTP+SSE connection, for the stream that a
 *   legacy server keeps open for its own messages, and for a server that is a process; no signal of
 *   the program is handled on them.
 * - The stack. A call takes at most 96 KiB of its thread's, and what callbacks take on top; musl's
 *   default of 128 KiB is enough.
 * - NULL, bad UTF-8 and unknown numbers are errors (MCP_INVALID_ARGUMENT), never crashes. A pointer
 *   that was freed is not noticed.
 * - The process. No signal handler is installed and no SIGPIPE raised, nothing is printed,
 *   descriptors are close-on-exec. After fork, the child cannot use the clients of its parent:
 *   calls return MCP_MISUSE.
 * - Threads that end in a callback. No exception and no longjmp may leave a callback: a C++ exception
 *   aborts the process. A callback that ends its thread (pthread_exit, pthread_cancel) does not
 *   return either. With glibc, that thread sleeps until the process ends, and nobody can join it;
 *   elsewhere it ends. What the library uses on it is not freed, and a call that waits for it ends
 *   with its timeout.
 * - Interpreters. An interpreter that exits may end or stop threads that call into it: CPython does
 *   (before 3.14 with pthread_exit). Free the clients before that, in Python with `atexit`, and keep
 *   the callbacks until then. Later, mcp_client_free may wait for ever for a callback that an
 *   interpreter has stopped (CPython from 3.14 on).
 */
";
