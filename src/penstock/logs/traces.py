"""Which lines belong together: a message of an application and the trace that follows it.

Python: https://docs.python.org/3/library/traceback.html · Java: Throwable.printStackTrace,
https://docs.oracle.com/javase/8/docs/api/java/lang/Throwable.html#printStackTrace--
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# Past these a trace is cut, and goes on as an entry of its own.
LINES_LIMIT = 2000
CHARACTERS_LIMIT = 512 * 1024

_PYTHON_BEGIN = "Traceback (most recent call last):"
_PYTHON_LINKS = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
_PYTHON_END = re.compile(r"[A-Za-z_][\w.]*(?:: |$)")
_JAVA_CAUSE = re.compile(r"Caused by: |\.\.\. \d+ (?:more|common frames omitted)", re.ASCII)
_JAVA_HEAD = re.compile(r"(?:[A-Za-z_$][\w$]*\.)+[\w$]*(?:Exception|Error|Throwable)(?:: |$)", re.ASCII)
_INDENTED = re.compile(r"[ \t]+\S")
# What every line that goes on matches, and few others do.
BEGINS_LIKE_MORE = re.compile(
    r"[ \t]+\S|Caused by: |\.\.\. \d|Traceback |During handling |The above |[A-Za-z_$][\w.$]*(?:: |\Z)|\Z"
)


def is_continuation(lines: Sequence[str], line: str) -> bool:
    """Tells whether a line goes on with the lines before it, of which the first begins an entry.

    Indented lines do; a trace after the message that it belongs to; the exception that ends it; what it was caused by.
    A blank line does where a second trace can follow that is linked to the first.
    """
    if _INDENTED.match(line) or _JAVA_CAUSE.match(line):
        return True
    is_traced = any(one.startswith(_PYTHON_BEGIN) for one in lines)
    if line.startswith(_PYTHON_BEGIN):
        return not is_traced or (lines[-1] == "" and lines[-2] in _PYTHON_LINKS)
    if line == "" or line in _PYTHON_LINKS:
        return is_traced and (lines[-1] == "") == (line != "")
    if _awaits_exception(lines):
        return _PYTHON_END.match(line) is not None
    return _JAVA_HEAD.match(line) is not None and not any(_JAVA_HEAD.match(one) for one in lines)


def _awaits_exception(lines: Sequence[str]) -> bool:
    """Tells whether the last line is a frame of a Python trace: the exception follows."""
    if not _INDENTED.match(lines[-1]):
        return False
    head = next((one for one in reversed(lines) if not _INDENTED.match(one)), "")
    return head.startswith(_PYTHON_BEGIN)
