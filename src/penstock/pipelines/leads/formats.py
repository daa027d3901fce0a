"""What kind of file the first bytes show. The name of a file says nothing: people rename, and browsers guess."""

from __future__ import annotations

import json
import re
from typing import Any, Literal

from penstock.pipelines.leads.text import encoding
from penstock.pipelines.leads.unreadable import unreadable

HEAD_BYTES = 1024 * 1024
Format = Literal["json_array", "json_lines", "json_stream", "delimited", "excel", "gzip"]
MEND = "give a JSON array, one JSON object a line, CSV, or an Excel workbook (.xlsx)"
REFUSED: tuple[tuple[bytes, str, str], ...] = (
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an Excel workbook of before 2007 (.xls), or one with a password",
        "open it in Excel and save it as .xlsx without a password, or as CSV UTF-8",
    ),
    (b"%PDF", "a PDF document", MEND),
    (b"PAR1", "a Parquet file", "export it as CSV or JSON"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "decompress it first (zstd -d), or use gzip"),
    (b"BZh", "compressed with bzip2", "decompress it first (bunzip2), or use gzip"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it first"),
    (b"Rar!", "a RAR archive", "unpack it first"),
    (b"\x89PNG", "a picture", MEND),
    (b"\xff\xd8\xff", "a picture", MEND),
    (b"{\\rtf", "a Rich Text document", MEND),
)
# Where an answer of a web API keeps its records.
WRAPPERS = frozenset(
    {"leads", "data", "results", "records", "items", "contacts", "rows", "value", "people", "prospects"}
)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:]')


def sniff(head: bytes) -> Format:
    """Returns the format of a file by its first bytes.

    Raises:
        TaskError: it is empty, or of a kind that holds no records.
    """
    if head and not head.strip(b"\0"):
        raise unreadable("the file begins with nothing but zeros", "it was not copied whole; " + MEND)
    if not head.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise unreadable("the file is empty", "export it again; a file of leads has at least a header and one record")
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"PK\x03\x04"):
        return "excel"
    for magic, kind, mend in REFUSED:
        if head.startswith(magic):
            raise unreadable(f"the file is {kind}", mend)
    return _of_text(_text(head))


def wrapped_at(text: str) -> int | None:
    """Returns where the array of records begins in a JSON object that wraps it; ``None`` when none does."""
    depth, before = 0, ["", ""]
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if depth == 1 and sign == "[" and before[1] == ":" and before[0].strip('"').casefold() in WRAPPERS:
            return token.start()
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(sign, 0)
        if depth == 0:
            return None
        before = [before[1], sign]
    return None


def _of_text(text: str) -> Format:
    begin = text.lstrip()
    if begin.startswith("<"):
        kind = "a web page" if re.match(r"<(!doctype\s+html|html)", begin, re.IGNORECASE) else "XML"
        raise unreadable(f"the file is {kind}", "a log-in page is often saved in place of a download; " + MEND)
    if begin.startswith("["):
        return "json_array"
    if begin.startswith("{"):
        return _of_objects(begin)
    return "delimited"


def _of_objects(text: str) -> Format:
    first, _, rest = text.partition("\n")
    if wrapped_at(text) is not None and (not rest.strip() or _parsed(first) is None):
        return "json_array"
    lines = [line for line in text.split("\n", 20)[:20] if line.strip()]
    if not rest or any(isinstance(_parsed(line), dict) for line in lines):
        return "json_lines"
    # Lines that each want to be an object are damaged lines; an object over several lines has others between.
    if len(lines) > 1 and all(line.startswith("{") and line.strip() != "{" for line in lines):
        return "json_lines"
    return "json_stream"


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(head: bytes) -> str:
    name, mark_bytes = encoding(head)
    text = head[mark_bytes:].decode(name, errors="replace")
    controls = sum(text.count(chr(code)) for code in range(9)) + text.count("\x7f")
    if controls > 8 and controls * 50 > len(text):
        raise unreadable("the file is binary and of no kind that holds leads", MEND)
    return text
