"""How a simulation is shown: its progress, and what it came to."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from penstock.cli import output

if TYPE_CHECKING:
    from penstock.runtime.simulation.report import Alarmed, Report

DAY_SECONDS = 86_400.0
# Of an alarm that fires often, the first changes are shown.
CHANGES_SHOWN = 6
FAULTS = {
    "task-raises": "a task fails; TARGET is a task",
    "task-times-out": "a task takes longer than its timeout",
    "task-slow": "a task takes seconds=10 longer",
    "task-out-of-memory": "a task is killed for want of memory",
    "objects-down, objects-throttled": "the object store, for tasks and for sealing; TARGET is a lake table",
    "hot-down, hot-throttled": "the hot tables; TARGET is one",
    "warehouse-down, warehouse-throttled": "the warehouses",
    "metrics-down, metrics-throttled": "the metrics that tasks publish",
    "topic-down, topic-throttled": "the topics that tasks publish to; TARGET is one",
    "mail-down, mail-throttled": "what delivers; TARGET is a kind of endpoint, such as mailto",
    "event-twice": "an object's event comes again",
    "event-late": "it comes seconds=900 later",
    "event-out-of-order": "events come in another order",
    "killed": "the process is killed, times=1",
    "clock-skew": "the clock is seconds=120 ahead; less than 0: behind",
    "random": "four of these, drawn from the seed",
}


class Progress:
    """A bar on a terminal; nothing elsewhere."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Progress:
        if self._shown:
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=output.console(stderr=True), transient=True)
            self._task = self._bar.add_task("simulating", total=None)
            self._bar.start()
        return self

    def __call__(self, seconds: float, whole: float) -> None:
        """Shows how far it is."""
        if self._bar is not None:
            text = f"day {seconds / DAY_SECONDS:.0f} of {whole / DAY_SECONDS:.0f}"
            self._bar.update(self._task, completed=seconds, total=whole, description=text)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


def print_faults(*, as_json: bool) -> None:
    """Prints the faults that can be asked for."""
    if as_json:
        output.emit_json(FAULTS)
    else:
        output.table(["fault", "what goes wrong"], [list(one) for one in FAULTS.items()])


def print_report(found: Report, took: float, digest: str | None) -> None:
    """Prints what a simulation came to."""
    out = output.console()
    span = _span_text(found.end - found.start)
    out.print(f"{span} of {found.pipeline} from {output.moment(found.start)}, in {took:.1f} s", markup=False)
    output.table(
        ["workflow", "ended", "executions"],
        [[one.workflow, output.status_text(one.status), one.executions] for one in found.executions],
        empty="no execution: no schedule is due in this time",
    )
    output.table(
        ["lake table", "zone", "objects", "records", "bytes"],
        [[one.table, one.zone, one.objects, "-" if one.records is None else one.records, output.size(one.bytes)]
         for one in found.lake],
        empty="nothing in the lake",
    )  # fmt: skip
    rows = [[name, count] for name, count in found.items.items()]
    output.table(["kept elsewhere", "count"], [*rows, ["datapoints of metrics", found.datapoints]])
    _print_alarms(found)
    output.table(
        ["would have been told", "messages", "of alarms", "still waiting", "given up"],
        [[one.endpoint, one.messages, one.of_alarms, one.waiting, one.gave_up] for one in found.notifications],
        empty="nobody would have been told anything",
    )
    _print_bill(found)
    for text in found.warnings:
        out.print(f"warning: {text}", style="yellow", markup=False)
    if found.kills:
        out.print(f"the process was killed {found.kills} times", markup=False)
    if digest is not None:
        out.print(f"fingerprint {digest}", markup=False)
    if found.problems:
        out.print(f"{len(found.problems)} things are not as they have to be:", style="red")
        for problem in found.problems[:20]:
            out.print(f"  {problem}", style="red", markup=False)
        out.print(f"play it again: {found.command}", markup=False, soft_wrap=True)
        return
    out.print(f"look into it: penstock --home {found.home} alarms history", style="dim", markup=False, soft_wrap=True)
    out.print(f"play it again: {found.command}", style="dim", markup=False, soft_wrap=True)


def _print_alarms(found: Report) -> None:
    rows: list[list[Any]] = []
    for alarm in found.alarms:
        rows += _changes(alarm)
    output.table(["alarm", "severity", "when", "state", "told"], rows, empty="no alarm fired")
    if found.alarms_quiet:
        output.console().print(f"{found.alarms_quiet} alarms never fired", style="dim")


def _changes(alarm: Alarmed) -> list[list[Any]]:
    shown = alarm.changes[:CHANGES_SHOWN]
    rows: list[list[Any]] = [
        [alarm.alarm if number == 0 else "", alarm.severity if number == 0 else "", output.moment(one.at),
         output.status_text(one.state), ", ".join(one.notified) or "-"]
        for number, one in enumerate(shown)
    ]  # fmt: skip
    left = len(alarm.changes) - len(shown)
    if left:
        rows.append(["", "", f"and {left} more changes", "", f"fired {alarm.fired} times"])
    return rows


def _print_bill(found: Report) -> None:
    if found.bill is None:
        return
    services: dict[str, list[float]] = {}
    for line in found.bill.lines:
        sums = services.setdefault(line.service, [0.0, 0.0])
        sums[0] += line.monthly_usd
        sums[1] += line.full_usd
    services["total"] = [found.bill.monthly_usd, found.bill.full_usd]
    rows = [[service, f"{monthly:.2f}", f"{full:.2f}"] for service, (monthly, full) in services.items()]
    output.table(["a month in AWS", "US dollars", "without free tier"], rows)


def _span_text(seconds: float) -> str:
    if seconds < 2 * DAY_SECONDS:
        return f"{seconds / 3600:g} hours"
    return f"{seconds / DAY_SECONDS:g} days"
