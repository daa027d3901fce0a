"""When an alarm has to be looked at again: what an evaluation sees changes only at certain minutes.

An evaluation looks at periods that are counted back from a minute. A datapoint matters when it comes into the newest
period and when it leaves the oldest one. In between it moves from period to period, which matters only where that parts
it from others, or where the age of a breach counts.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

from penstock.model.alarms import Alarm, MissingData
from penstock.watch.evaluate import EXTRA_PERIODS, AlarmRecord

MINUTE_SECONDS = 60.0


def next_look(alarm: Alarm, record: AlarmRecord, times: Iterable[float], until: float) -> float | None:
    """Returns when an evaluation can first find something else than the one at ``until`` did; None if never.

    Args:
        times: of the datapoints since the beginning of the evaluation's window, those to come too (seconds since the
            epoch).
        until: the minute that was evaluated last.
    """
    unit = min(float(alarm.period_seconds), MINUTE_SECONDS)
    seen_at = sorted({(math.floor(at / unit) + 1) * unit for at in times})
    periods = alarm.evaluation_periods + EXTRA_PERIODS
    if _moves_matter(alarm, seen_at):
        steps: Iterable[int] = range(periods + 1)
    else:
        steps = (0, periods)
    moments = [moment for at in seen_at for step in steps if (moment := at + step * alarm.period_seconds) > until]
    warm_at = record.watched_since + alarm.warm_up_seconds
    if warm_at > until:
        moments.append(math.ceil(warm_at / MINUTE_SECONDS) * MINUTE_SECONDS)
    return min(moments, default=None)


def _moves_matter(alarm: Alarm, seen_at: list[float]) -> bool:
    if alarm.missing is MissingData.MISSING:
        return True
    return any(after - before < alarm.period_seconds for before, after in itertools.pairwise(seen_at))
