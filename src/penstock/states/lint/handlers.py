"""What a Retry and a Catch may be.

https://states-language.net/spec.html#errors
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any

from penstock.errors import Finding
from penstock.states.choice import is_number
from penstock.states.failures import ALL
from penstock.states.lint.comments import check_comment
from penstock.states.lint.numbers import check_number, check_whole
from penstock.states.lint.paths import result_path
from penstock.states.lint.words import SHOWN_CHARACTERS, shown, unknown_fields
from penstock.states.retry import LONGEST_SECONDS

RETRIER = frozenset({
    "ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "Comment",
})  # fmt: skip
CATCHER = frozenset({"ErrorEquals", "Next", "Comment", "Assign"})
CATCHERS = {True: CATCHER | {"Output"}, False: CATCHER | {"ResultPath"}}
OTHERS = {True: ("JSONPath", frozenset({"ResultPath"})), False: ("JSONata", frozenset({"Output"}))}
LONGEST_DELAY_SECONDS = 31_622_400
# Names that begin so are the language's own.
RESERVED = "States."
ERROR_NAMES = (
    "States.ALL", "States.BranchFailed", "States.DataLimitExceeded", "States.ExceedToleratedFailureThreshold",
    "States.HeartbeatTimeout", "States.Http.Socket", "States.IntrinsicFailure", "States.ItemReaderFailed",
    "States.NoChoiceMatched", "States.ParameterPathFailure", "States.Permissions", "States.QueryEvaluationError",
    "States.ReferencePathConflict", "States.ResultPathMatchFailure", "States.ResultWriterFailed", "States.Runtime",
    "States.TaskFailed", "States.Timeout",
)  # fmt: skip
STATUS_CODE = re.compile(r"States\.Http\.StatusCode\.[1-5][0-9]{2}")


def check_retry(retriers: Any, where: str) -> Iterator[Finding]:
    """Yields what is wrong with a Retry."""
    if not isinstance(retriers, list):
        yield Finding(where, "type", "Retry is a list", 'write [{"ErrorEquals": ["States.ALL"]}]')
        return
    for number, retrier in enumerate(retriers):
        place = f"{where}[{number}]"
        yield from _handler(retrier, RETRIER, ("", frozenset()), place, is_last=number == len(retriers) - 1)
        if isinstance(retrier, dict):
            yield from _retrier(retrier, place)


def _retrier(retrier: dict[str, Any], where: str) -> Iterator[Finding]:
    yield from check_whole(retrier, "IntervalSeconds", where, low=1, high=LONGEST_SECONDS)
    yield from check_whole(retrier, "MaxAttempts", where, low=0, high=LONGEST_SECONDS)
    yield from check_whole(retrier, "MaxDelaySeconds", where, low=1, high=LONGEST_DELAY_SECONDS)
    yield from check_number(retrier, "BackoffRate", where, (1, None))
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
        known, other = CATCHERS[is_jsonata], OTHERS[is_jsonata]
        yield from _handler(catcher, known, other, place, is_last=number == len(catchers) - 1)
        if isinstance(catcher, dict):
            if "Next" not in catcher:
                yield Finding(place, "required", "a catcher needs Next", "name the state to go on with")
            if not is_jsonata:
                yield from result_path(catcher, place)


def _handler(
    entry: Any, known: frozenset[str], other: tuple[str, frozenset[str]], where: str, *, is_last: bool
) -> Iterator[Finding]:
    if not isinstance(entry, dict):
        yield Finding(where, "type", "an entry is a JSON object", 'write {"ErrorEquals": […]}')
        return
    yield from unknown_fields(entry, known, where, other)
    yield from check_comment(entry, where)
    errors = entry.get("ErrorEquals")
    if not isinstance(errors, list) or not errors or not all(isinstance(error, str) for error in errors):
        yield Finding(f"{where}.ErrorEquals", "required", "ErrorEquals lists names of errors", 'such as ["States.ALL"]')
        return
    if ALL in errors and (len(errors) > 1 or not is_last):
        yield Finding(f"{where}.ErrorEquals", "all", "States.ALL stands alone, in the last entry", "move it to the end")
    for number, error in enumerate(errors):
        if error.startswith(RESERVED) and error not in ERROR_NAMES and not STATUS_CODE.fullmatch(error):
            place = f"{where}.ErrorEquals[{number}]"
            yield Finding(place, "error-name", f"there is no error {shown(error)}", _near_error(error))


def _near_error(error: str) -> str:
    near = difflib.get_close_matches(error[:SHOWN_CHARACTERS], ERROR_NAMES, 1)
    return f"did you mean {near[0]}?" if near else "names of your own do not begin with States."
