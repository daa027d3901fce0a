"""What Lambda itself writes into a function's log, and what it answers when a function cannot.

https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
"""

from __future__ import annotations

import json
import math
import signal
from datetime import UTC, datetime

import msgspec

LOG_LIMIT_BYTES = 16 * 1024 * 1024


class FunctionLog:
    """What is written during one invocation; of more than 16 MB both ends."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._left_out = 0

    def write(self, text: str | bytes) -> None:
        """Adds to the end."""
        self._data += text.encode() if isinstance(text, str) else text
        if (excess := len(self._data) - LOG_LIMIT_BYTES) > 0:
            middle = LOG_LIMIT_BYTES // 2
            del self._data[middle : middle + excess]
            self._left_out += excess

    def text(self) -> str:
        """Returns all of it."""
        middle = LOG_LIMIT_BYTES // 2
        note = f"\n… {self._left_out} bytes left out …\n".encode() if self._left_out else b""
        return (self._data[:middle] + note + self._data[middle:]).decode("utf-8", "replace")


class Failure(msgspec.Struct, frozen=True):
    """An invocation's failure.

    Attributes:
        error: its type, which Retry and Catch match.
        payload: what the caller gets, a JSON document.
        lines: what Lambda writes about it after the function's own text.
        status: as the report has it.
        kind: as the report has it, where it is not the error.
    """

    error: str
    payload: bytes
    lines: str = ""
    status: str = "error"
    kind: str = ""


def timed_out(request_id: str, timeout_seconds: float, at: float) -> Failure:
    """Returns what becomes of an invocation that took too long."""
    text = f"Task timed out after {timeout_seconds:.2f} seconds"
    time = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    payload = _document("Sandbox.Timedout", f"RequestId: {request_id} Error: {text}")
    return Failure("Sandbox.Timedout", payload, f"{time} {request_id} {text}\n\n", "timeout")


def out_of_memory(request_id: str) -> Failure:
    """Returns what becomes of an invocation that took too much memory: its process is killed."""
    return msgspec.structs.replace(exited(request_id, -signal.SIGKILL), kind="Runtime.OutOfMemory")


def exited(request_id: str, status: int) -> Failure:
    """Returns what becomes of an invocation whose process ended: an exit status, or minus a signal's number."""
    if status == 0:
        text = "Runtime exited without providing a reason"
    elif status > 0:
        text = f"Runtime exited with error: exit status {status}"
    else:
        text = f"Runtime exited with error: signal: {(signal.strsignal(-status) or str(-status)).lower()}"
    text = f"RequestId: {request_id} Error: {text}"
    return Failure("Runtime.ExitError", _document("Runtime.ExitError", text), f"{text}\nRuntime.ExitError\n")


def reported(error: str, payload: bytes) -> Failure:
    """Returns a failure that the function's process told of itself. The error is the document's, as for a caller."""
    try:
        error = str(json.loads(payload)["errorType"])
    except (ValueError, KeyError, TypeError):
        error = error or "Unhandled"
    return Failure(error, payload)


def report_line(
    request_id: str,
    *,
    duration_seconds: float,
    memory_mb: int,
    peak_memory_mb: float,
    init_seconds: float | None,
    failure: Failure | None,
) -> str:
    """Returns the REPORT line of an invocation; a cold start's time is billed too."""
    duration, init = duration_seconds * 1000, (init_seconds or 0.0) * 1000
    line = (
        f"REPORT RequestId: {request_id}\tDuration: {duration:.2f} ms\tBilled Duration: {math.ceil(duration + init)} ms"
        f"\tMemory Size: {memory_mb} MB\tMax Memory Used: {min(memory_mb, math.ceil(peak_memory_mb))} MB\t"
    )
    if init_seconds is not None:
        line += f"Init Duration: {init:.2f} ms\t"
    if failure is not None:
        line += f"Status: {failure.status}\t"
        if failure.status == "error":
            line += f"Error Type: {failure.kind or failure.error}\t"
    return line


def init_report_line(seconds: float, *, status: str, error: str = "") -> str:
    """Returns the line about an initialization that failed, which Lambda then tries again."""
    kind = f"\tError Type: {error}" if error else ""
    return f"INIT_REPORT Init Duration: {seconds * 1000:.2f} ms\tPhase: init\tStatus: {status}{kind}"


def _document(error: str, message: str) -> bytes:
    return json.dumps({"errorType": error, "errorMessage": message}).encode()
