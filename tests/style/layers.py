"""Checks that each file of `src/` imports only from its own layer and from lower layers.

    python3 tests/style/layers.py [--update | --summary] [REPOSITORY]

A failure is reported as one line: the position of an import, the import, and the rule. `tests/style/layers_open.txt`
lists known violations (imports, and cycles of files) that are not fixed yet. A violation that is not listed is a
failure, and so is a listed violation that no longer exists. `--update` rewrites the list and prints the changes;
`--summary` prints the imports between folders.

An import is a `use` or a path in code, also in the arguments of a macro. A re-exported name counts as imported from the
file that defines it. Method calls are not detected. Code for tests and fuzzing only (`#[cfg(test)]`) is ignored.
"""

import re
import sys
from collections import defaultdict, namedtuple
from pathlib import Path

# The folders of src/, from top to bottom. A folder may import from the folders below it.
LAYERS = (
    "ffi", "queue", "client", "config", "session", "rpc", "transport", "auth", "http", "net", "call", "protocol", "sys",
)  # fmt: skip
# All layers above sys may import from these.
SHARED = ("error", "status", "log", "sanitize", "trace")
# Files and folders to which the rules do not apply. No layer may import from them.
BESIDE = ("lib", "fuzzing", "benching")
# Layers that may import only some of the modules below them.
ONLY = {"sys": (), "protocol": ("sys::vector", "sys::lock", "sys::short", "sys::text", *SHARED)}
ONLY.update({name: ("sys", *SHARED) for name in SHARED})
# Permitted cycles of files: {"folder: a.rs b.rs": "the reason"}.
ALLOWED_CYCLES = {}

LIST = "tests/style/layers_open.txt"
HEADER = "# Known violations of the rules in layers.py. Written by `layers.py --update`.\n"

TOKEN = re.compile(
    r"""(?xs) (?P<space>\s+|//[^\n]*) | (?P<comment>/\*) | (?P<raw>[bc]?r(?P<hashes>\#*)")
    | (?P<string>[bc]?"(?:[^"\\]|\\.)*" | b?'(?:[^'\\\n]|\\(?:u\{[^}]*\}|x..|.))') | (?P<lifetime>'\w+)
    | (?P<name>(?:r\#)?[^\W\d]\w*) | (?P<other>\d\w*|::|\.\.|.)"""
)
# An attribute that excludes code from a normal build of the library.
LEFT_OUT = re.compile(r"cfg\((test|fuzzing|all\(test,.*\)|any\((test|fuzzing)(,(test|fuzzing))*,?\))\)$")
NAME = re.compile(r"[^\W\d]\w*$")
OPENING, CLOSING = ("(", "[", "{"), (")", "]", "}")
DEFINES = ("fn", "struct", "enum", "trait", "type", "const", "static", "union")
# Keywords with which an item may begin, and those whose items end with a semicolon instead of a brace.
ITEMS = (*DEFINES, "use", "mod", "impl", "unsafe", "async", "extern", "let", "macro_rules")
STATEMENTS = ("use", "let", "type", "static", "const")

Import = namedtuple("Import", "source line text target")


def tokenize(text, strings=False):
    """The tokens with their line numbers, without comments and lifetimes. Each string is `""`, unless `strings`."""
    tokens, at, line = [], 0, 1
    while at < len(text):
        match = TOKEN.match(text, at)
        kind, end = match.lastgroup, match.end()
        if kind == "comment":
            depth = 1
            while depth:
                edge = re.compile(r"/\*|\*/").search(text, end)
                depth, end = depth + (1 if edge.group() == "/*" else -1), edge.end()
        elif match["raw"]:
            close = '"' + match["hashes"]
            end = text.index(close, end) + len(close)
        if match["raw"] or kind == "string":
            tokens.append((text[at:end] if strings else '""', line))
        elif kind in ("name", "other"):
            tokens.append((match.group().removeprefix("r#"), line))
        line, at = line + text.count("\n", at, end), end
    return tokens + [("", line)] * 3  # so that look-ahead stays within the list


def closing(tokens, at):
    """The index of the bracket that closes the bracket at `at`."""
    depth = 0
    for place in range(at, len(tokens)):
        depth += (tokens[place][0] in OPENING) - (tokens[place][0] in CLOSING)
        if depth == 0:
            return place
    raise ValueError(f"line {tokens[at][1]}: a bracket is not closed")


def after_item(tokens, at):
    """The index after the item, field or statement at `at`, and the name of the module if it is `mod name;`."""
    while tokens[at][0] in ("#", "pub", "("):  # other attributes, visibility
        at += tokens[at][0] != "("
        at = closing(tokens, at) + 1 if tokens[at][0] in ("[", "(") else at
    word, following = tokens[at][0], tokens[at + 1][0]
    declared = following if word == "mod" and tokens[at + 2][0] == ";" else None
    is_statement = word in STATEMENTS and following not in ("fn", "unsafe", "async", "extern")
    while tokens[at][0] not in (*CLOSING, ""):
        text = tokens[at][0]
        at = closing(tokens, at) + 1 if text in OPENING else at + 1
        if text == ";" or text == "{" and not is_statement or text == "," and word not in ITEMS:
            break
    return at, declared


class Module:
    def __init__(self, file):
        self.file, self.uses, self.globs, self.defines, self.names = file, {}, [], set(), {}


class Tree:
    """The modules of src/, and the imports of each file."""

    def __init__(self, src):
        self.tests, self.paths, self.problems = set(), [], []
        texts = {path.relative_to(src).as_posix(): path.read_text() for path in sorted(src.rglob("*.rs"))}
        self.lines = {file: text.count("\n") for file, text in texts.items()}
        homes = {file: tuple(part for part in file[:-3].split("/") if part not in ("mod", "lib")) for file in texts}
        folders = {home[:size] for home in homes.values() for size in range(len(home))}
        self.modules = {home: Module("/".join((*home, "mod.rs"))) for home in folders}
        self.modules.update((home, Module(file)) for file, home in homes.items())
        for file, home in homes.items():
            self.parse(file, home, tokenize(texts[file]))
        self.imports = self.find_imports()

    def parse(self, file, home, tokens):
        stack, depth, at = [(home, 0)], 0, 0
        while tokens[at][0]:
            (text, line), following, here = tokens[at], tokens[at + 1][0], stack[-1][0]
            module, start = self.modules[here], at
            bracket = at + 1 + (following == "!")
            if text == "#" and tokens[bracket][0] == "[":
                end = closing(tokens, bracket)
                if LEFT_OUT.match("".join(token for token, _ in tokens[bracket + 1 : end])):
                    at, declared = (end + 1, "") if following == "!" else after_item(tokens, end + 1)
                    if declared is not None:
                        self.tests.add((*here, declared) if declared else here)
                    continue
            elif text == "mod" and tokens[at + 2][0] == "{":
                stack.append(((*here, following), depth))
                self.modules.setdefault(stack[-1][0], Module(file))
                at += 1
            elif text in ("{", "}"):
                depth += 1 if text == "{" else -1
                if len(stack) > 1 and depth == stack[-1][1]:
                    stack.pop()
            elif text == "use" and following != "<":
                at = self.parse_use(file, here, tokens, at + 1, [])
            elif (text, following) == ("include", "!") or (tokens[at - 1][0], text, following) == ("[", "path", "="):
                self.problems.append(f"src/{file}:{line}: {text}: layers.py does not support this")
            elif NAME.match(text) and tokens[at - 1][0] not in ("::", "."):
                while tokens[at + 1][0] == "::" and NAME.match(tokens[at + 2][0]):
                    at += 2
                names = [name for name, _ in tokens[start : at + 1 : 2]]
                if len(names) > 1 and [name for name, _ in tokens[start - 3 : start]] != ["pub", "(", "in"]:
                    self.paths.append((file, here, names, line))
                elif text in DEFINES or text == "macro_rules":
                    module.defines.add(tokens[at + 1 + (following == "!")][0])
                else:
                    module.names.setdefault(text, line)
            at += 1

    def parse_use(self, file, here, tokens, at, prefix):
        """Parses one branch of a `use`; returns the index of the token after it."""
        module, names, line = self.modules[here], list(prefix), tokens[at][1]
        if tokens[at][0] in (",", "}"):
            return at
        while tokens[at][0] not in (",", ";", "}", ""):
            text, line = tokens[at]
            if text == "{":
                while tokens[at][0] != "}":
                    at = self.parse_use(file, here, tokens, at + 1, names)
                return at + 1
            if text == "as":
                break
            if text == "*":
                module.globs.append(names)
            elif text != "::" and not (text == "self" and names):
                names.append(text)
            at += 1
        name = names[-1] if names else ""
        if tokens[at][0] == "as":
            name, at = tokens[at + 1][0], at + 2
        if tokens[at - 1][0] != "*" and name not in ("_", "crate", "super", "self"):
            module.uses[name] = names
        self.paths.append((file, here, names, line))
        return at

    def resolve(self, here, names, seen=frozenset()):
        """The module to which the path leads, and the rest of the path; None for paths outside this project."""
        if names[0] not in ("crate", "self", "super"):
            return self.member(here, names, seen)
        while names and names[0] in ("crate", "self", "super"):
            here, names = {"crate": (), "self": here, "super": here[:-1]}[names[0]], names[1:]
        return names and self.member(here, names, seen) or (here, names)

    def member(self, here, names, seen=frozenset()):
        name, rest = names[0], names[1:]
        if (here, name) in seen:
            return None
        seen, module = seen | {(here, name)}, self.modules[here]
        if (*here, name) in self.modules:
            return self.resolve((*here, name), ["self", *rest], seen)
        if name in module.uses:
            return self.resolve(here, module.uses[name] + rest, seen)
        if name in module.defines:
            return here, names
        ends = (self.resolve(here, glob, seen) for glob in module.globs)
        found = (self.member(end[0], names, seen) for end in ends if end and not end[1])
        return next(filter(None, found), None)

    def is_test(self, home):
        """Whether a module, or one around it, is for tests and fuzzing only."""
        return any(home[:size] in self.tests for size in range(len(home) + 1))

    def find_imports(self):
        """All names that a file imports, each with the first line that imports it."""
        paths = [(path, self.resolve(path[1], path[2])) for path in self.paths]
        for here, module in self.modules.items():  # names that are imported by `use a::*`
            for name, line in module.names.items():
                paths.append(((module.file, here, [name], line), self.member(here, [name])))
        found = {}
        for (file, here, names, line), end in sorted(paths, key=lambda path: path[0][3]):
            is_test = self.is_test(here)
            if end and (end[1] or len(names) > 1) and self.modules[end[0]].file != file and not is_test:
                item = "::".join((*end[0], *end[1][:1]))
                found.setdefault((file, item), Import(file, line, "::".join(names), self.modules[end[0]].file))
        return sorted(found.values())


def layer(file):
    """The folder (or the file without a folder) of src/ to which a file belongs."""
    return file.split("/")[0].removesuffix(".rs")


def group(file):
    return "shared" if layer(file) in SHARED else layer(file)


def broken_rule(found):
    above, below = layer(found.source), layer(found.target)
    if above == below or above in BESIDE:
        return None
    if below in BESIDE:
        return f"no layer may import from {below}"
    if above in ONLY:
        module = found.target.removesuffix(".rs").removesuffix("/mod").replace("/", "::")
        if any(f"{module}::".startswith(f"{allowed}::") for allowed in ONLY[above]):
            return None
        permitted = f"only from {', '.join(ONLY[above])}" if ONLY[above] else "nothing of the project"
        return f"{above} may import {permitted}"
    if below in SHARED or not {above, below} <= set(LAYERS) or LAYERS.index(above) < LAYERS.index(below):
        return None
    return f"{below} is above {above}"


def shortest(edges, start, goal):
    """The shortest path along the edges, from `start` to `goal`; None if there is none."""
    paths, seen = [[start]], set()
    for path in paths:
        for following in sorted(edges[path[-1]] - seen):
            if following == goal:
                return [*path, goal]
            seen.add(following)
            paths.append([*path, following])


def cycles(edges):
    """The sets of nodes that can reach each other, as sorted lists."""
    reached = {node: set(following) for node, following in edges.items()}
    for middle in reached:
        for following in reached.values():
            following |= reached[middle] if middle in following else set()
    sets = {tuple(sorted(n for n in reached[node] if node in reached.get(n, ()))) for node in reached}
    return sorted(list(each) for each in sets if each)


def graph(pairs):
    edges = defaultdict(set)
    for source, target in pairs:
        edges[source].add(target)
    return edges


def cycles_of_files(tree):
    """{the cycle as in the list: (its first import, its shortest path)}"""
    inside = [found for found in tree.imports if group(found.source) == group(found.target) not in BESIDE]
    edges, result = graph((found.source, found.target) for found in inside), {}
    for files in cycles(edges):
        folder = group(files[0])
        first = next(found for found in inside if found.source in files and found.target in files)
        key = f"{folder}: " + " ".join(file.removeprefix(f"{folder}/") for file in files)
        result[key] = first, " -> ".join([first.source, *shortest(edges, first.target, first.source)])
    return result


def check(tree, listed, allowed):
    """The failures, and the entries that the list must contain. `listed` is {entry: the position of its line}."""
    unknown = {layer(file) for file in tree.lines} - {*LAYERS, *SHARED, *BESIDE}
    wrong = tree.problems + [f"src/{name}: layers.py does not assign it to a layer" for name in sorted(unknown)]
    entries = [(found, f"{found.source} -> {found.target}") for found in tree.imports]
    between = graph((group(found.source), group(found.target)) for found, entry in entries if entry not in listed)
    needed, closed = {entry for found, entry in entries if broken_rule(found)}, set()
    for found, entry in entries:
        if entry not in needed or entry in listed:
            continue
        place, pair = f"src/{found.source}:{found.line}: {found.text}", (group(found.source), group(found.target))
        wrong.append(f"{place}: {broken_rule(found)}")
        path = pair not in closed and shortest(between, pair[1], pair[0])
        if path:
            closed.add(pair)
            wrong.append(f"{place}: cycle of folders: {' -> '.join([pair[0], *path])}")
    existing = cycles_of_files(tree)
    for key, (found, path) in existing.items():
        if key not in allowed:
            needed.add(f"cycle: {key}")
            if f"cycle: {key}" not in listed:
                wrong.append(f"src/{found.source}:{found.line}: {found.text}: cycle of files in {key} ({path})")
    wrong += [f"layers.py, ALLOWED_CYCLES: {key}: there is no such cycle" for key in allowed if key not in existing]
    fixed = "no longer a violation: remove this line (or run --update)"
    return wrong + [f"{listed[entry]}: {entry}: {fixed}" for entry in listed if entry not in needed], needed


def summary(tree):
    between, names = defaultdict(list), {group(file) for file in tree.lines}
    for found in tree.imports:
        if group(found.source) != group(found.target):
            between[group(found.source), group(found.target)].append(found)
    print("folder: lines, files")
    for name in sorted(names, key=(*LAYERS, "shared", *BESIDE, *names).index):
        counts = [count for file, count in tree.lines.items() if group(file) == name]
        print(f"  {name:10} {sum(counts):6} {len(counts):4}")
    print("imports between folders: names, pairs of files")
    for (source, target), imports in sorted(between.items()):
        broken, pairs = sum(map(bool, map(broken_rule, imports))), {(found.source, found.target) for found in imports}
        violations = f"  {broken} break a rule" if broken else ""
        print(f"  {source:10} -> {target:10} {len(imports):4} {len(pairs):4}{violations}")
    print("cycles of folders", *(f"  {len(each)}: {' '.join(each)}" for each in cycles(graph(between))), sep="\n")
    print("cycles of files", *(f"  {len(key.split()) - 1} in {key}" for key in cycles_of_files(tree)), sep="\n")


def main(arguments, allowed=ALLOWED_CYCLES):
    rest = [argument for argument in arguments if not argument.startswith("--")]
    repository = Path(rest[0]) if rest else Path(__file__).resolve().parents[2]
    tree, path = Tree(repository / "src"), repository / LIST
    if "--summary" in arguments:
        return summary(tree)
    lines = path.read_text().splitlines() if path.exists() else []
    listed = {line: f"{LIST}:{n}" for n, line in enumerate(lines, 1) if line and not line.startswith("#")}
    wrong, needed = check(tree, listed, allowed)
    if "--update" in arguments:
        path.write_text(HEADER + "".join(f"{entry}\n" for entry in sorted(needed)))
        if not needed:
            path.unlink()
        changes = [("+ " if entry in needed else "- ") + entry for entry in sorted(needed ^ set(listed))]
        print("\n".join(changes) or "the list is up to date")
        return 0
    wrong += [] if tree.imports else ["src/: no imports found"]
    summed = f"{len(tree.lines)} files import {len(tree.imports)} names; {len(needed)} known violations"
    print("\n".join(wrong) or summed)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
