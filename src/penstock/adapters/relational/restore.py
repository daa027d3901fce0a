"""From what a driver answers to the values that went in."""

from __future__ import annotations

import contextlib
import datetime
import decimal
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from penstock.model.column_types import parse_type
from penstock.model.warehouses import Relation
from penstock.ports.warehouse import Rows

Restore = Callable[[Any], Any]


class RowRestorer:
    """Gives columns of an answer the type that columns of that name have in some tables."""

    def __init__(self, relations: Iterable[Relation]) -> None:
        types: dict[str, set[str]] = {}
        for relation in relations:
            for column in relation.columns:
                types.setdefault(column.name, set()).add(column.type)
        self._types = {name: kinds.pop() for name, kinds in types.items() if len(kinds) == 1}

    def restored(self, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Rows:
        """Returns an answer."""
        columns = [
            [restore(row[position]) for row in rows] for position, restore in enumerate(map(self._restorer, names))
        ]
        return Rows(tuple(names), list(zip(*columns, strict=True)) if columns else [])

    def _restorer(self, name: str) -> Restore:
        kind = self._types.get(name, "")
        if kind.startswith("decimal"):
            unit = decimal.Decimal(1).scaleb(-parse_type(kind).digits[1])
            return lambda value: _decimal(value, unit)
        if "<" in kind:
            return _json
        return SCALARS.get(kind, _computed)


def _computed(value: Any) -> Any:
    """Sums of whole numbers are whole numbers, whatever a server makes of them."""
    if isinstance(value, decimal.Decimal):
        return int(value) if value.as_tuple().exponent == 0 else value
    return _moment(value) if isinstance(value, datetime.datetime) else value


def _decimal(value: Any, unit: decimal.Decimal) -> Any:
    if isinstance(value, bytes):
        value = value.decode()
    with contextlib.suppress(decimal.InvalidOperation, ValueError, TypeError):
        return value if value is None else decimal.Decimal(str(value)).quantize(unit, context=decimal.Context(prec=60))
    return value


def _json(value: Any) -> Any:
    with contextlib.suppress(msgspec.DecodeError):
        return msgspec.json.decode(value) if isinstance(value, str | bytes) else value
    return value


def _moment(value: Any) -> Any:
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = datetime.datetime.fromisoformat(value)
    if not isinstance(value, datetime.datetime):
        return value
    return value.replace(tzinfo=datetime.UTC) if value.tzinfo is None else value.astimezone(datetime.UTC)


def _date(value: Any) -> Any:
    with contextlib.suppress(ValueError):
        return datetime.date.fromisoformat(value) if isinstance(value, str) else value
    return value


def _boolean(value: Any) -> Any:
    return bool(value) if value in {0, 1} else value


def _integer(value: Any) -> Any:
    return int(value) if isinstance(value, decimal.Decimal) and value == value.to_integral_value() else value


def _float(value: Any) -> Any:
    return float(value) if isinstance(value, decimal.Decimal | int) else value


SCALARS: dict[str, Restore] = {
    "timestamp": _moment,
    "date": _date,
    "boolean": _boolean,
    "bigint": _integer,
    "double": _float,
    "string": lambda value: value,
    "binary": lambda value: value,
}
