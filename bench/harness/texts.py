"""The texts that clients echo. They are in files, so that all clients use the same ones."""

import json
import random
from pathlib import Path

from harness.places import BUILT

MEGABYTE = 1_000_000
# Lines of 63 characters: JSON escapes each newline.
LINE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+\n"
ASCII = "the of file and server to answer a request is in line that number with path it result for tool as by not was"
SCRIPTS = (
    "déjà vu où naïve façade straße größer übermütig señor mañana çok güzel žluťoučký kůň łódź świat "
    "Καλημέρα κόσμε γλώσσα αρχείο Привет мир строка ошибка результат Україна שלום עולם קובץ مرحبا بالعالم ملف نتيجة "
    "नमस्ते दुनिया फ़ाइल สวัสดีชาวโลก ไฟล์ 你好 世界 文件 结果 错误 服务器 こんにちは 世界 ファイル 結果 안녕하세요 세계 파일 결과 "
    "🙂 🚀 👩‍💻 ✅"
)


def files() -> dict[str, Path]:
    """Writes the texts; returns their files by kind of call."""
    folder = BUILT / "texts"
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for kind, text in texts().items():
        written[kind] = folder / kind
        written[kind].write_bytes(text)
    return written


def texts() -> dict[str, bytes]:
    return {
        "echo100": lines(100),
        "echo1M": lines(MEGABYTE),
        "json1M": document(),
        "plain1M": words(ASCII),
        "unicode1M": words(SCRIPTS),
    }


def lines(size: int) -> bytes:
    return (LINE * (size // len(LINE) + 1))[:size].encode()


class Source:
    """Random values. Only `random()` returns the same values with every version of Python."""

    def __init__(self) -> None:
        self.random = random.Random(20).random

    def below(self, end: int) -> int:
        return int(self.random() * end)

    def one_of(self, values: list[str]) -> str:
        return values[self.below(len(values))]


def words(vocabulary: str) -> bytes:
    """Words, separated by spaces: no character that JSON requires to be escaped."""
    source, known, text, size = Source(), vocabulary.split(), [], 0
    while size < MEGABYTE:
        text.append(source.one_of(known))
        size += len(text[-1].encode()) + 1
    return padded(" ".join(text))


def padded(text: str) -> bytes:
    """Exactly a megabyte: a character that would be cut is replaced by spaces."""
    return text.encode()[:MEGABYTE].decode(errors="ignore").encode().ljust(MEGABYTE)


def document() -> bytes:
    """A JSON document, such as the result of a database query. Its quotes are escaped again: one in six bytes."""
    source, known = Source(), ASCII.split()
    rows, size = [], 2
    while size < MEGABYTE - 1_000:
        row = {
            "id": source.below(10**6),
            "name": " ".join(source.one_of(known) for _ in range(4)),
            "active": source.below(2) == 0,
            "tags": [source.one_of(known) for _ in range(source.below(4))],
            "size": source.below(10**8),
        }
        if source.below(3) == 0:
            row["note"] = " ".join(source.one_of(known) for _ in range(source.below(9))) + '\n"seen"'
        rows.append(json.dumps(row, separators=(",", ":")))
        size += len(rows[-1]) + 1
    text = "[" + ",".join(rows)
    return (text + ',"' + "x" * (MEGABYTE - len(text) - 4) + '"]').encode()
