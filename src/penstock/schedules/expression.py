"""Schedule expressions: text in, timetable out."""

from __future__ import annotations

from penstock.errors import UsageError
from penstock.schedules.cron import parse_cron
from penstock.schedules.once import parse_once
from penstock.schedules.rate import parse_rate
from penstock.schedules.timetable import Timetable
from penstock.schedules.zones import find_zone

# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
MAXIMUM_LENGTH = 256
_FORMS = "write rate(3 hours), cron(0 8 ? * MON-FRI *) or at(2026-02-20T07:57:00)"


def parse(expression: str, timezone: str = "UTC") -> Timetable:
    """Returns the timetable of a schedule expression.

    Args:
        expression: EventBridge Scheduler's ``rate(...)``, ``cron(...)`` or ``at(...)``.
        timezone: the IANA zone in which ``cron`` and ``at`` are read; rates count in UTC.

    Raises:
        UsageError: the expression or the time zone is not understood; ``data["field"]`` names the field, and the
            hint the mend.

    Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    """
    if len(expression) > MAXIMUM_LENGTH:
        raise UsageError(
            f"the schedule expression has {len(expression)} characters",
            hint=f"EventBridge takes {MAXIMUM_LENGTH}; split it into several schedules",
            field="expression",
        )
    kind, parenthesis, rest = expression.partition("(")
    if kind not in {"rate", "cron", "at"} or not parenthesis or not rest.endswith(")"):
        raise UsageError(f"{expression!r} is no schedule expression", hint=_FORMS, field="expression")
    body = rest[:-1]
    if kind == "cron":
        return parse_cron(body, timezone)
    if kind == "at":
        return parse_once(body, timezone)
    find_zone(timezone)
    return parse_rate(body)
