"""At which passings of which fault points a test kills: about every fifth one; all of them with PENSTOCK_KILLS=200."""

import os
from collections.abc import Collection, Sequence

import pytest


def kills() -> int:
    """How many random kills; the full count of 200 takes a few minutes."""
    return int(os.environ.get("PENSTOCK_KILLS", "25"))


def cases(points: Sequence[tuple[str, int]], quick: Collection[tuple[str, int]]) -> list[object]:
    """Returns the parameters of a test that is killed at each (point, passing); those not in ``quick`` are slow."""
    everything = kills() >= 200
    # By the length of the name too, so that each point is among them at some passing.
    chosen = [one for one in points if everything or one in quick or (one[1] + len(one[0])) % 5 == 0]
    return [
        pytest.param(point, nth, marks=[] if (point, nth) in quick else [pytest.mark.slow], id=f"{point}:{nth}")
        for point, nth in chosen
    ]
