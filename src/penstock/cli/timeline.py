"""An execution as its visits of states: when each began and ended, with what, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from penstock.ports.invoke import Report
from penstock.ports.journal import Execution, Recorded

if TYPE_CHECKING:
    from penstock.runtime.machine.home import Home

SHORT = 80


class Visit(msgspec.Struct, omit_defaults=True):
    """One visit of one state.

    Attributes:
        attempts: how often its task was called.
        seconds: how long the visit took; None while it goes on.
        log: what its task printed.
    """

    state: str
    type: str
    status: str
    started_at: float
    seconds: float | None = None
    attempts: int = 0
    input: Any = None
    output: Any = None
    error: str = ""
    log: str = ""
    token: str = ""

    def output_text(self) -> str:
        """Returns the output as JSON text."""
        return "" if self.output is None else msgspec.json.encode(self.output).decode()


def visits(home: Home, execution: Execution) -> list[Visit]:
    """Returns an execution's visits in the order of their beginning."""
    recorded = home.journal.events(execution.id)
    return _collect(_replayed(home, execution, recorded), _logs(recorded), execution.stopped_at)


def entries(home: Home, execution: Execution, region: str = "") -> list[Any]:
    """Returns an execution's history; ``region`` is that of its pipeline."""
    return _replayed(home, execution, home.journal.events(execution.id), region)


def event_text(event: dict[str, Any], *, full: bool) -> str:
    """Returns an event's details on one line; the name comes first."""
    details: dict[str, Any] = next((value for name, value in event.items() if name.endswith("EventDetails")), {})
    shown = [
        f"{name}: {shorten(str(value), full=full)}" for name, value in details.items() if not name.endswith("Details")
    ]
    return ", ".join(sorted(shown, key=lambda text: not text.startswith("name: ")))


def _replayed(home: Home, execution: Execution, recorded: list[Recorded], region: str = "") -> list[Any]:
    from penstock import states
    from penstock.runtime.replay import history

    return history(execution, states.parse(home.journal.definition(execution.version)), recorded, region)


def _logs(recorded: list[Recorded]) -> dict[str, str]:
    """Returns what each attempt printed, by its token."""
    logs: dict[str, str] = {}
    for entry in recorded:
        if entry.report is not None:
            report = msgspec.json.decode(entry.report, type=Report)
            token = msgspec.json.decode(entry.event).get("token", "")
            if report.log:
                logs[token] = report.log
    return logs


def _collect(entries: list[Any], logs: dict[str, str], stopped_at: float | None) -> list[Visit]:
    found: list[Visit] = []
    open_visits: dict[str, Visit] = {}
    names: dict[int, str] = {}
    failure = ""
    for entry in entries:
        names[entry.id] = name = entry.state_name or names.get(entry.previous_id, "")
        kind, details = entry.type, entry.details
        if kind.endswith("StateEntered"):
            visit = Visit(name, kind.removesuffix("StateEntered"), "RUNNING", entry.at, input=details.get("input"))
            found.append(visit)
            open_visits[name] = visit
            continue
        current = open_visits.get(name)
        if current is None:
            continue
        if kind.endswith(("Scheduled", "MapRunStarted", "MapRunRedriven")):
            current.attempts += 1
            current.status = "RUNNING"
        elif kind.endswith(("Failed", "TimedOut")):
            # A Parallel's and a Map's own event says nothing: the error is that of what failed within.
            failure = _error_text(details) or failure
            current.status, current.error = "RETRYING", failure
        elif kind.endswith("StateExited"):
            current.seconds = entry.at - current.started_at
            current.status = "CAUGHT" if entry.caught else "SUCCEEDED"
            current.output = details.get("output")
            current.error = (current.error or entry.caught) if entry.caught else ""
            del open_visits[name]
        current.log += logs.pop(entry.token, "")
    for visit in open_visits.values():
        if stopped_at is not None:
            visit.status = "FAILED" if visit.error or visit.type == "Fail" else "ABORTED"
            visit.seconds = stopped_at - visit.started_at
    return found


def _error_text(detail: dict[str, Any]) -> str:
    return f"{detail.get('error', '')}: {error_message(str(detail.get('cause') or ''))}".rstrip(": ")


def error_message(cause: str) -> str:
    """Returns the message in a cause as Lambda writes it, or the cause itself."""
    try:
        decoded = msgspec.json.decode(cause)
    except msgspec.DecodeError:
        return cause
    if not isinstance(decoded, dict) or "errorMessage" not in decoded:
        return cause
    hint = f" ({decoded['hint']})" if decoded.get("hint") else ""
    return f"{decoded['errorMessage']}{hint}"


def shorten(text: str, *, full: bool) -> str:
    """Returns the beginning of a text, on one line, unless all of it is wanted."""
    if full:
        return text
    line = " ".join(error_message(text).split())
    return line if len(line) <= SHORT else f"{line[: SHORT - 1]}…"
