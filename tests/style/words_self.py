"""Checks words.py and messages.py: each rule is broken once, and must be reported."""

import sys

import messages
import words

FINE = 'fn f() -> Error {\n    // The caller waits here.\n    error("the server closed the connection")\n}\n'

# What is added to a file, and a part of the failure.
WORDS = {
    "// Nobody waits here.": '"Nobody": write',
    "// It is sent\tfor  ever.": '"for  ever": write forever',
    "fn mend() {}": '"mend": write fix',
    "let the_guest = 1;": '"guest": write',
    f"// {'word ' * 24}end": "126 columns, at most 120 are allowed",
    "// commend, mender, toying, lanesize: parts of other words": None,
    f"// {'x' * 130}": None,
    f"// see https://example.com/{'x' * 120}": None,
    f"| {'cell ' * 30} |": None,
}

# Code, and a part of the failure; None where it is fine or not a message.
MESSAGES = {
    'error("the server\\n closed it")': "breaks a line",
    'error("the PendingRequests are gone")': "names the type PendingRequests",
    'error("the request {} of nobody")': '"nobody": write',
    'error(r#"the "guest" closed it"#)': '"guest": write',
    'error("the server \\\n        whatever it closed")': '"whatever": write any',
    'error("the StreamableHttp transport, which is no type")': None,
    'error("PendingRequests")': None,
    'assert!(x, "nobody may do this")': None,
    '#[cfg(test)]\nmod tests {\n    const X: &str = "nobody reads this";\n}': None,
    '"{\\"text\\": \\"of nobody\\"}"': None,
    '"GET /of/nobody HTTP/1.1\\r\\nHost: x"': None,
}


def differences():
    for line, expected in WORDS.items():
        found = words.check({"a.rs": f"{FINE}{line}\n"}, {})
        if not (any(expected in failure for failure in found) if expected else not found):
            yield f"words.py: {line!r}: {found}"
    allowed = {("a.rs", "// Nobody."): "list:1", ("a.rs", "// Somebody."): "list:2"}
    if (found := words.check({"a.rs": "    // Nobody.\n"}, allowed)) != ["list:2: this line allows nothing any more"]:
        yield f"words.py: the list: {found}"
    for code, expected in MESSAGES.items():
        lines, found = messages.find({"call/a.rs": f"{FINE}struct PendingRequests;\nfn g() {{ {code} }}\n"})
        if not (any(expected in failure for failure in found) if expected else not found):
            yield f"messages.py: {code!r}: {found}"
        if "call/a.rs: the server closed the connection" not in lines:
            yield f"messages.py: {code!r}: {lines}"


wrong = list(differences())
print("\n".join(wrong) or f"{len(WORDS) + len(MESSAGES)} cases")
sys.exit(1 if wrong else 0)
