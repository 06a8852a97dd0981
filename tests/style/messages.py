"""Checks the texts that the library shows to people: error messages and log lines.

    python3 tests/style/messages.py [--update] [REPOSITORY]

`tests/style/messages.txt` lists them all, so that a review shows each change of a message. `--update` rewrites it. No
message may break a line, name a type of `src/`, or use a word that `words.py` refuses.

A message is a string with at least two words in code that users run: not in `#[cfg(test)]`, not in code that only
fuzzing and benchmarks use, and neither JSON nor HTTP.
"""

import re
import sys
from pathlib import Path

from layers import BESIDE, LEFT_OUT, Tree, after_item, closing, layer, tokenize
from type_names import declared
from words import avoided_words

LIST = "tests/style/messages.txt"
HEADER = "# Every error message and log line of the library. Written by `messages.py --update`.\n"

STRING = re.compile(r'[bc]?r?(#*)"(.*)"\1', re.DOTALL)
# A backslash at the end of a line: Rust leaves out the line break and the indentation.
CONTINUED = re.compile(r"\\\n\s*")
PLACEHOLDER = re.compile(r"\{[^{}]*\}")
TWO_WORDS = re.compile(r"[a-z)},:;'\"]\s+(?:[a-z({'\"]|\w)")
# What only developers see.
DEVELOPERS = ("panic", "assert", "assert_eq", "assert_ne", "debug_assert", "debug_assert_eq", "unreachable", "expect")
# A name of two words or more, such as PendingRequests.
INNER_NAME = re.compile(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b")


def string_value(token):
    match = STRING.fullmatch(token)
    if not match:
        return None
    text = CONTINUED.sub("", match.group(2))
    return text if match.group(1) or token.lstrip("bc").startswith("r") else text.replace('\\"', '"')


def strings_of(text):
    """The strings in code that users run, in order."""
    tokens, at = tokenize(text, strings=True), 0
    while tokens[at][0]:
        word, following = tokens[at][0], tokens[at + 1][0]
        bracket = at + 1 + (following == "!")
        if word == "#" and tokens[bracket][0] == "[":
            end = closing(tokens, bracket)
            at = end + 1
            if LEFT_OUT.match("".join(token for token, _ in tokens[bracket + 1 : end])):
                if following == "!":
                    return
                at, _ = after_item(tokens, at)
        elif word in DEVELOPERS and following in ("!", "("):
            at = closing(tokens, at + 1 + (following == "!")) + 1
        else:
            if (value := string_value(word)) is not None:
                yield value
            at += 1


def is_message(text):
    is_json, is_http = text.lstrip("{").startswith('"') or '":' in text, "\\r\\n" in text
    return bool(TWO_WORDS.search(text)) and not is_json and not is_http


def problems(message, types):
    shown = PLACEHOLDER.sub("", message)
    if re.search(r"\n|\\n|\\r", message):
        yield "breaks a line"
    for name in INNER_NAME.findall(shown):
        if name in types:
            yield f"names the type {name}"
    yield from avoided_words(message)


def find(texts):
    """The list of all messages, and the failures. `texts` is {path inside src: text}, without files of tests."""
    types = {name for text in texts.values() for name in declared(text)}
    lines, wrong = [], []
    for path, text in texts.items():
        if layer(path) in BESIDE:
            continue
        for message in dict.fromkeys(filter(is_message, strings_of(text))):
            lines.append(f"{path}: {message}".replace("\n", "\\n"))
            wrong += [f'src/{path}: "{message}" {problem}' for problem in problems(message, types)]
    return lines, wrong


def main(arguments):
    rest = [argument for argument in arguments if not argument.startswith("--")]
    repository = Path(rest[0]) if rest else Path(__file__).resolve().parents[2]
    src, path = repository / "src", repository / LIST
    tree = Tree(src)
    files = {module.file for home, module in tree.modules.items() if not tree.is_test(home)}
    paths = sorted(file for file in files if (src / file).is_file())
    lines, wrong = find({path: (src / path).read_text() for path in paths})
    if "--update" in arguments:
        path.write_text(HEADER + "".join(f"{line}\n" for line in lines))
    listed = path.read_text().splitlines()[1:]
    wrong += [f"{LIST} lacks: {line}" for line in lines if line not in listed]
    wrong += [f"{LIST} has too much: {line}" for line in listed if line not in lines]
    print("\n".join(wrong) or f"{len(lines)} messages")
    return 1 if wrong or len(lines) < 300 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
