"""Checks the wording of the repository's own texts: words that hide what happens, and lines that are too wide.

    python3 tests/style/words.py [REPOSITORY]

Comments, documents, code and messages are checked alike. `tests/style/words_allowed.txt` lists the lines that may break
a rule, each with its reason; a line of the list that allows nothing any more is a failure.
"""

import re
import subprocess
import sys
from pathlib import Path

WIDTH = 120
CODE = (".rs", ".c", ".h", ".hpp", ".cpp", ".py", ".go", ".swift", ".ts", ".mjs")
ENDINGS = (*CODE, ".md", ".cmake", ".in", ".toml", ".sh")
NAMES = ("CMakeLists.txt", "test", "run")
# They contain the avoided words; only their width is checked.
NAMES_WORDS = ("tests/style/words.py", "tests/style/words_self.py")
# Lines that may be wider: rows of tables in Markdown, and lines with a word that cannot be wrapped, such as a URL.
WIDE = re.compile(r"\s*\|.*|.*\S{80}.*")

# A word, and what to write in its place.
AVOIDED = {
    "nobody": "no thread, no caller, no one: name it",
    "somebody": "name who it is",
    "anybody": "name who it is",
    "everybody": "name who it is",
    "whoever": "name who it is",
    "whatever": "any",
    "of its own": "separate, dedicated",
    "of their own": "separate, dedicated",
    "of one's own": "custom",
    "by itself": "say what causes it",
    "see the module": "a doc comment stands alone",
    "anew": "again; re-create, re-establish",
    "for ever": "forever",
    "farewell": "best effort",
    "is to be had": "is available",
    "whereupon": "then",
    "wherefrom": "from where",
    "thereof": "of it",
    "mend": "fix",
    "mends": "fixes",
    "mended": "fixed",
    "storm": "say what happens often",
    "guest": "the library, in the host process",
    "toy": "say what it lacks",
    "toys": "say what they lack",
    "lane": "pooled connection",
    "lanes": "pooled connections",
    "setback": "error",
}
ANY_AVOIDED = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in AVOIDED)
WORDS = re.compile(rf"(?<![A-Za-z])({ANY_AVOIDED})(?![A-Za-z])", re.I)


def is_checked(path):
    name = path.rsplit("/", 1)[-1]
    return name.endswith(ENDINGS) or name in NAMES


def avoided_words(text):
    """What to write instead of each avoided word in a text."""
    for match in WORDS.finditer(text):
        yield f'"{match.group(1)}": write {AVOIDED[" ".join(match.group(1).lower().split())]}'


def problems(path, text):
    """The lines of one file that break a rule: (what is wrong, the line's number, the line)."""
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if len(line) > WIDTH and not WIDE.fullmatch(line):
            yield f"{len(line)} columns, at most {WIDTH} are allowed", number, line
        if path not in NAMES_WORDS:
            yield from ((what, number, line) for what in avoided_words(line))


def allowed_lines(path):
    """{(file, the line without its indentation): the place in the list}"""
    result = {}
    for number, line in enumerate(path.read_text().split("\n"), 1):
        if line and not line.startswith("#"):
            file, _, text = line.partition(": ")
            result[file, text.strip()] = f"{path.name}:{number}"
    return result


def check(texts, allowed):
    """`texts` is {path: text}. The failures, one line each."""
    unused, wrong = dict(allowed), []
    for path, text in texts.items():
        for what, number, line in problems(path, text):
            if (path, line.strip()) in allowed:
                unused.pop((path, line.strip()), None)
            else:
                wrong.append(f"{path}:{number}: {what}")
    return wrong + [f"{place}: this line allows nothing any more" for place in unused.values()]


def main(arguments):
    repository = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[2]
    command = ["git", "-C", repository, "ls-files"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    paths = [path for path in listed if is_checked(path) and (repository / path).is_file()]
    texts = {path: (repository / path).read_text() for path in paths}
    wrong = check(texts, allowed_lines(repository / "tests/style/words_allowed.txt"))
    print("\n".join(wrong) or f"{len(paths)} files")
    return 1 if wrong or len(paths) < 500 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
