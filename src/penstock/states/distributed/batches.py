"""ItemBatcher: several items for one child execution.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html: a batch is
``{"BatchInput": …, "Items": […]}``; it is closed by whichever limit is reached first, and never grows over the
256 KiB that an execution's input may have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from penstock.states import failures
from penstock.states.failures import PAYLOAD_LIMIT_BYTES, StateFailedError
from penstock.states.missing import shown


class Batch(NamedTuple):
    """What one child execution begins with.

    Attributes:
        size: how many items are in it.
    """

    input: Any
    size: int


def batches(values: Iterable[Any], batcher: dict[str, Any] | None) -> Iterator[Batch]:
    """Yields the inputs of the child executions; each item alone where there is no ItemBatcher.

    Args:
        values: the items, after ItemSelector.
        batcher: ``MaxItemsPerBatch``, ``MaxInputBytesPerBatch`` and ``BatchInput``, evaluated.

    Raises:
        StateFailedError: ``States.Runtime``: a limit makes no sense, or there is none; ``States.DataLimitExceeded``:
            an item alone is larger than a batch may be.
    """
    if batcher is None:
        return (Batch(value, 1) for value in values)
    limit, limit_bytes = _limit(batcher, "MaxItemsPerBatch"), _limit(batcher, "MaxInputBytesPerBatch")
    if limit is None and limit_bytes is None:
        raise StateFailedError(failures.RUNTIME, "ItemBatcher needs MaxItemsPerBatch or MaxInputBytesPerBatch")
    return _grouped(values, batcher, limit, min(limit_bytes or PAYLOAD_LIMIT_BYTES, PAYLOAD_LIMIT_BYTES))


def _limit(batcher: dict[str, Any], name: str) -> int | None:
    value = batcher.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise StateFailedError(failures.RUNTIME, f"{name} must be a whole number from 1, not {shown(value):.100}")
    return value


def _grouped(values: Iterable[Any], batcher: dict[str, Any], limit: int | None, limit_bytes: int) -> Iterator[Batch]:
    envelope = {"BatchInput": batcher["BatchInput"]} if batcher.get("BatchInput") is not None else {}
    empty_bytes = _size({**envelope, "Items": []})
    items: list[Any] = []
    size = empty_bytes
    for value in values:
        value_bytes = _size(value)
        if empty_bytes + value_bytes > limit_bytes:
            cause = f"An item of {value_bytes} bytes does not fit into a batch of at most {limit_bytes} bytes"
            raise StateFailedError(failures.DATA_LIMIT_EXCEEDED, cause)
        # A comma stands before all items but the first.
        if items and (len(items) == limit or size + 1 + value_bytes > limit_bytes):
            yield Batch({**envelope, "Items": items}, len(items))
            items, size = [], empty_bytes
        size += value_bytes + bool(items)
        items.append(value)
    if items:
        yield Batch({**envelope, "Items": items}, len(items))


def _size(value: Any) -> int:
    try:
        return len(msgspec.json.encode(value))
    except (ValueError, TypeError, RecursionError) as error:
        raise StateFailedError(failures.RUNTIME, f"An item cannot be written as JSON: {error}") from None
