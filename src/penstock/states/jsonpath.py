"""JSONPath as Step Functions has it, on a library that has more.

https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-paths.html. Imported when a path needs it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jsonpath
from jsonpath.match import JSONPathMatch
from jsonpath.selectors import Filter, JSONPathSelector, SliceSelector

Path = jsonpath.JSONPath | jsonpath.CompoundJSONPath


class ArraySlice(SliceSelector):
    """Takes elements of arrays: a text has none."""

    __slots__ = ()

    def resolve(self, node: JSONPathMatch) -> Iterable[JSONPathMatch]:
        return super().resolve(node) if isinstance(node.obj, list) else ()


class ObjectFilter(Filter):
    """Takes objects that fit: "@ does not match scalar values. It only matches objects"."""

    __slots__ = ()

    def resolve(self, node: JSONPathMatch) -> Iterable[JSONPathMatch]:
        return (match for match in super().resolve(node) if isinstance(match.obj, dict))


def compile_query(text: str) -> Path:
    """Returns a compiled query. Raises what the library makes of text from outside."""
    query = jsonpath.compile(text)
    for segment in getattr(query, "segments", ()):
        segment.selectors = tuple(_own(selector) for selector in segment.selectors)
    return query


def begins_with_slice(query: Path) -> bool:
    """Tells whether a query is applied to an array as a whole."""
    first: Any = next(iter(getattr(query, "segments", ())), None)
    return first is not None and any(isinstance(one, SliceSelector) for one in first.selectors)


def _own(selector: Any) -> JSONPathSelector:
    if isinstance(selector, SliceSelector):
        part = selector.slice
        return ArraySlice(env=selector.env, token=selector.token, start=part.start, stop=part.stop, step=part.step)
    if isinstance(selector, Filter):
        return ObjectFilter(env=selector.env, token=selector.token, expression=selector.expression)
    return selector  # type: ignore[no-any-return]
