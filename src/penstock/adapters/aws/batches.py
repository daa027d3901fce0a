"""Batches as AWS takes them: so many things and so many bytes a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Thing = TypeVar("Thing")


def batches(
    things: Iterable[Thing], size: Callable[[Thing], int], *, limit: int, limit_bytes: int
) -> Iterator[list[Thing]]:
    """Yields lists of things in their order; one that is larger than the limit is alone, for AWS to judge.

    Args:
        size: of a thing, in bytes.
    """
    batch: list[Thing] = []
    total = 0
    for thing in things:
        own = size(thing)
        if batch and (len(batch) == limit or total + own > limit_bytes):
            yield batch
            batch, total = [], 0
        batch.append(thing)
        total += own
    if batch:
        yield batch
