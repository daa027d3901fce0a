"""Two runs of one scene, compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from penstock.rehearsal.observed import Observed

NO_DATA = "INSUFFICIENT_DATA"


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was compared.

    Attributes:
        compared: how many.
        left_out: what could not be compared.
        differences: what only one home has, ``here`` being this machine and ``there`` the account.
    """

    what: str
    compared: int
    left_out: list[str] = []
    differences: list[str] = []

    @property
    def is_equal(self) -> bool:
        return not self.differences


def compare(here: Observed, there: Observed) -> list[Comparison]:
    """Returns what was compared, and what differs."""
    return [
        _several("executions: workflow, status, states, output", here.executions, there.executions),
        _by_name("objects in the lake: key and records", here.objects, there.objects),
        *(_several(f"items of {name}", items, there.items.get(name, [])) for name, items in sorted(here.items.items())),
        _several("messages of tasks: topic, subject, text", here.messages, there.messages),
        _several("messages of alarms: topic, alarm", here.notices, there.notices),
        _by_name("metrics: series, values", here.metrics, there.metrics),
        _alarms(here.alarms, there.alarms),
    ]


def _alarms(here: Mapping[str, str], there: Mapping[str, str]) -> Comparison:
    """Of an alarm without data the emulator knows no more than that: it has no rules for missing data."""
    silent = {name for name, state in there.items() if state == NO_DATA}
    ours = {name: state for name, state in here.items() if name not in silent}
    found = _by_name("alarms: state", ours, {name: state for name, state in there.items() if name in ours})
    return msgspec.structs.replace(found, left_out=sorted(silent & here.keys()))


def _several(what: str, here: Iterable[object], there: Iterable[object]) -> Comparison:
    ours, theirs = Counter(map(str, here)), Counter(map(str, there))
    only = [f"here only: {one}" for one in (ours - theirs).elements()]
    only += [f"there only: {one}" for one in (theirs - ours).elements()]
    return Comparison(what=what, compared=max(ours.total(), theirs.total()), differences=only)


def _by_name(what: str, here: Mapping[str, str], there: Mapping[str, str]) -> Comparison:
    differences = []
    for name in sorted({*here, *there}):
        if here.get(name) != there.get(name):
            differences.append(f"{name}: here {_short(here.get(name))}, there {_short(there.get(name))}")
    return Comparison(what=what, compared=len({*here, *there}), differences=differences)


def _short(text: str | None) -> str:
    if text is None:
        return "absent"
    return text if len(text) <= 300 else f"{text[:300]}…"
