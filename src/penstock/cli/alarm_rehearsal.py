"""``penstock alarms rehearse``: what the alarms would have done with what was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.cli import output
from penstock.cli.options import Options
from penstock.errors import NotFoundError
from penstock.ports.journal import Filter

if TYPE_CHECKING:
    from penstock.model.metrics import Metric
    from penstock.model.pipeline import Definition
    from penstock.ports.metrics import Value
    from penstock.runtime.machine.home import Home
    from penstock.watch.advice import Rehearsed


def rehearse_alarms(options: Options, definitions: dict[str, Definition], since_seconds: float | None) -> None:
    """Prints what each alarm of some pipelines would have done with what this home has recorded.

    Of several pipelines those are left out that never ran here: their dead-man alarms would tell that they are dead.

    Args:
        since_seconds: how far back; everything that is there when None.

    Raises:
        NotFoundError: nothing was recorded.
    """
    from penstock.watch import advice

    home = options.open_home()
    try:
        start, end = _span(home, since_seconds)
        found = {
            name: advice.rehearse(definition, _Recorded(home, start, end), start, end)
            for name, definition in definitions.items()
            if definition.alarms or definition.composite_alarms
            if len(definitions) == 1 or _has_run(home, name)
        }
    finally:
        home.close()
    if options.as_json:
        document = [{"pipeline": name, **output.plain(one)} for name, rehearsed in found.items() for one in rehearsed]
        output.emit_json({"start": start, "end": end, "alarms": document})
        return
    out = output.console()
    out.print(f"alarms over what was recorded from {output.moment(start)} to {output.moment(end)}", markup=False)
    for name, rehearsed in found.items():
        _print(name, rehearsed)


def _has_run(home: Home, pipeline: str) -> bool:
    return bool(home.alarms.records(pipeline) or home.journal.find(Filter(pipelines=(pipeline,), limit=1)))


def _print(pipeline: str, rehearsed: list[Rehearsed]) -> None:
    rows: list[list[Any]] = [
        [one.alarm, one.fired, output.duration(one.alarm_seconds) if one.alarm_seconds else "-", one.text, _said(one)]
        for one in rehearsed
    ]
    output.table([f"alarm of {pipeline}", "fired", "in alarm", "mails", "to know"], rows, empty="no alarms")
    for one in rehearsed:
        for better in one.advice:
            text = f"{one.alarm}: {better.setting} makes {better.mails} mails of {one.mails}; it fires"
            text = f"{text} {better.fired} times instead of {one.fired}"
            output.console().print(text, markup=False)


def _said(one: Rehearsed) -> str:
    said = [f"cannot fire: {one.cannot_fire}"] if one.cannot_fire else []
    said += [f"unheard: {one.unheard}"] if one.unheard else []
    said += ["flaps"] if one.flaps else []
    return "; ".join(said)


def _span(home: Home, since_seconds: float | None) -> tuple[float, float]:
    """Returns from when to when: to now, or to the last datapoint where that is long ago, as in a simulation."""
    recorded = home.metrics.span()
    if recorded is None:
        raise NotFoundError(
            "no metric was recorded here", hint="`penstock simulate` makes a home to rehearse with: --home FOLDER"
        )
    first, last = recorded
    marked = _simulated_until(home)
    end = home.clock.now() if marked is None else marked
    start = max(first - 60, end - since_seconds) if since_seconds is not None else first - 60
    return start, max(end, last)


def _simulated_until(home: Home) -> float | None:
    import msgspec

    from penstock.model.simulation import SIMULATION_FILE

    try:
        plan = msgspec.json.decode((home.path / SIMULATION_FILE).read_bytes())
        return float(plan["start"] + plan["seconds"])
    except (OSError, msgspec.DecodeError, LookupError, TypeError):
        return None


class _Recorded:
    """The datapoints of a home, each series read once."""

    def __init__(self, home: Home, start: float, end: float) -> None:
        self._home = home
        self._start = start
        self._end = end
        self._read: dict[Any, list[Value]] = {}

    def __call__(self, metric: Metric) -> list[Value]:
        if metric.key not in self._read:
            self._read[metric.key] = self._home.metrics.values(metric, self._start, self._end + 1)
        return self._read[metric.key]
