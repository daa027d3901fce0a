"""Which names belong where, and what was probably meant by one that does not."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from typing import Any

from penstock.errors import Finding

NAME_LIMIT = 80
COMPARED_NAMES = 100
SHOWN_CHARACTERS = 100


def shown(value: Any) -> str:
    """Returns a value as a message quotes it, not longer than a line."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def near_name(name: Any, states: dict[str, Any]) -> str:
    """Returns a hint: the state that was probably meant, or those that there are."""
    if isinstance(name, str):
        # Only names that can be near, and only so many: a hint must not take longer than the check.
        candidates = [state for state in states if abs(len(state) - len(name)) <= 3][:COMPARED_NAMES]
        near = [state for state in candidates if state.casefold() == name.casefold()]
        if not near and len(name) <= SHOWN_CHARACTERS:
            near = difflib.get_close_matches(name, candidates, 1)
        if near:
            return f"did you mean {near[0][:SHOWN_CHARACTERS]!r}?"
    return f"the states are: {', '.join(state[:SHOWN_CHARACTERS] for state in list(states)[:10])}"


def unknown_fields(
    body: dict[str, Any], known: Collection[str], where: str, other: tuple[str, Collection[str]] = ("", ())
) -> Iterator[Finding]:
    """Yields a finding for each field that does not belong here.

    Args:
        other: the other query language, and the fields that it has here.
    """
    for field in body:
        if field in known:
            continue
        place = f"{where}.{field[:SHOWN_CHARACTERS]}"
        if field in other[1]:
            message = f"{field} belongs to {other[0]}, which is not the query language here"
            hint = f"write in the language of the state, or set its QueryLanguage to {other[0]}"
            yield Finding(place, "query-language", message, hint)
        else:
            near = difflib.get_close_matches(field[:SHOWN_CHARACTERS], known, 1)
            hint = f"did you mean {near[0]}?" if near else f"possible here: {', '.join(sorted(known))}"
            yield Finding(place, "unknown-field", f"{shown(field)} does not belong here", hint)
