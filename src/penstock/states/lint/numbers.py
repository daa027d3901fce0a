"""Numbers and times in fields, in both query languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock.errors import Finding
from penstock.states import jsonata
from penstock.states.choice import is_number
from penstock.states.lint.words import shown
from penstock.states.retry import LONGEST_SECONDS


def check_whole(
    body: dict[str, Any], field: str, where: str, *, low: int, high: int | None = None, is_jsonata: bool = False
) -> Iterator[Finding]:
    """Yields a finding unless a field is missing, a whole number in its range, or an expression where one may be."""
    value = body.get(field, low)
    if is_jsonata and jsonata.is_expression(value):
        return
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or value < low or (high is not None and value > high):
        span = f"a whole number from {low}" + ("" if high is None else f" to {high}")
        yield Finding(f"{where}.{field}", "value", f"{field} cannot be {shown(value)}", span)


def check_number(
    body: dict[str, Any], field: str, where: str, span: tuple[float, float | None], *, is_jsonata: bool = False
) -> Iterator[Finding]:
    """Yields a finding unless a field is missing, a number in its range, or an expression where one may be."""
    low, high = span
    value = body.get(field, low)
    if is_jsonata and jsonata.is_expression(value):
        return
    if not is_number(value) or value < low or (high is not None and value > high):
        hint = f"a number from {low}" + ("" if high is None else f" to {high}")
        yield Finding(f"{where}.{field}", "value", f"{field} cannot be {shown(value)}", hint)


def check_seconds(body: dict[str, Any], field: str, where: str, *, is_jsonata: bool = False) -> Iterator[Finding]:
    """Yields a finding unless a field is missing or a whole number of seconds above zero."""
    yield from check_whole(body, field, where, low=1, high=LONGEST_SECONDS, is_jsonata=is_jsonata)


def is_wait(value: Any) -> bool:
    """Tells whether a value is a number of seconds that can be waited for."""
    return is_number(value) and 0 <= value <= LONGEST_SECONDS and value == int(value)
