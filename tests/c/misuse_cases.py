"""Generates C code that calls every exported function with wrong arguments: misuse_cases.py HEADER SYMBOLS OUTPUT

Each parameter of each function is wrong in turn, and all others are valid. The wrong values:

    a pointer                NULL
    a text                   bad UTF-8; a megabyte; a line break and a header
    a length                 SIZE_MAX - 1, SIZE_MAX / 2 (SIZE_MAX is MCP_NUL_TERMINATED)
    int32_t (all enums)      INT32_MIN, -1, 12345
    int (a descriptor)       -1, 12345
    uint32_t, int64_t        UINT32_MAX; INT64_MIN, INT64_MAX
    uint64_t                 UINT64_MAX

The functions are read from the header, so that new functions are included. A parameter without a known valid value is
an error, and so is an exported function that is not in the header.
"""

import re
import sys
from pathlib import Path

# --- Valid arguments --------------------------------------------------------------------------------------------------

# By "type name", or by "function name" of the parameter.
VALID = {
    "mcp_client * client": "s->client",
    "const mcp_client * client": "s->client",
    "mcp_options * options": "s->options",
    "const mcp_options * options": "s->options",
    "mcp_cancel * cancel": "s->cancel",
    "const mcp_cancel * cancel": "s->cancel",
    "mcp_oauth * oauth": "s->oauth",
    "mcp_queue * queue": "s->queue",
    "const mcp_queue * queue": "s->queue",
    "mcp_writer * writer": "s->writer",
    "const mcp_writer * writer": "s->writer",
    "mcp_error ** error": "&s->error",
    "const mcp_error * error": "s->kept_error",
    "const mcp_json * json": "s->json",
    "mcp_json_bool json": "s->truth",
    "mcp_json_int64 json": "s->number",
    "mcp_json_uint64 json": "s->number",
    "mcp_json_double json": "s->number",
    "mcp_json_copy_string json": "s->text",
    "mcp_json_copy_base64 json": "s->text",
    "const mcp_json * child": "s->json",
    "const mcp_json * value": "s->json",
    "const mcp_json * result": "s->json",
    "mcp_auth_request * request": "request",
    "const mcp_auth_request * request": "request",
    "mcp_input * input": "input",
    "const mcp_input * input": "input",
    "mcp_oauth_request * request": "request",
    "const mcp_oauth_request * request": "request",
    "mcp_oauth_record * record": "record",
    "const mcp_oauth_record * record": "record",
    "mcp_oauth_assertion * assertion": "assertion",
    "const mcp_oauth_assertion * assertion": "assertion",
    "mcp_auth_fn auth": "no_auth",
    "mcp_oauth_open_fn open": "no_open",
    "mcp_oauth_record_fn load": "no_record",
    "mcp_oauth_record_fn save": "no_record",
    "mcp_oauth_record_fn lock": "no_record",
    "mcp_oauth_record_fn unlock": "no_record",
    "mcp_oauth_assertion_fn assertion": "no_assertion",
    "mcp_input_fn handler": "no_input",
    "mcp_server_log_fn log": "no_logging",
    "mcp_log_fn log": "no_log",
    "mcp_notification_fn notification": "no_notification",
    "mcp_trace_fn trace": "no_trace",
    "mcp_progress_fn progress": "no_progress",
    "mcp_change_fn change": "no_change",
    "mcp_done_fn done": "no_done",
    "mcp_wakeup_fn wakeup": "no_wakeup",
    "mcp_over_fn over": "no_over",
    "mcp_destroy_fn destroy": "count_destroy",
    "void * userdata": "&s->destroyed",
    "const void * userdata": "&s->destroyed",
    "void * cause": "&s->destroyed",
    "void * data": "&s->destroyed",
    "const char *const * uris": "s->uris",
    "const char *const * argv": "s->argv",
    "mcp_json ** result": "&s->result",
    "mcp_json ** page": "&s->result",
    "mcp_json ** info": "&s->result",
    "mcp_json ** task": "&s->result",
    "mcp_json ** names": "&s->result",
    "mcp_json ** servers": "&s->result",
    "mcp_json ** state": "&s->result",
    "bool * value": "&s->flag",
    "int64_t * value": "&s->whole",
    "uint64_t * value": "&s->natural",
    "double * value": "&s->real",
    "char * buffer": "s->buffer",
    "void * buffer": "s->buffer",
    "size_t capacity": "sizeof s->buffer",
    "size_t * length": "&s->length",
    "const void * bytes": "s->edge",
    "size_t length": "MCP_NUL_TERMINATED",
    "mcp_writer_base64 length": "2",
    "size_t index": "0",
    "int in": "open_stream()",
    "int out": "open_stream()",
    "uint32_t changes": "MCP_CHANGE_TOOLS",
    "uint32_t threads": "4",
    "uint64_t wait_ms": "0",
    "int32_t limit": "MCP_LIMIT_MESSAGE",
    "int32_t transport": "MCP_TRANSPORT_STREAMABLE_HTTP",
    "int32_t status": "MCP_OK",
    "int32_t level": "MCP_LOG_ERROR",
    "int32_t grant": "MCP_OAUTH_CLIENT_CREDENTIALS",
    "int32_t leniency": "MCP_OAUTH_UNSTATED_PKCE",
    "int32_t when": "MCP_OAUTH_WHEN_ASKED",
    "uint64_t bytes": "0",
    "uint64_t timeout_ms": "5000",
    "uint64_t term_ms": "10",
    "uint64_t kill_ms": "10",
    "int64_t code": "-1",
    "int64_t value": "-1",
    "uint64_t value": "1",
    "double value": "0.5",
    "bool value": "true",
    "bool allowed": "true",
    "bool wanted": "true",
    "bool required": "true",
    "bool verify": "true",
}

# Texts by the parameter's name, or by "function name". s->edge is "{}", followed by memory that is not readable.
VALID_TEXTS = {
    "url": "s->url",
    "mcp_set_proxy url": '""',
    "mcp_oauth_set_client_url url": '"https://app.example/client.json"',
    "redirect_url": "s->redirect_url",
    "mcp_oauth_set_redirect uri": '"com.example.app:/oauth"',
    "issuer": '"https://auth.example"',
    "client_id": '"id"',
    "client_secret": '"secret"',
    "private_key": "PRIVATE_KEY",
    "key_id": '"key"',
    "metadata": "s->edge",
    "scopes": '"read"',
    "resource": '"https://mcp.example/"',
    "token_endpoint": '"https://idp.example/token"',
    "token": '"token"',
    "name": '"echo"',
    "mcp_set_header name": '"X-Name"',
    "mcp_options_set_header name": '"X-Name"',
    "mcp_auth_request_set_header name": '"X-Name"',
    "mcp_set_client_info name": '"misuse"',
    "mcp_set_extension name": '"com.example/misuse"',
    "settings": "s->edge",
    "mcp_oauth_set_parameter name": '"audience"',
    "value": '"value"',
    "version": '"2025-11-25"',
    "arguments": "s->edge",
    "params": "s->edge",
    "responses": "s->edge",
    "content": "s->edge",
    "meta": "s->edge",
    "context": '"{}"',
    "key": '"key"',
    "json": "s->edge",
    "result": "s->edge",
    "text": "s->edge",
    "mcp_oauth_assertion_set text": '"a.b.c"',
    "mcp_client_new_from_config_text text": r'"{\"mcpServers\":{\"echo\":{\"url\":\"http://127.0.0.1:1/\"}}}"',
    "mcp_config_names_text text": r'"{\"mcpServers\":{}}"',
    "pointer": '"/a"',
    "id": '"task"',
    "uri": '"test://one"',
    "uri_template": '"test://{id}"',
    "prompt": '"greet"',
    "argument": '"name"',
    "cursor": '"next"',
    "level": '"info"',
    "method": '"x.example/method"',
    "reason": '"no reason"',
    "message": '"no message"',
    "path": '"/nowhere/libmcp"',
    "mcp_set_unix_socket path": '"/nowhere/libmcp"',
    "cert_path": '"/nowhere/libmcp"',
    "key_path": '"/nowhere/libmcp"',
}

# NULL is valid for them, and there are no other wrong arguments to try.
FREE_FUNCTIONS = {
    "mcp_client_free", "mcp_options_free", "mcp_cancel_free", "mcp_error_free", "mcp_json_free", "mcp_oauth_free",
    "mcp_writer_free", "mcp_queue_free", "mcp_input_free", "mcp_auth_request_free", "mcp_oauth_request_free",
}  # fmt: skip

# Calls of clients with an mcp_oauth.
OAUTH_FUNCTIONS = {"mcp_login", "mcp_logout", "mcp_oauth_state"}

# Settings of stdio clients.
STDIO_FUNCTIONS = {
    "mcp_set_environment", "mcp_set_working_directory", "mcp_set_stderr_file", "mcp_set_stop_timeout",
}  # fmt: skip

# The arguments of callbacks, which are valid inside them only, and the names of these parameters.
CALLBACK_ARGUMENTS = {
    "mcp_auth_request": "request", "mcp_input": "input", "mcp_oauth_request": "request", "mcp_oauth_record": "record",
    "mcp_oauth_assertion": "assertion",
}  # fmt: skip

# --- Expected outcomes ------------------------------------------------------------------------------------------------

# Parameters for which NULL is valid, by "name" or "function name"; for others it is MCP_INVALID_ARGUMENT.
MAY_BE_NULL = {
    "error", "options", "userdata", "destroy", "cause", "cursor", "arguments", "params", "context", "meta", "content",
    "uris", "auth", "handler", "settings", "log", "notification", "trace", "progress", "done", "wakeup", "over",
    "mcp_options_set_call_data data", "mcp_options_set_queue queue", "mcp_set_queue queue",
    "mcp_set_bearer token", "mcp_set_header value", "mcp_options_set_header value", "mcp_set_environment value",
    "mcp_auth_request_set_bearer token", "mcp_auth_request_set_header value",
    "mcp_set_protocol_version version", "mcp_set_proxy url", "mcp_set_unix_socket path", "mcp_set_tls_ca_file path",
    "mcp_set_tls_client_cert_file key_path", "mcp_set_working_directory path", "mcp_set_stderr_file path",
    "mcp_options_set_cancel cancel", "mcp_client_new_from_config name", "mcp_client_new_from_config_text name",
    "mcp_client_name client", "mcp_set_name name",
    "mcp_json_copy_string length", "mcp_json_copy_base64 length",
    "mcp_set_oauth oauth", "issuer", "client_secret", "key_id", "mcp_oauth_set_client_url url", "metadata", "scopes",
    "resource", "mcp_oauth_set_parameter value", "open", "mcp_oauth_set_assertion assertion",
    "mcp_oauth_use_folder path", "mcp_oauth_record_text length", "mcp_oauth_record_set_text text",
}  # fmt: skip
# Exceptions to MAY_BE_NULL.
MUST_NOT_BE_NULL = re.compile(r"mcp_listen change|mcp_options_set_\w+ options")

# Parameters that must not contain a line break.
NO_LINE_BREAK = {
    "url", "token", "level", "mcp_set_protocol_version version", "mcp_set_header name", "mcp_set_header value",
    "mcp_options_set_header name", "mcp_options_set_header value", "mcp_auth_request_set_header name",
    "mcp_auth_request_set_header value",
    "redirect_url", "mcp_oauth_set_redirect uri", "issuer", "mcp_oauth_set_client client_id",
    "mcp_oauth_set_client_key client_id", "private_key", "metadata", "scopes", "resource", "token_endpoint",
    "mcp_oauth_assertion_set text",
}  # fmt: skip

# Parameters for which NULL means a missing JSON value, which is MCP_JSON_MISMATCH.
MISMATCH_IF_NULL = {"json"}


def outcome(function, name, wrong):
    """The required outcome of a call with this wrong argument: an enumerator of `outcome` in misuse_fixture.h."""
    key = f"{function} {name}"
    if wrong == "NULL":
        if MUST_NOT_BE_NULL.fullmatch(key):
            return "REFUSED"
        if name in MISMATCH_IF_NULL:
            return "MISMATCHED"
        return "ANYTHING" if key in MAY_BE_NULL or name in MAY_BE_NULL else "REFUSED"
    if wrong in ("0", "NOT_UTF8", "SIZE_MAX - 1", "SIZE_MAX / 2", "INT32_MIN", "-1", "12345", "UINT32_MAX"):
        return "REFUSED"
    if wrong == "LINE_BREAK" and (key in NO_LINE_BREAK or name in NO_LINE_BREAK):
        return "REFUSED"
    return "ANYTHING"


# --- Generating the program -------------------------------------------------------------------------------------------


def prototypes(header):
    """Each function of the header: its return type, its name, and its parameters as (type, name)."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", header, flags=re.S)
    text = re.sub(r"^\s*#.*(?:\\\n.*)*$", "", text, flags=re.M)
    text = re.sub(r"typedef[^;{]*\([^;]*;", "", text).replace("MCP_NONNULL", "")
    for returns, name, inside in re.findall(r"([\w \*]+?)\b(mcp_\w+)\s*\(([^)]*)\)\s*;", text):
        parts = [] if inside.strip() == "void" else [" ".join(part.split()) for part in inside.split(",")]
        split = [re.fullmatch(r"(.*?)(\w+)", part).groups() for part in parts]
        yield " ".join(returns.split()), name, [(" ".join(kind.split()), name) for kind, name in split]


def valid_value(function, kind, name):
    if kind == "const char *":
        return VALID_TEXTS.get(f"{function} {name}") or VALID_TEXTS[name]
    return VALID.get(f"{function} {name}") or VALID[f"{kind} {name}"]


def wrong_values(function, kind, name):
    # The call is valid without an error: it would defer a request that no one answers.
    if function.endswith("_defer") and name == "error":
        return []
    # Any number is valid, and the largest waits without limit.
    if name == "wait_ms":
        return []
    if name == "threads":
        return ["0"]
    if kind == "const char *":
        return ["NULL", "NOT_UTF8", "LONG", "LINE_BREAK"]
    if "*" in kind or kind.endswith("_fn"):
        return ["NULL"]
    if kind == "size_t" and name == "length":
        return ["SIZE_MAX - 1", "SIZE_MAX / 2"]
    return {"int32_t": ["INT32_MIN", "-1", "12345"], "int": ["-1", "12345"], "uint32_t": ["UINT32_MAX"],
            "int64_t": ["INT64_MIN", "INT64_MAX"], "uint64_t": ["UINT64_MAX"]}.get(kind, [])  # fmt: skip


def call_lines(returns, function, arguments, what, expected, client_kind):
    """The lines of C for one call with its own fixture."""
    call = f"{function}({', '.join(arguments)})"
    lines = [f'    fixture_begin(s, {client_kind}, "{function}", "{what}");']
    if "count_destroy" in arguments:
        lines.append("    s->destroy_expected = 1;")
    if returns == "mcp_status":
        lines.append(f"    fixture_end(s, {call}, {expected});")
    elif returns.startswith("mcp_client *"):
        lines.append(f"    fixture_end_client(s, {call}, {expected});")
    elif returns == "mcp_json *":
        lines.append(f"    fixture_end_json(s, {call}, {expected});")
    elif returns == "mcp_queue *":
        lines.append(f"    fixture_end_queue(s, {call}, {expected});")
    elif returns == "mcp_options *":
        lines.append(f"    fixture_end_options(s, {call});")
    else:
        lines.append(f"    (void){call};" if returns != "void" else f"    {call};")
        lines.append("    fixture_end_void(s);")
    return lines


def kind_of_client(function):
    if function in OAUTH_FUNCTIONS:
        return "URL_WITH_OAUTH"
    return "PROCESS" if function in STDIO_FUNCTIONS else "URL"


def cases(functions, selects, client_kind=None):
    lines = []
    for returns, function, parameters in functions:
        if not selects(parameters):
            continue
        if function in FREE_FUNCTIONS:
            used_kind = client_kind or kind_of_client(function)
            lines += call_lines(returns, function, ["NULL"], "nothing to free", "ANYTHING", used_kind)
            continue
        valid = [valid_value(function, kind, name) for kind, name in parameters]
        for index, (kind, name) in enumerate(parameters):
            for wrong in wrong_values(function, kind, name):
                arguments = valid[:index] + [wrong] + valid[index + 1 :]
                expected = outcome(function, name, wrong)
                used_kind = client_kind or kind_of_client(function)
                lines += call_lines(returns, function, arguments, f"{name} is {wrong}", expected, used_kind)
    return lines


def child_cases(functions):
    lines = []
    for _, function, parameters in functions:
        kinds = [kind for kind, _ in parameters]
        if "mcp_client *" not in kinds or function in FREE_FUNCTIONS:
            continue
        valid = ", ".join(valid_value(function, kind, name) for kind, name in parameters)
        lines.append(f'    child_call(s, {kind_of_client(function)}, "{function}");')
        lines.append(f"    child_check(s, {function}({valid}));")
    return lines


def takes(word):
    return lambda parameters: any(word in kind for kind, _ in parameters)


def main():
    header, symbols, output = map(Path, sys.argv[1:])
    functions = [entry for entry in prototypes(header.read_text())]
    known = {name for _, name, _ in functions}
    exports = {line.split()[0] for line in symbols.read_text().splitlines() if line and not line.startswith("#")}
    if exports != known:
        sys.exit(f"symbols.txt and the header differ: {sorted(exports ^ known)}")

    is_inside = [takes(f"{kind} *") for kind in CALLBACK_ARGUMENTS]
    outside = cases(functions, lambda parameters: not any(selects(parameters) for selects in is_inside))
    bodies = [("void run_all_cases(struct fixture *s)", outside)]
    for (kind, argument), selects in zip(CALLBACK_ARGUMENTS.items(), is_inside):
        signature = f"void run_{kind.removeprefix('mcp_')}_cases(struct fixture *s, {kind} *{argument})"
        bodies.append((signature, cases(functions, selects, "IN_CALLBACK")))
    bodies.append(("void run_child_cases(struct fixture *s)", child_cases(functions)))

    text = ["/* Generated by misuse_cases.py. */", '#include "misuse_fixture.h"', ""]
    for signature, lines in bodies:
        assert lines, f"{signature} has no calls"
        text += [signature + " {", *lines, "}", ""]
    output.write_text("\n".join(text))
    count = len([line for line in text if "_begin(" in line or "child_call(" in line])
    print(f"{len(exports)} exports, {count} calls")


main()
