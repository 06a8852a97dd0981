"""Tests layers.py: the imports that it finds in an artificial source tree, and its messages.

    python3 layers_self.py
"""

import contextlib
import io
import re
import sys
import tempfile
from pathlib import Path

import layers

# A tree without violations.
CLEAN = {
    "lib.rs": "mod call;\nmod client;\n",
    "error.rs": "use crate::log::Log;\npub struct Error(Log);\n",
    "log.rs": "pub struct Log;\n",
    "client/mod.rs": "mod tools;\npub use tools::Tool;\n"
    "use crate::call::{self, context::{CallContext, Deadline as D}};\n",
    "client/tools.rs": "pub struct Tool;\npub mod inner { pub fn f() {} }\n"
    "use crate::{error::Error, protocol::json::*};\n",
    "client/operations/mod.rs": "mod ping;\n",
    "client/operations/ping.rs": "use super::super::tools::Tool;\nuse super::*;\n",
    "call/mod.rs": "pub mod context;\n",
    "call/context.rs": "pub struct CallContext;\npub struct Deadline;\n",
    "protocol/mod.rs": "pub mod json;\n",
    "protocol/json.rs": "use crate::sys::vector::find;\nuse crate::error::Error;\nuse std::fmt::{self, Write as _};\n",
    "sys/mod.rs": "pub mod vector;\npub mod wait;\n",
    "sys/vector.rs": "pub fn find() {}\nmod neon { fn g() { super::find() } }\n",
    "sys/wait.rs": "pub struct Wait;\n",
}

# A file of net/ with all forms of invalid imports. After `// bad:` are the imports that must be reported for the line.
# The file also contains text that is not an import.
FORMS = r"""
use crate::client::tools::Tool as A; // bad: crate::client::tools::Tool
use crate::{
    error::Error,
    client::{
        tools::{self as inside, inner}, // bad: crate::client::tools, crate::client::tools::inner
    },
};
use super::super::client::operations::ping; // bad: super::super::client::operations::ping
pub(crate) use crate::http::Request; // bad: crate::http::Request
pub(in crate::client) struct Visible(pub (crate::auth::Bearer, u8)); // bad: crate::auth::Bearer
/* crate::client::Nothing /* nested */ crate::client::Nothing */
//! use crate::client::Nothing;
const RAW: &str = r#"use crate::client::Nothing; "crate::client::Nothing" \"#;
const BYTES: &[u8] = b"crate::client::Nothing \" crate::client::Nothing";
fn quotes<'a>(it: &'a str) -> [char; 3] { ['"', '\'', '\u{22}'] }
fn lifetimes<'a, T: 'a>() { crate::client::after_lifetimes::<T>() } // bad: crate::client::after_lifetimes
fn within() -> Vec<u8> {
    println!("{}", "crate::client::Nothing", super::super::client::in_macro(1)); // bad: super::super::client::in_macro
    let all = Made { size: 0, ..crate::client::after_dots() }; // bad: crate::client::after_dots
    let client = 1; client.tools(); client::other(); it.collect::<Vec<_>>()
}
#[cfg(test)]
mod tests {
    use crate::client::Nothing;
    const OPEN: char = '{';
    mod deeper { fn f() { crate::client::Nothing } }
}
#[cfg(all(test, unix))]
pub(crate) fn for_tests<T>(it: [u8; 2]) -> T where T: crate::client::Nothing { crate::client::Nothing }
#[cfg(any(test, fuzzing))]
use crate::client::{Nothing, Other};
#[cfg(test)]
mod cases;
#[cfg(test)]
const MADE: Made = Made { size: 1 }.with(crate::client::Nothing);
struct Fields {
    #[cfg(test)]
    for_tests: crate::client::Nothing,
    used: crate::client::Field, // bad: crate::client::Field
}
mod inline {
    use super::super::super::client::Client; // bad: super::super::super::client::Client
    fn f() { self::g(); super::within() }
}
#[cfg(not(test))]
use crate::client::mode; // bad: crate::client::mode
macro_rules! m { () => { $crate::client::made() } } // bad: crate::client::made
"""


# Failures that cannot be in the list of known violations.
NOT_LISTED = re.compile("does not support|does not assign|no imports found|no such cycle")


def failures(files, allowed=(), listed=""):
    """The output of layers.py for the tree, as a sorted list; an empty list if it does not fail."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {**{f"src/{file}": text for file, text in files.items()}, layers.LIST: listed}.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        code, printed = run([folder], allowed)
        expect("--update ends with", run(["--update", folder], allowed)[0], 0)
        entries = path.read_text().splitlines() if path.exists() else []
        expect("the list has each entry once, sorted", entries, sorted(set(entries)))
        expect("a second --update", run(["--update", folder], allowed)[1], ["the list is up to date"])
        rest = [line for line in printed if code and NOT_LISTED.search(line)]
        code_after, after = run([folder], allowed)
        expect("failures after --update", after if code_after else [], rest)
        return printed if code else []


def run(arguments, allowed):
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        code = layers.main(arguments, allowed)
    return code, sorted(output.getvalue().splitlines())


def expect(what, found, expected):
    if found != expected:
        print(f"{what}:\n  found:    {found}\n  expected: {expected}")
        sys.exit(1)


def tree(**changes):
    """The tree CLEAN with files added or replaced; `a__b` stands for `a/b.rs`."""
    return CLEAN | {name.replace("__", "/") + ".rs": text for name, text in changes.items()}


def check(what, expected, files, **more):
    expect(what, failures(files, **more), sorted(expected))


check("a tree without failures", [], CLEAN)

bad = []
for number, line in enumerate(FORMS.splitlines(), 1):
    for path in filter(None, line.partition("// bad: ")[2].split(", ")):
        above = "client" if "client" in path else path.split("::")[1]
        bad.append(f"src/net/forms.rs:{number}: {path}: {above} is above net")
expect("lines of FORMS with `// bad:`", len(bad), FORMS.count("// bad:") + 1)
cases = "use crate::client::Nothing;\n"
check("forms of an import", bad, tree(net__forms=FORMS, net__forms__cases=cases, http__mod="", auth__mod=""))

check(
    "a re-exported name counts as imported from the file that defines it, also with a glob",
    ["src/net/a.rs:2: super::up::Tool: client is above net", "src/net/b.rs:2: Tool: client is above net"]
    + ["src/net/up.rs:1: crate::client::Tool: client is above net"],
    tree(
        net__up="pub use crate::client::Tool;\n",
        net__a="\nuse super::up::Tool;\n",
        net__b="use super::up::*;\nfn f(up: Tool) {}\n",
        net__c="use super::up::*;\nfn f(up: Fields) { up.Tool }\n",
    ),
)

up = "src/call/context.rs:3: crate::client::Tool: "
check(
    "a cycle of two folders",
    [f"{up}client is above call", f"{up}cycle of folders: call -> client -> call"],
    tree(call__context="pub struct CallContext;\npub struct Deadline;\nuse crate::client::Tool;\n"),
)
up = "src/sys/wait.rs:1: crate::call::context::CallContext: "
check(
    "a cycle of three folders",
    [f"{up}sys may import nothing of the project", f"{up}cycle of folders: sys -> call -> protocol -> sys"],
    tree(
        sys__wait="use crate::call::context::CallContext;\n",
        call__context="pub struct CallContext;\npub struct Deadline;\nuse crate::protocol::json::Json;\n",
    ),
)

pair = {"call/a.rs": "\nuse super::b::B;\nuse super::b::C;\n", "call/b.rs": "fn f() { super::a::f() }\n"}
cycle = "src/call/a.rs:2: super::b::B: cycle of files in call: a.rs b.rs (call/a.rs -> call/b.rs -> call/a.rs)"
check("a cycle of two files", [cycle], CLEAN | pair)
check("a cycle that is allowed", [], CLEAN | pair, allowed=["call: a.rs b.rs"])
gone = "layers.py, ALLOWED_CYCLES: call: a.rs b.rs: there is no such cycle"
check("an allowed cycle that does not exist", [gone], CLEAN, allowed=["call: a.rs b.rs"])
check("a cycle that is listed", [], CLEAN | pair, listed="cycle: call: a.rs b.rs\n")

only = tree(
    net__b="use crate::fuzzing::f;\n",
    fuzzing__mod="use crate::client::Tool;\n",
    protocol__b="use crate::sys::wait::Wait;\n",
    status="use crate::protocol::json;\n",
    sys__b="use crate::log::Log;\n",
)
seen = [line.split(": ", 2) for line in failures(only) if "cycle of folders" not in line]
expect(
    "layers that may import only some of the modules below them",
    [(place, rule.split(" only")[0]) for place, _, rule in seen],
    [
        ("src/net/b.rs:1", "no layer may import from fuzzing"),
        ("src/protocol/b.rs:1", "protocol may import"),
        ("src/status.rs:1", "status may import"),
        ("src/sys/b.rs:1", "sys may import nothing of the project"),
    ],
)

check("a folder without a layer", ["src/odd: layers.py does not assign it to a layer"], tree(odd__a="fn f() {}\n"))
check(
    "unsupported syntax",
    [f"src/call/a.rs:{where}: layers.py does not support this" for where in ("1: path", "3: include")],
    tree(call__a='#[path = "b.rs"]\nmod b;\ninclude!("c.rs");\n'),
)

upward = tree(call__a="use crate::client::Tool;\n")
entry = "call/a.rs -> client/tools.rs"
check("an import that is listed", [], upward, listed=f"# comment\n{entry}\n")
fixed = "no longer a violation: remove this line (or run --update)"
message = f"{layers.LIST}:2: {entry}: {fixed}"
check("a listed import that does not exist", [message], CLEAN, listed=f"# comment\n{entry}\n")
entry = "cycle: call: a.rs b.rs"
check("a listed cycle that does not exist", [f"{layers.LIST}:1: {entry}: {fixed}"], CLEAN, listed=f"{entry}\n")
check("no imports at all", ["src/: no imports found"], {"lib.rs": "mod call;\n"})
print("layers.py passes all tests")
