"""What a Retry and a Catch may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock.errors import Finding
from penstock.states.choice import is_number
from penstock.states.failures import ALL
from penstock.states.lint.fields import result_path
from penstock.states.lint.words import shown, unknown_fields
from penstock.states.retry import LONGEST_SECONDS

RETRIER = frozenset({
    "ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "Comment",
})  # fmt: skip
CATCHER = frozenset({"ErrorEquals", "Next", "Comment", "Assign"})
CATCHERS = {True: CATCHER | {"Output"}, False: CATCHER | {"ResultPath"}}


def check_retry(retriers: Any, where: str) -> Iterator[Finding]:
    """Yields what is wrong with a Retry."""
    if not isinstance(retriers, list):
        yield Finding(where, "type", "Retry is a list", 'write [{"ErrorEquals": ["States.ALL"]}]')
        return
    for number, retrier in enumerate(retriers):
        place = f"{where}[{number}]"
        yield from _handler(retrier, RETRIER, place, is_last=number == len(retriers) - 1)
        if isinstance(retrier, dict):
            yield from _retrier(retrier, place)


def _retrier(retrier: dict[str, Any], where: str) -> Iterator[Finding]:
    ranges = {
        "IntervalSeconds": (1, LONGEST_SECONDS),
        "MaxAttempts": (0, LONGEST_SECONDS),
        "MaxDelaySeconds": (1, 31_622_400),
    }
    for field, (low, high) in ranges.items():
        value = retrier.get(field, low)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            yield Finding(f"{where}.{field}", "value", f"{shown(value)} is not possible", f"a whole number from {low}")
    rate = retrier.get("BackoffRate", 2.0)
    if not is_number(rate) or not 1 <= rate <= 1000:
        yield Finding(f"{where}.BackoffRate", "value", f"{shown(rate)} is not possible", "a number from 1")
    if retrier.get("JitterStrategy", "NONE") not in ("FULL", "NONE"):
        yield Finding(f"{where}.JitterStrategy", "value", "JitterStrategy is FULL or NONE", "choose one")
    delay, interval = retrier.get("MaxDelaySeconds"), retrier.get("IntervalSeconds", 1)
    if is_number(delay) and is_number(interval) and delay <= interval:
        yield Finding(f"{where}.MaxDelaySeconds", "value", "MaxDelaySeconds is above IntervalSeconds", "raise it")


def check_catch(catchers: Any, where: str, *, is_jsonata: bool = False) -> Iterator[Finding]:
    """Yields what is wrong with a Catch."""
    if not isinstance(catchers, list):
        yield Finding(where, "type", "Catch is a list", 'write [{"ErrorEquals": ["States.ALL"], "Next": "…"}]')
        return
    for number, catcher in enumerate(catchers):
        place = f"{where}[{number}]"
        yield from _handler(catcher, CATCHERS[is_jsonata], place, is_last=number == len(catchers) - 1)
        if isinstance(catcher, dict):
            if "Next" not in catcher:
                yield Finding(place, "required", "a catcher needs Next", "name the state to go on with")
            if not is_jsonata:
                yield from result_path(catcher, place)


def _handler(entry: Any, known: frozenset[str], where: str, *, is_last: bool) -> Iterator[Finding]:
    if not isinstance(entry, dict):
        yield Finding(where, "type", "an entry is a JSON object", 'write {"ErrorEquals": […]}')
        return
    yield from unknown_fields(entry, known, where)
    errors = entry.get("ErrorEquals")
    if not isinstance(errors, list) or not errors or not all(isinstance(error, str) for error in errors):
        yield Finding(f"{where}.ErrorEquals", "required", "ErrorEquals lists names of errors", 'such as ["States.ALL"]')
    elif ALL in errors and (len(errors) > 1 or not is_last):
        yield Finding(f"{where}.ErrorEquals", "all", "States.ALL stands alone, in the last entry", "move it to the end")
