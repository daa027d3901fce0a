"""What is unusual about a run, against the last ones. Pure: rows of ``pipeline_runs`` come in, findings go out."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

Run = Mapping[str, Any]

COMPARED_RUNS = 20
FEWEST_RUNS = 4
# Deviations from the median are measured in median absolute deviations, which one odd run does not move.
DEVIATIONS = 4.0
VOLUME_FACTOR = 2.0
REJECT_RATE_POINTS = 5.0
AVERAGE_POINTS = 10.0
# A population stability index above 0.25 is a shift that calls for a look.
# https://en.wikipedia.org/wiki/Population_Stability_Index
STABILITY_LIMIT = 0.25
SMALLEST_SHARE = 0.001
GRADES = ("grade_a", "grade_b", "grade_c", "grade_d")


class Anomaly(msgspec.Struct, frozen=True):
    """Something unusual.

    Attributes:
        kind: ``volume``, ``reject_rate``, ``grades`` or ``average_score``.
        message: what it is, for people.
    """

    kind: str
    message: str


def find_anomalies(run: Run, earlier: Sequence[Run]) -> list[Anomaly]:
    """Returns what is unusual about a run.

    Args:
        run: as it is about to be stored.
        earlier: the runs before it, the latest first.
    """
    compared = earlier[:COMPARED_RUNS]
    if len(compared) < FEWEST_RUNS:
        return []
    return [*_volume(run, compared), *_rejects(run, compared), *_scores(run, compared)]


def reject_rate(run: Run) -> float:
    """Returns how many of a hundred records were rejected."""
    return 100.0 * run["records_rejected"] / run["records_read"] if run["records_read"] else 0.0


def stability_index(shares: Sequence[float], usual: Sequence[float]) -> float:
    """Returns the population stability index of shares against the usual ones; 0 when they are the same."""
    pairs = [(max(one, SMALLEST_SHARE), max(other, SMALLEST_SHARE)) for one, other in zip(shares, usual, strict=True)]
    return sum((one - other) * math.log(one / other) for one, other in pairs)


def _volume(run: Run, earlier: Sequence[Run]) -> Iterator[Anomaly]:
    counts = [math.log1p(one["records_read"]) for one in earlier]
    middle, limit = _band(counts, math.log(VOLUME_FACTOR))
    if abs(math.log1p(run["records_read"]) - middle) > limit:
        usual = round(math.expm1(middle))
        more = "more" if run["records_read"] > usual else "fewer"
        yield Anomaly("volume", f"{run['records_read']:,} records, {more} than the usual {usual:,}")


def _rejects(run: Run, earlier: Sequence[Run]) -> Iterator[Anomaly]:
    middle, limit = _band([reject_rate(one) for one in earlier], REJECT_RATE_POINTS)
    if reject_rate(run) - middle > limit:
        message = f"{reject_rate(run):.1f} % of the records were rejected, {middle:.1f} % are usual"
        yield Anomaly("reject_rate", message)


def _scores(run: Run, earlier: Sequence[Run]) -> Iterator[Anomaly]:
    """Scores are compared with those of the same rules and the same model alone."""
    same = [
        one for one in earlier
        if (one["rules_version"], one["model_version"]) == (run["rules_version"], run["model_version"])
        and one["records_stored"]
    ]  # fmt: skip
    if len(same) < FEWEST_RUNS or not run["records_stored"]:
        return
    usual = [sum(one[grade] for one in same) for grade in GRADES]
    index = stability_index(_shares([run[grade] for grade in GRADES]), _shares(usual))
    if index > STABILITY_LIMIT:
        shown = ", ".join(
            f"{grade[-1].upper()} {now:.0%} (usually {then:.0%})"
            for grade, now, then in zip(GRADES, _shares([run[one] for one in GRADES]), _shares(usual), strict=True)
        )
        yield Anomaly("grades", f"the grades have shifted: {shown}")
    middle, limit = _band([one["average_score"] for one in same if one["average_score"] is not None], AVERAGE_POINTS)
    if run["average_score"] is not None and abs(run["average_score"] - middle) > limit:
        yield Anomaly("average_score", f"the average score is {run['average_score']:.1f}, {middle:.1f} is usual")


def _band(values: Sequence[float], least: float) -> tuple[float, float]:
    """Returns the middle of values, and how far from it is still usual."""
    if not values:
        return 0.0, math.inf
    middle = statistics.median(values)
    return middle, max(least, DEVIATIONS * statistics.median(abs(one - middle) for one in values))


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]
