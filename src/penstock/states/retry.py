"""Which retrier a failure meets, and how long it makes it wait.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-retrying-after-an-error
"""

from __future__ import annotations

import random

from penstock.states import failures
from penstock.states.machine import Retrier

# The longest time that the language can wait for, of any field.
LONGEST_SECONDS = 99_999_999


def next_retry(
    retriers: tuple[Retrier, ...], used: list[int], error: str, *, from_branch: bool
) -> tuple[Retrier, int] | None:
    """Returns the first retrier that matches, and how often it was used before; None if no attempt is left.

    Args:
        used: how often each retrier was used in this visit of the state; the one returned is counted.
    """
    for position, retrier in enumerate(retriers):
        if failures.matches(retrier.errors, error, from_branch=from_branch):
            before = used[position]
            if before >= retrier.max_attempts:
                return None
            used[position] = before + 1
            return retrier, before
    return None


def pause_seconds(retrier: Retrier, used: int, seed: str) -> float:
    """Returns the pause before the next attempt.

    Args:
        used: how often the retrier was used before.
        seed: decides the jitter; equal seeds give equal pauses.
    """
    longest = LONGEST_SECONDS if retrier.max_delay_seconds is None else retrier.max_delay_seconds
    try:
        delay = min(float(longest), retrier.interval_seconds * float(retrier.backoff_rate) ** used)
    except OverflowError:
        delay = float(longest)
    return random.Random(seed).uniform(0, delay) if retrier.full_jitter else delay
