"""Executions as they happen: a live table on a terminal, one line a change elsewhere, one document with --json."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from penstock.cli import output, shown, timeline
from penstock.cli.options import Options

if TYPE_CHECKING:
    from rich.console import RenderableType

    from penstock.model.pipeline import Definition
    from penstock.ports.journal import Execution
    from penstock.runtime.machine.app import Machine, MakeInvoker
    from penstock.runtime.machine.home import Home


class Ended(NamedTuple):
    """An execution that was waited for, and the exit code that says how it and all that followed went."""

    execution: Execution
    exit_code: int


def run_and_show(
    options: Options,
    pipeline: str,
    workflow: str | None,
    value: Any,
    *,
    source: str = "manual",
    file: Path | None = None,
    report: Path | None = None,
    make_invoker: Callable[[Home], MakeInvoker] | None = None,
) -> Ended:
    """Runs a workflow, and all that follows from it, with live progress.

    Args:
        file: arrives in the pipeline's inbox, in the place of an input.
        report: the file that the pipeline's report is written to.
        make_invoker: how tasks are called; in processes of their own when absent.
    """
    with _machine(options, pipeline, make_invoker, report=report) as (machine, progress):
        left = machine.unfinished()
        if file is not None:
            execution = machine.start_with(pipeline, file, workflow)
        else:
            execution = machine.start(pipeline, value, workflow, source=source)
        return _follow(options, machine, progress, execution.id, left, report=report)


def redrive_and_show(options: Options, execution: str) -> Ended:
    """Continues a failed execution with live progress."""
    home = options.open_home()
    found = home.journal.get(execution)
    home.close()
    with _machine(options, found.pipeline) as (machine, progress):
        machine.redrive(found.id)
        return _follow(options, machine, progress, found.id, 0)


@contextlib.contextmanager
def _machine(
    options: Options,
    pipeline: str,
    make_invoker: Callable[[Home], MakeInvoker] | None = None,
    *,
    report: Path | None = None,
) -> Iterator[tuple[Machine, Progress]]:
    from penstock.runtime.machine.app import Machine

    definition = options.catalog().load(pipeline)
    if report is not None:
        shown.check_report(definition, report)
    progress = Progress(as_json=options.as_json)
    home = options.open_home(create=True)
    machine = Machine(
        home,
        {definition.name: definition},
        observers=[progress.changed],
        make_invoker=None if make_invoker is None else make_invoker(home),
    )
    progress.home = machine.home

    def stop(*_: object) -> None:
        machine.request_stop()

    before = [(number, signal.signal(number, stop)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield machine, progress
    finally:
        machine.close()
        for number, handler in before:
            signal.signal(number, handler)


def _follow(
    options: Options, machine: Machine, progress: Progress, root: str, left: int, *, report: Path | None = None
) -> Ended:
    progress.follow(root, left)
    try:
        machine.run(root)
    finally:
        progress.finish()
    execution = machine.home.journal.get(root)
    definition = machine.definitions[execution.pipeline]
    told = {**summary(machine.home, execution), "summary": shown.summary_of(definition, execution, machine.home)}
    if options.as_json:
        output.emit_json(told)
    else:
        print_summary(execution, told["followed_by"])
        shown.print_lines(told["summary"])
    if report is not None and not shown.write_report(definition, execution, machine.home, report):
        output.console(stderr=True).print(f"{report} was not written: the run did not succeed", style="yellow")
    if machine.stop.is_set():
        return Ended(execution, 130)
    statuses = [execution.status, *(one["status"] for one in told["followed_by"])]
    return Ended(execution, 0 if all(status == "SUCCEEDED" for status in statuses) else 1)


class Progress:
    """Shows an execution and what follows from it, while they run."""

    def __init__(self, *, as_json: bool) -> None:
        self.home: Home | None = None
        self._as_json = as_json
        self._root = ""
        self._followers: dict[str, Execution] = {}
        self._lines: dict[tuple[str, str], str] = {}
        self._live: Any = None
        self._shown_at = 0.0

    def follow(self, root: str, left: int) -> None:
        """Begins to show."""
        self._root = root
        if self._as_json:
            return
        out = output.console()
        if left:
            out.print(
                f"continuing {left} execution{'s' if left > 1 else ''} left by an earlier process", style="yellow"
            )
        out.print(f"[bold]{root}[/]")
        if sys.stdout.isatty():
            from rich.live import Live

            self._live = Live(self._view(), console=out, refresh_per_second=12, get_renderable=self._view)
            self._live.start()

    def changed(self, execution: Execution, state: Any) -> None:
        """Is told of each change."""
        if execution.id != self._root and execution.root == self._root:
            self._followers[execution.id] = execution
        if self._as_json or self._live is not None or not self._root:
            return
        self._print_lines(execution)

    def finish(self) -> None:
        """Shows the last state of things."""
        if self._live is not None:
            self._live.update(self._view(), refresh=True)
            self._live.stop()
            self._live = None

    def _print_lines(self, execution: Execution) -> None:
        if self.home is None or execution.root != self._root:
            return
        for visit in timeline.visits(self.home, self.home.journal.get(execution.id)):
            key = (execution.id, f"{visit.state}@{visit.started_at}")
            if visit.status != self._lines.get(key) and visit.type not in {"Parallel", "Map", "Choice", "Pass"}:
                self._lines[key] = visit.status
                took = f"  {output.duration(visit.seconds)}" if visit.seconds is not None else ""
                error = f"  {timeline.shorten(visit.error, full=False)}" if visit.error else ""
                output.console().print(f"  {visit.state:<24} {visit.status}{took}{output.clean(error)}", markup=False)

    def _view(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        if self.home is None:
            return Text("")
        execution = self.home.journal.get(self._root)
        parts: list[Any] = [_visits_table(timeline.visits(self.home, execution))]
        if self._followers:
            parts.append(_followers_line(self._followers))
        return Group(*parts)


def _visits_table(visits: list[timeline.Visit]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
    now = time.time()
    for visit in visits:
        if visit.type in {"Pass", "Choice"}:
            continue
        seconds = visit.seconds if visit.seconds is not None else max(0.0, now - visit.started_at)
        attempts = f"attempt {visit.attempts}" if visit.attempts > 1 else ""
        made.add_row(
            output.status_text(visit.status),
            Text(output.clean(visit.state)),
            Text(output.duration(seconds), justify="right"),
            Text(attempts, style="yellow"),
            Text(timeline.shorten(visit.error, full=False), style="red"),
        )
    return made


def _followers_line(followers: Mapping[str, Execution]) -> RenderableType:
    from rich.text import Text

    by_workflow: dict[str, list[str]] = {}
    for execution in followers.values():
        by_workflow.setdefault(execution.workflow, []).append(execution.status)
    text = Text("  then ")
    for workflow, statuses in by_workflow.items():
        done = sum(status == "SUCCEEDED" for status in statuses)
        failed = sum(status in {"FAILED", "TIMED_OUT"} for status in statuses)
        text.append(f"{workflow}: {done} of {len(statuses)} done", style="green" if done == len(statuses) else "")
        if failed:
            text.append(f", {failed} failed", style="red")
        text.append("  ")
    return text


def summary(home: Home, execution: Execution) -> dict[str, Any]:
    """Returns an execution with its states and what followed from it."""
    from penstock.ports.journal import Filter

    followers = home.journal.find(Filter(root=execution.id, limit=10_000))
    return {
        "id": execution.id,
        "pipeline": execution.pipeline,
        "workflow": execution.workflow,
        "status": execution.status,
        "started_at": execution.started_at,
        "stopped_at": execution.stopped_at,
        "error": execution.error,
        "cause": execution.cause,
        "states": timeline.visits(home, execution),
        "followed_by": [
            {"id": one.id, "workflow": one.workflow, "status": one.status, "error": one.error}
            for one in reversed(followers)
            if one.id != execution.id
        ],
    }


def print_summary(execution: Execution, followers: list[dict[str, Any]]) -> None:
    """Prints how an execution ended, what followed from it, and what to type next."""
    from rich.text import Text

    out = output.console()
    took = (execution.stopped_at or 0.0) - (execution.started_at or 0.0)
    line = Text.assemble(output.status_text(execution.status))
    if execution.status.is_final:
        line.append(f" in {output.duration(took)}")
    else:
        line.append(", interrupted; the next `penstock run` or `up` continues it")
    if followers:
        done = sum(one["status"] == "SUCCEEDED" for one in followers)
        line.append(f"; {done} of {len(followers)} executions that followed succeeded")
    out.print(line)
    if execution.error:
        out.print(
            Text(f"  {execution.error}: {output.clean(timeline.error_message(execution.cause or ''))}", style="red")
        )
        out.print(Text(f"  penstock executions {execution.id} --full   penstock redrive {execution.id}", style="dim"))
    for one in followers:
        if one["status"] not in {"SUCCEEDED", "RUNNING", "PENDING"}:
            out.print(Text(f"  {one['workflow']} failed: {one['error']}; penstock executions {one['id']}", style="red"))


class UpLog:
    """What `penstock up` says: one line for each thing that happened."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._known: dict[str, str] = {}

    def began(self, home: Path, definitions: Mapping[str, Definition]) -> None:
        """Says what is being followed."""
        schedules = [f"{d.name}: {s.expression}" for d in definitions.values() for s in d.schedules.values()]
        self._say("up", f"following {', '.join(schedules) or 'triggers only'} in {home}; Ctrl-C stops", home=str(home))

    def changed(self, execution: Execution, state: Any) -> None:
        """Says when an execution begins and ends."""
        if self._known.get(execution.id) == execution.status:
            return
        if execution.status.is_final:
            self._known.pop(execution.id, None)
            took = output.duration((execution.stopped_at or 0.0) - (execution.started_at or 0.0))
            error = f"  {execution.error}" if execution.error else ""
            self._say("execution", f"{execution.id}  {execution.status} in {took}{error}", id=execution.id,
                      status=execution.status, error=execution.error)  # fmt: skip
        else:
            self._known[execution.id] = execution.status
            source = output.short_source(execution.source)
            self._say("execution", f"{execution.id}  started by {source}", id=execution.id,
                      status=execution.status, source=execution.source)  # fmt: skip

    def warn(self, text: str) -> None:
        """Says what a person should know."""
        self._say("warning", text)

    def ended(self) -> None:
        """Says that everything is stopped."""
        self._say("down", "stopped; nothing is lost, `penstock up` continues")

    def _say(self, kind: str, text: str, **data: Any) -> None:
        if self._as_json:
            import msgspec

            line = {"at": time.time(), "event": kind, "text": text, **data}
            sys.stdout.write(msgspec.json.encode(output.plain(line)).decode() + "\n")
        else:
            sys.stdout.write(f"{output.moment(time.time())}  {output.clean(text)}\n")
        sys.stdout.flush()
