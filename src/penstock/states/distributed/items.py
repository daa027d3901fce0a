"""Items of a distributed Map.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html and, for what an item says of
itself, https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html#contextobject-map.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from penstock.states import failures
from penstock.states.failures import StateFailedError
from penstock.states.missing import shown

STATE_DATA = "STATE_DATA"
# "The maximum limit that you can specify is 100,000,000. Distributed Map stops reading items beyond this limit."
ITEMS_LIMIT = 100_000_000
# The largest row, line or array element that is read.
ITEM_LIMIT_BYTES = 8 << 20
NOT_ITERABLE = "Attempting to map over non-iterable node."


class Item(NamedTuple):
    """One item.

    Attributes:
        value: what ``$$.Map.Item.Value`` is.
        key: its name, where the items are an object's members.
        source: where it is from: STATE_DATA, ``S3://bucket`` for a listing, or ``S3://bucket/key``.
    """

    value: Any
    key: str | None = None
    source: str = STATE_DATA

    @property
    def input(self) -> Any:
        """What a child execution begins with where there is no ItemSelector."""
        return self.value if self.key is None else {"Key": self.key, "Value": self.value}


def reader_failed(cause: str) -> StateFailedError:
    """Returns the failure of an ItemReader."""
    return StateFailedError(failures.ITEM_READER_FAILED, cause)


def given_items(value: Any) -> Iterator[Item]:
    """Yields the items of an array, or an object's members, that the state's input holds.

    Raises:
        StateFailedError: ``States.Runtime``: it is neither.
    """
    if isinstance(value, list):
        return (Item(member) for member in value)
    if isinstance(value, dict):
        return (Item(member, key) for key, member in value.items())
    raise StateFailedError(failures.RUNTIME, NOT_ITERABLE)


def at_most(items: Iterable[Item], limit: Any) -> Iterator[Item]:
    """Yields the first items, as ``MaxItems`` says; 0 or nothing means no other limit than AWS's own.

    Raises:
        StateFailedError: ``States.Runtime``: the limit is no whole number; ``States.ItemReaderFailed``: it is below 0.
    """
    if isinstance(limit, int) and limit < 0:
        raise reader_failed("field MaxItems must be positive")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int)):
        raise StateFailedError(failures.RUNTIME, f"MaxItems must be a whole number, not {shown(limit):.100}")
    return itertools.islice(items, min(limit or ITEMS_LIMIT, ITEMS_LIMIT))
