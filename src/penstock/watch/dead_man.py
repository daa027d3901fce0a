"""Dead-man alarms: something that should happen regularly has not happened for two cadences."""

from __future__ import annotations

import math

from penstock.model.alarms import Alarm, Comparison, MissingData
from penstock.model.metrics import Metric

CADENCES = 2
# Small periods make the alarm fire soon after the second cadence: an evaluation looks two periods farther back.
PERIODS_PER_CADENCE = 12


def derive(name: str, metric: Metric, cadence_seconds: float, topics: tuple[str, ...]) -> Alarm:
    """Returns the alarm that fires when a heartbeat has been silent for two cadences, and resolves with the next beat.

    It fires within three periods after the second cadence is over: a quarter of a cadence, or a few minutes.
    CloudWatch can watch for it where two cadences fit into seven days; ``windows.check_window`` tells.

    Args:
        metric: has one datapoint for each success.
        cadence_seconds: the longest time between two beats when all is well.
        topics: are told of both changes.
    """
    period = max(60, math.ceil(cadence_seconds / PERIODS_PER_CADENCE / 60) * 60)
    periods = max(1, math.ceil(CADENCES * cadence_seconds / period))
    return Alarm(
        name=name,
        metric=metric,
        threshold=1.0,
        comparison=Comparison.LESS,
        statistic="Sum",
        period_seconds=period,
        evaluation_periods=periods,
        datapoints_to_alarm=periods,
        missing=MissingData.BREACHING,
        severity="HIGH",
        description=f"No success of {metric.dimensions[0][1] if metric.dimensions else metric.name} in two cadences",
        on_alarm=topics,
        on_ok=topics,
        derived=True,
        warm_up_seconds=math.ceil(CADENCES * cadence_seconds),
    )
