"""How often functions and state machines are started, by the schedules of a plan."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from typing import Any

import msgspec

from penstock.deploy.doctor.plan import Plan
from penstock.deploy.doctor.resource import Resource
from penstock.errors import PenstockError
from penstock.schedules import Timetable, parse

SCHEDULES = ("aws_scheduler_schedule", "aws_cloudwatch_event_rule")
STARTED = ("aws_lambda_function", "aws_sfn_state_machine")
# Gaps between slots of a cron expression depend on the date; any fixed day gives the same findings in every year.
REFERENCE_TIME = 1_767_225_600.0  # 2026-01-01T00:00:00Z
SAMPLED_SLOTS = 400


class Cadence(msgspec.Struct, frozen=True, kw_only=True):
    """The rhythm of one schedule.

    Attributes:
        schedule: its address.
        shortest_seconds: between two slots, as between hours of a working day.
        longest_seconds: between two slots, as over a weekend; without the flexible window.
        window_seconds: how much later than its slot a start may be.
        slots: the first slots of 2026; empty for rates, whose phase is that of the deployment.
    """

    schedule: str
    shortest_seconds: float
    longest_seconds: float
    window_seconds: float = 0.0
    slots: tuple[float, ...] = ()

    def empty_periods(self, period_seconds: float) -> int:
        """Returns how many periods in a row can be without a start, at the worst."""
        if not self.slots:
            return math.ceil((self.longest_seconds + self.window_seconds) / period_seconds) - 1
        gaps = itertools.pairwise(self.slots)
        late = self.window_seconds
        return max(math.floor((b + late) / period_seconds) - math.floor(a / period_seconds) - 1 for a, b in gaps)


def expression(schedule: Resource) -> str | None:
    """Returns a schedule's expression; None when there is none, or when it is known only after the apply."""
    return schedule.text("schedule_expression")


def timetable(schedule: Resource) -> Timetable | None:
    """Returns when a schedule is due; None when it cannot be told."""
    text = expression(schedule)
    try:
        return parse(text, schedule.text("schedule_expression_timezone") or "UTC") if text else None
    except PenstockError:
        return None


def cadences(plan: Plan) -> dict[str, list[Cadence]]:
    """Returns the rhythms of every function and state machine that a schedule starts, by address."""
    found: dict[str, list[Cadence]] = {}
    for schedule in plan.of(*SCHEDULES):
        rhythm = None if schedule.text("state") == "DISABLED" else cadence(schedule)
        if rhythm is not None:
            for one in _started(plan, schedule):
                found.setdefault(one.address, []).append(rhythm)
    return found


def cadence(schedule: Resource) -> Cadence | None:
    """Returns the rhythm of a schedule; None when it comes once at the most, or cannot be told."""
    table = timetable(schedule)
    if table is None:
        return None
    slots = _slots(table)
    gaps = [b - a for a, b in itertools.pairwise(slots)]
    if not gaps:
        return None
    is_rate = (expression(schedule) or "").startswith("rate(")
    windows = schedule.blocks("flexible_time_window")
    minutes = windows[0].number("maximum_window_in_minutes") if windows else None
    longest = table.cadence(REFERENCE_TIME)
    return Cadence(
        schedule=schedule.address,
        shortest_seconds=min(gaps),
        longest_seconds=longest if math.isfinite(longest) else max(gaps),
        window_seconds=60 * (minutes or 0),
        slots=() if is_rate else tuple(slots),
    )


def _slots(table: Timetable) -> list[float]:
    found: list[float] = []
    slot = table.next(REFERENCE_TIME)
    while slot is not None and len(found) < SAMPLED_SLOTS:
        found.append(slot)
        slot = table.next(slot)
    return found


def _started(plan: Plan, schedule: Resource) -> Iterator[Resource]:
    """Yields what a schedule starts: its targets, and the functions that a state machine among them calls."""
    for target in direct_targets(plan, schedule):
        yield target
        if target.type == "aws_sfn_state_machine":
            yield from called_functions(plan, target)


def direct_targets(plan: Plan, schedule: Resource) -> list[Resource]:
    """Returns the functions and state machines that a schedule or a rule names as its targets."""
    if schedule.type == "aws_scheduler_schedule":
        return plan.targets(schedule, "target", 0, "arn", types=STARTED) or []
    targets = plan.companions(schedule, "aws_cloudwatch_event_target", "rule") or []
    return [one for target in targets for one in plan.targets(target, "arn", types=STARTED) or ()]


def called_functions(plan: Plan, machine: Resource) -> list[Resource]:
    """Returns the functions that a state machine calls."""
    text = machine.text("definition")
    if text is None:
        return plan.targets(machine, "definition", types=("aws_lambda_function",)) or []
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return []
    found = [one for word in _texts(document) for one in plan.named(word, ("aws_lambda_function",))]
    return list({one.address: one for one in found}.values())


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
