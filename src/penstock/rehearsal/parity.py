"""Two runs of one scene, compared."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from penstock.rehearsal.alarms import CONTRADICTED
from penstock.rehearsal.observed import Observed, Ran

NO_DATA = "INSUFFICIENT_DATA"
PRESENT = "there are values"
TEXT_LIMIT = 300


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was compared.

    Attributes:
        compared: how many.
        left_out: what could not be compared, and why.
        differences: what only one home has, ``here`` being this machine and ``there`` the account.
    """

    what: str
    compared: int
    left_out: list[str] = []
    differences: list[str] = []

    @property
    def is_equal(self) -> bool:
        return not self.differences


def compare(
    here: Observed,
    there: Observed,
    incomparable: Mapping[str, str] | None = None,
    unrehearsed: Mapping[str, str] | None = None,
) -> list[Comparison]:
    """Returns what was compared, and what differs.

    Args:
        incomparable: alarms whose states cannot be compared, each with the reason.
        unrehearsed: workflows that an emulator cannot run, each with the reason.
    """
    tables, relations = sorted({*here.items, *there.items}), sorted({*here.rows, *there.rows})
    return [
        _executions(here.executions, there.executions, unrehearsed or {}),
        _by_name("objects in the lake: key and records", here.objects, there.objects),
        *(_several(f"items of {name}", here.items.get(name, ()), there.items.get(name, ())) for name in tables),
        *(_several(f"rows of {name}", here.rows.get(name, ()), there.rows.get(name, ())) for name in relations),
        _several("messages of tasks and workflows: topic, subject, text", map(_of_message, here.messages),
                 map(_of_message, there.messages)),
        *_queues(here.waiting, there.waiting),
        _notices(here.notices, there.notices, incomparable or {}),
        _metrics(here, there),
        _alarms(here.alarms, there.alarms, incomparable or {}),
    ]  # fmt: skip


def _executions(here: Sequence[Ran], there: Sequence[Ran], unrehearsed: Mapping[str, str]) -> Comparison:
    ours, theirs = ([_of_run(one) for one in ran if one.workflow not in unrehearsed] for ran in (here, there))
    found = _several("executions: workflow, status, states, output", ours, theirs)
    return msgspec.structs.replace(found, left_out=[f"{name}: {reason}" for name, reason in unrehearsed.items()])


def _of_run(ran: Ran) -> str:
    return f"{ran.workflow} {ran.status}, by {', '.join(ran.states) or 'no state'}: {ran.output}"


def _of_message(message: tuple[str, str, str]) -> str:
    topic, subject, text = message
    return f"{topic}, {json.dumps(subject, ensure_ascii=False)}: {json.dumps(text, ensure_ascii=False)}"


def _queues(here: Sequence[tuple[str, str]], there: Sequence[tuple[str, str]]) -> list[Comparison]:
    if not here and not there:
        return []
    ours, theirs = ([": ".join(message) for message in waiting] for waiting in (here, there))
    return [_several("messages in queues: queue, body", ours, theirs)]


def _metrics(here: Observed, there: Observed) -> Comparison:
    by_chance = sorted((here.by_chance | there.by_chance) & {*here.metrics, *there.metrics})
    found = _by_name(
        "metrics: series, values",
        {**here.metrics, **{name: PRESENT for name in by_chance if name in here.metrics}},
        {**there.metrics, **{name: PRESENT for name in by_chance if name in there.metrics}},
    )
    reason = "how many values there are is chance, where one of several parallel tasks fails"
    return msgspec.structs.replace(found, left_out=[f"{name}: {reason}" for name in by_chance])


def _notices(
    here: Sequence[tuple[str, str]], there: Sequence[tuple[str, str]], incomparable: Mapping[str, str]
) -> Comparison:
    ours, theirs = (
        [f"{topic}, {alarm}" for topic, alarm in told if alarm not in incomparable] for told in (here, there)
    )
    left_out = sorted({alarm for _, alarm in (*here, *there)} & incomparable.keys())
    found = _several("messages of alarms: topic, alarm", ours, theirs)
    return msgspec.structs.replace(found, left_out=[f"{name}: {incomparable[name]}" for name in left_out])


def _alarms(here: Mapping[str, str], there: Mapping[str, str], incomparable: Mapping[str, str]) -> Comparison:
    """Of an alarm without data the emulator knows no more than that: it has no rules for missing data."""
    reasons = {name: "it has no values there" for name, state in there.items() if state == NO_DATA}
    reasons |= dict.fromkeys(there.keys() - here.keys(), "it is of the account alone")
    reasons |= {
        name: reason for name, reason in incomparable.items() if name in there and CONTRADICTED not in there[name]
    }
    compared = {name: state for name, state in here.items() if name not in reasons}
    found = _by_name("alarms: state", compared, {name: state for name, state in there.items() if name in compared})
    return msgspec.structs.replace(found, left_out=[f"{name}: {reason}" for name, reason in sorted(reasons.items())])


def _several(what: str, here: Iterable[str], there: Iterable[str]) -> Comparison:
    ours, theirs = Counter(here), Counter(there)
    only = [f"here only: {_short(one)}" for one in sorted((ours - theirs).elements())]
    only += [f"there only: {_short(one)}" for one in sorted((theirs - ours).elements())]
    return Comparison(what=what, compared=max(ours.total(), theirs.total()), differences=only)


def _by_name(what: str, here: Mapping[str, str], there: Mapping[str, str]) -> Comparison:
    names = sorted({*here, *there})
    differences = [
        f"{name}: {_both(here.get(name), there.get(name))}" for name in names if here.get(name) != there.get(name)
    ]
    return Comparison(what=what, compared=len(names), differences=differences)


def _both(here: str | None, there: str | None) -> str:
    """Returns two texts from where they begin to differ, as the difference may come late."""
    if here is None or there is None:
        return f"here {_short(here)}, there {_short(there)}"
    same = next((at for at, (one, other) in enumerate(zip(here, there, strict=False)) if one != other), 0)
    from_here = max(0, same - TEXT_LIMIT // 3) if max(len(here), len(there)) > TEXT_LIMIT else 0
    return f"here {_short(here, from_here)}, there {_short(there, from_here)}"


def _short(text: Any, start: int = 0) -> str:
    if text is None:
        return "absent"
    shown = f"{'…' if start else ''}{text[start:]}"
    return shown if len(shown) <= TEXT_LIMIT else f"{shown[:TEXT_LIMIT]}…"
