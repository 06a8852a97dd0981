//! Generates `mcp.h` from the sources and sets the SONAME of the shared library.
//!
//! cbindgen groups its output by kind (types, functions), which is hard to read. So it runs once for each file of
//! `src/ffi`, in the order in which a reader learns the API, and the parts are joined under section banners.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The sections of the header: banner and source file. A source with an empty banner continues the section before it.
const SECTIONS: &[(&str, &str)] = &[
    ("Version", "src/ffi/version.rs"),
    ("Statuses: the outcome of a call", "src/status.rs"),
    ("", "src/ffi/status.rs"),
    ("Errors: why a call failed", "src/ffi/error.rs"),
    ("Clients: one for each server", "src/ffi/client.rs"),
    ("Servers started as a process (stdio)", "src/ffi/stdio.rs"),
    ("Servers from a configuration file", "src/ffi/config.rs"),
    ("Credentials and headers", "src/ffi/credentials.rs"),
    ("Callbacks", "src/ffi/userdata.rs"),
    ("Custom authentication", "src/ffi/auth.rs"),
    ("Settings", "src/ffi/settings.rs"),
    ("Transport, TLS and proxies", "src/ffi/network.rs"),
    ("Calls", "src/ffi/calls.rs"),
    ("Tools", "src/ffi/tools.rs"),
    ("Tasks: long-running tool calls", "src/ffi/tasks.rs"),
    ("Resources", "src/ffi/resources.rs"),
    ("Prompts and argument completion", "src/ffi/prompts.rs"),
    ("Server requests", "src/ffi/client_features.rs"),
    ("Change notifications", "src/ffi/listen.rs"),
    ("Log messages of the server", "src/ffi/logging.rs"),
    ("Raw requests", "src/ffi/raw_requests.rs"),
    ("Options of a call", "src/ffi/options.rs"),
    ("Cancellation", "src/ffi/cancel.rs"),
    ("JSON values", "src/ffi/document.rs"),
    ("", "src/ffi/json.rs"),
    ("", "src/ffi/json_content.rs"),
    ("Log of the library", "src/ffi/log.rs"),
];

/// The argument types of src/ffi/c_types.rs and the C types that replace them in the header. `<` marks a generic type,
/// which becomes a pointer to its type argument.
const C_TYPES: &[(&str, &str)] = &[
    ("SharedHandle<", "*mut "),
    ("OutParam<", "*mut "),
    ("OutBuffer<", "*mut "),
    ("CText", "*const c_char"),
    ("SizedText", "*const c_char"),
    ("TextArray", "*const *const c_char"),
    ("BufferSize", "usize"),
];

/// Types that earlier sections use: they are declared at the top of the header and documented in their section.
const FORWARD: &[&str] = &["mcp_options", "mcp_cancel", "mcp_json"];

/// The declarations whose first pointer is never NULL, as cbindgen writes them (without MCP_NONNULL).
const NEVER_NULL: &[&str] = &[
    "const char *mcp_version(",
    "const char *mcp_status_name(",
    "const char *mcp_error_message(",
    "mcp_options *mcp_options_new(",
    "struct mcp_auth_request *request",
    "int32_t level, const char *message",
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
        println!("cargo::error=libmcp does not support Windows yet: it has not been built or tested there");
        return;
    }
    set_soname();
    let header = header();
    for folder in ["OUT_DIR", "MCP_HEADER_DIR"].into_iter().filter_map(env::var_os) {
        let folder = PathBuf::from(folder);
        fs::create_dir_all(&folder).expect("cannot create the folder for mcp.h");
        write_if_changed(&folder.join("mcp.h"), &header);
    }
    if env::var_os("MCP_UPDATE_HEADER").is_some() {
        write_if_changed(Path::new("include/mcp.h"), &header);
    }
}

/// The SONAME contains the major version, which is 0 until 1.0.
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
        "{INTRODUCTION}#ifndef MCP_H\n#define MCP_H\n\n\
         #include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n\n\
         /** The version of this header. */\n#define MCP_VERSION \"{version}\"\n#define MCP_VERSION_MAJOR {}\n\
         #define MCP_VERSION_MINOR {}\n#define MCP_VERSION_PATCH {}\n\n{NONNULL}\
         #ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n\
         /* Declared here because earlier sections use them; each is documented in its section. */\n{forward}",
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
    NEVER_NULL.iter().fold(header, |header, declaration| mark_nonnull(&header, declaration))
}

/// Inserts MCP_NONNULL behind the first `*` of `declaration`, which must occur exactly once in the header.
fn mark_nonnull(header: &str, declaration: &str) -> String {
    assert_eq!(header.matches(declaration).count(), 1, "the header must contain {declaration:?} exactly once");
    header.replace(declaration, &declaration.replacen('*', "*MCP_NONNULL ", 1))
}

/// The output of cbindgen for one source file.
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
    // Types that no function in the same file uses: cbindgen would omit them.
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
    let converted = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("section.rs");
    let code = fs::read_to_string(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    fs::write(&converted, with_c_types(code)).expect("cannot write section.rs for cbindgen");
    cbindgen::Builder::new()
        .with_config(config)
        .with_src(&converted)
        .generate()
        .unwrap_or_else(|error| panic!("{source}: {error}"))
        .write(&mut text);
    let text = String::from_utf8(text).expect("cbindgen writes UTF-8");
    let text = FORWARD.iter().fold(text, |text, name| text.replace(&format!("typedef struct {name} {name};\n"), ""));
    text.lines().map(|line| plain_names(line) + "\n").collect()
}

/// Replaces the argument types of src/ffi/c_types.rs with C types. cbindgen reads one file at a time and does not know
/// these types: it would write their names into the header.
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
            let (target, rest) = piece.split_once('>').unwrap_or_else(|| panic!("{name}<{piece} has no closing `>`"));
            format!("{code}: {c}{target}{rest}")
        });
    }
    code
}

/// Uses the typedef names everywhere: cbindgen writes `struct` or `enum` before some types and not before others.
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

/// Swift imports a `_Nonnull` pointer as a non-optional. Clang would warn about the pointers without an annotation, and
/// about `_Nonnull` as an extension.
const NONNULL: &str = "\
/* Marks a pointer that is never NULL, for compilers that support it. */
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
/* mcp.h - a Model Context Protocol client for C, and for every language that can call C.
 *
 * Generated from src/ffi of libmcp. Do not edit this file.
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
 * API conventions:
 *
 * - Results. A constructor returns a pointer, or NULL if it fails. Every other function that can
 *   fail returns an mcp_status, MCP_OK for success. The last argument of both receives an mcp_error
 *   on failure; it may be NULL.
 * - Ownership. Arguments are copied before the call returns. Results belong to the caller, who frees
 *   them with the _free function of their type, which accepts NULL. Where a result is only borrowed,
 *   its description states how long it is valid. Outputs are set to NULL first, and to a result only
 *   on success.
 * - Text is UTF-8 and NUL-terminated, except JSON, which is passed with its length in bytes.
 * - Times are in milliseconds.
 * - Threads. Every function may be called from any thread. Several threads may use a client, a JSON
 *   value or an error at the same time, and also options, as long as no thread changes them. The
 *   library starts a thread for each DNS lookup, and one for each open HTTP+SSE connection, each
 *   stream that a legacy server keeps open for its own messages, and each server that is a process.
 *   Signals of the host process are not handled on these threads.
 * - The stack. A call uses at most 96 KiB of the stack of its thread, plus what callbacks use;
 *   musl's default of 128 KiB is enough.
 * - NULL, invalid UTF-8 and unknown numbers are errors (MCP_INVALID_ARGUMENT), never crashes. Use
 *   after free is not detected.
 * - The process. The library installs no signal handler, raises no SIGPIPE and prints nothing. Its
 *   descriptors are close-on-exec. After fork, the child cannot use the clients of its parent: calls
 *   return MCP_MISUSE.
 * - Leaving a callback. Neither an exception nor longjmp may leave a callback: a C++ exception aborts
 *   the process. A callback that ends its thread (pthread_exit, pthread_cancel) does not return to
 *   the library. With glibc, that thread then sleeps until the process ends, and cannot be joined;
 *   elsewhere it ends. The library's resources on that thread are not freed, and a call that waits
 *   for it ends with its timeout.
 * - Interpreters. An interpreter that exits may end or stop threads that call into it: CPython does
 *   (before 3.14 with pthread_exit). Free the clients before that, in Python with `atexit`, and keep
 *   the callbacks until then. After that, mcp_client_free may wait forever for a callback that an
 *   interpreter has stopped (CPython 3.14 and later).
 */
";
