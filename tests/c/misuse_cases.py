"""Writes the C program's part that gives every export wrong arguments: misuse_cases.py HEADER SYMBOLS OUTPUT

Each parameter of each function is wrong in turn, and all others are right:

    a pointer                NULL
    a text                   bad UTF-8; a megabyte; a line break and a header
    a length                 SIZE_MAX - 1, SIZE_MAX / 2 (SIZE_MAX itself means NUL-terminated)
    int32_t (all enums)      INT32_MIN, -1, 12345
    uint32_t, int64_t        UINT32_MAX; INT64_MIN, INT64_MAX
    uint64_t                 UINT64_MAX

Nothing here is a list of functions: what the header gets tomorrow is tried tomorrow. A parameter that this does not
know a right value for ends it with an error, and so does an export that the header does not have.
"""

import re
import sys
from pathlib import Path

# --- What is right ----------------------------------------------------------------------------------------------------

# By "type name", or by "function name".
RIGHT = {
    "mcp_client * client": "s->client",
    "mcp_options * options": "s->options",
    "const mcp_options * options": "s->options",
    "mcp_cancel * cancel": "s->cancel",
    "mcp_error ** error": "&s->error",
    "const mcp_error * error": "s->kept",
    "const mcp_json * json": "s->json",
    "mcp_json_bool json": "s->truth",
    "mcp_json_int64 json": "s->number",
    "mcp_json_uint64 json": "s->number",
    "mcp_json_double json": "s->number",
    "mcp_json_copy_string json": "s->text",
    "mcp_json_copy_base64 json": "s->text",
    "const mcp_json * child": "s->json",
    "const mcp_json * result": "s->json",
    "mcp_auth_request * request": "request",
    "const mcp_auth_request * request": "request",
    "mcp_input * input": "input",
    "const mcp_input * input": "input",
    "mcp_auth_fn auth": "no_auth",
    "mcp_input_fn handler": "no_input",
    "mcp_logging_fn logging": "no_logging",
    "mcp_log_fn log": "no_log",
    "mcp_progress_fn progress": "no_progress",
    "mcp_change_fn change": "no_change",
    "mcp_destroy_fn destroy": "count_end",
    "void * userdata": "&s->ends",
    "void * cause": "&s->ends",
    "const char *const * uris": "s->uris",
    "const char *const * argv": "s->argv",
    "mcp_json ** result": "&s->result",
    "mcp_json ** page": "&s->result",
    "mcp_json ** info": "&s->result",
    "mcp_json ** task": "&s->result",
    "mcp_json ** names": "&s->result",
    "mcp_json ** servers": "&s->result",
    "bool * value": "&s->flag",
    "int64_t * value": "&s->whole",
    "uint64_t * value": "&s->natural",
    "double * value": "&s->real",
    "char * buffer": "s->buffer",
    "void * buffer": "s->buffer",
    "size_t capacity": "sizeof s->buffer",
    "size_t * length": "&s->length",
    "size_t length": "SIZE_MAX",
    "size_t index": "0",
    "uint32_t changes": "MCP_CHANGE_TOOLS",
    "int32_t limit": "MCP_LIMIT_MESSAGE",
    "int32_t transport": "MCP_TRANSPORT_STREAMABLE_HTTP",
    "int32_t status": "MCP_OK",
    "uint64_t bytes": "0",
    "uint64_t timeout_ms": "5000",
    "int64_t code": "-1",
    "bool wanted": "true",
    "bool required": "true",
    "bool verify": "true",
}

# Texts by their name, or by "function name". s->edge is "{}" in front of memory that cannot be read.
TEXTS = {
    "url": "s->url",
    "mcp_set_proxy url": '""',
    "token": '"token"',
    "name": '"echo"',
    "mcp_set_header name": '"X-Name"',
    "mcp_options_set_header name": '"X-Name"',
    "mcp_auth_request_set_header name": '"X-Name"',
    "mcp_set_client_info name": '"misuse"',
    "value": '"value"',
    "version": '"2025-11-25"',
    "arguments": "s->edge",
    "params": "s->edge",
    "responses": "s->edge",
    "content": "s->edge",
    "meta": "s->edge",
    "context": '"{}"',
    "result": "s->edge",
    "text": "s->edge",
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

# They take NULL and no wrong argument besides.
ENDS = {"mcp_client_free", "mcp_options_free", "mcp_cancel_free", "mcp_error_free", "mcp_json_free"}

# About a server that is a process.
OF_A_PROCESS = {"mcp_set_environment", "mcp_set_working_directory", "mcp_set_stderr_file"}

# --- What it comes to -------------------------------------------------------------------------------------------------

# Where NULL has a meaning, by "name" or "function name"; elsewhere it is MCP_INVALID_ARGUMENT.
MAY_BE_NULL = {
    "error", "options", "userdata", "destroy", "cause", "cursor", "arguments", "params", "context", "meta", "content",
    "uris", "auth", "handler", "logging", "log", "progress",
    "mcp_set_bearer token", "mcp_set_header value", "mcp_options_set_header value", "mcp_set_environment value",
    "mcp_auth_request_set_bearer token", "mcp_auth_request_set_header value",
    "mcp_set_protocol_version version", "mcp_set_proxy url", "mcp_set_unix_socket path", "mcp_set_tls_ca_file path",
    "mcp_set_tls_client_cert key_path", "mcp_set_working_directory path", "mcp_set_stderr_file path",
    "mcp_options_set_cancel cancel", "mcp_client_new_from_config name",
    "mcp_json_copy_string length", "mcp_json_copy_base64 length",
}  # fmt: skip
# Options that are set are no options of a call.
MUST_NOT_BE_NULL = re.compile(r"mcp_listen change|mcp_options_set_\w+ options")

# Where a line break cannot be.
NO_LINES = {
    "url", "token", "level", "mcp_set_protocol_version version", "mcp_set_header name", "mcp_set_header value",
    "mcp_options_set_header name", "mcp_options_set_header value", "mcp_auth_request_set_header name",
    "mcp_auth_request_set_header value",
}  # fmt: skip

# A value that is not there is a mismatch.
MISMATCH = {"json"}


def outcome(function, name, wrong):
    """What a wrong argument has to come to, in the words of misuse_scene.h."""
    key = f"{function} {name}"
    if wrong == "NULL":
        if MUST_NOT_BE_NULL.fullmatch(key):
            return "REFUSED"
        if name in MISMATCH:
            return "MISMATCHED"
        return "ANYTHING" if key in MAY_BE_NULL or name in MAY_BE_NULL else "REFUSED"
    if wrong in ("NOT_UTF8", "SIZE_MAX - 1", "SIZE_MAX / 2", "INT32_MIN", "-1", "12345", "UINT32_MAX"):
        return "REFUSED"
    if wrong == "LINES" and (key in NO_LINES or name in NO_LINES):
        return "REFUSED"
    return "ANYTHING"


# --- The program ------------------------------------------------------------------------------------------------------


def prototypes(header):
    """Each function of the header: what it gives, its name, and its parameters as (type, name)."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", header, flags=re.S)
    text = re.sub(r"^\s*#.*(?:\\\n.*)*$", "", text, flags=re.M)
    text = re.sub(r"typedef[^;{]*\([^;]*;", "", text).replace("MCP_NONNULL", "")
    for gives, name, inside in re.findall(r"([\w \*]+?)\b(mcp_\w+)\s*\(([^)]*)\)\s*;", text):
        parts = [] if inside.strip() == "void" else [" ".join(part.split()) for part in inside.split(",")]
        split = [re.fullmatch(r"(.*?)(\w+)", part).groups() for part in parts]
        yield " ".join(gives.split()), name, [(" ".join(kind.split()), name) for kind, name in split]


def right(function, kind, name):
    if kind == "const char *":
        return TEXTS.get(f"{function} {name}") or TEXTS[name]
    return RIGHT.get(f"{function} {name}") or RIGHT[f"{kind} {name}"]


def wrongs(function, kind, name):
    if kind == "const char *":
        return ["NULL", "NOT_UTF8", "LONG", "LINES"]
    if "*" in kind or kind.endswith("_fn"):
        return ["NULL"]
    if kind == "size_t" and name == "length":
        return ["SIZE_MAX - 1", "SIZE_MAX / 2"]
    return {"int32_t": ["INT32_MIN", "-1", "12345"], "uint32_t": ["UINT32_MAX"], "int64_t": ["INT64_MIN", "INT64_MAX"],
            "uint64_t": ["UINT64_MAX"]}.get(kind, [])  # fmt: skip


def written(gives, function, arguments, what, expected, scene):
    """One call, in a scene of its own."""
    call = f"{function}({', '.join(arguments)})"
    lines = [f'    scene_begin(s, {scene}, "{function}", "{what}");']
    if "count_end" in arguments:
        lines.append("    s->ends_wanted = 1;")
    if gives == "mcp_status":
        lines.append(f"    scene_end(s, {call}, {expected});")
    elif gives.startswith("mcp_client *"):
        lines.append(f"    scene_made(s, {call}, {expected});")
    elif gives == "mcp_json *":
        lines.append(f"    scene_parsed(s, {call}, {expected});")
    else:
        lines.append(f"    (void){call};" if gives != "void" else f"    {call};")
        lines.append("    scene_over(s);")
    return lines


def scene_of(function):
    return "PROCESS" if function in OF_A_PROCESS else "URL"


def cases(functions, holds, scene=None):
    lines = []
    for gives, function, parameters in functions:
        if not holds(parameters):
            continue
        if function in ENDS:
            lines += written(gives, function, ["NULL"], "nothing to free", "ANYTHING", scene_of(function))
            continue
        given = [right(function, kind, name) for kind, name in parameters]
        for place, (kind, name) in enumerate(parameters):
            for wrong in wrongs(function, kind, name):
                arguments = given[:place] + [wrong] + given[place + 1 :]
                expected = outcome(function, name, wrong)
                where = scene or scene_of(function)
                lines += written(gives, function, arguments, f"{name} is {wrong}", expected, where)
    return lines


def in_a_child(functions):
    lines = []
    for _, function, parameters in functions:
        kinds = [kind for kind, _ in parameters]
        if "mcp_client *" not in kinds or function in ENDS:
            continue
        given = ", ".join(right(function, kind, name) for kind, name in parameters)
        lines.append(f'    child_call(s, {scene_of(function)}, "{function}");')
        lines.append(f"    child_check(s, {function}({given}));")
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

    is_auth, is_input = takes("mcp_auth_request *"), takes("mcp_input *")
    outside = cases(functions, lambda parameters: not is_auth(parameters) and not is_input(parameters))
    inside_auth, inside_input = cases(functions, is_auth, "INSIDE"), cases(functions, is_input, "INSIDE")
    child = in_a_child(functions)
    tried = len(
        [line for line in outside + inside_auth + inside_input + child if "_begin(" in line or "child_call(" in line]
    )
    text = ["/* Made by misuse_cases.py. */", '#include "misuse_scene.h"', ""]
    for signature, lines in [
        ("void try_all(struct scene *s)", outside),
        ("void try_auth_request(struct scene *s, mcp_auth_request *request)", inside_auth),
        ("void try_input(struct scene *s, mcp_input *input)", inside_input),
        ("void try_in_a_child(struct scene *s)", child),
    ]:
        text += [signature + " {", *lines, "}", ""]
    output.write_text("\n".join(text))
    print(f"{len(exports)} exports, {tried} calls")


main()
