"""Values by the names of a file → ``Incoming`` records by canonical names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from operator import itemgetter
from typing import Any

import msgspec

from penstock.pipelines.leads import columns
from penstock.pipelines.leads.json_records import Damaged, sound
from penstock.pipelines.leads.records import REASONS, Incoming

RAW_CHARACTERS_LIMIT = 65_536
PLANS_LIMIT = 4096
# The fields of a record behind its line, in their order.
FIELDS = Incoming.__struct_fields__[1:]
_PLAIN = {str, type(None)}
_ENCODE = msgspec.json.Encoder().encode


class ObjectNaming:
    """Makes records of JSON values. Objects may have different names; most of a file's have the same."""

    def __init__(self) -> None:
        self._fillings: dict[tuple[str, ...], Filling] = {}
        self.fields: set[str] = set()
        self.unknown: dict[str, None] = {}

    def records(self, first: int, values: list[Any]) -> list[Incoming]:
        """Returns the records of values that follow one another; ``None`` among them is a blank line."""
        return [self._record(line, value) for line, value in zip(count(first), values) if value is not None]

    def _record(self, line: int, value: Any) -> Incoming:
        if value.__class__ is not dict:
            return _no_record(line, value)
        names, cells = tuple(value), list(value.values())
        if {*map(type, cells)} - _PLAIN:
            names, cells = _flat(value)
        if len(names) > columns.FIELDS_LIMIT:
            return refused(line, "too_many_fields", f"the record has {len(names):,} fields", _text_of(value))
        filling = self._fillings.get(names)
        if filling is None:
            filling = self._filling(names)
        return filling.record(line, cells)

    def _filling(self, names: tuple[str, ...]) -> Filling:
        if len(self._fillings) >= PLANS_LIMIT:
            self._fillings.clear()
        plan = columns.plan(names)
        filling = self._fillings[names] = Filling(plan)
        self.fields |= plan.fields
        if len(self.unknown) < columns.FIELDS_LIMIT:
            self.unknown.update((name, None) for _, name in plan.extra)
        return filling


class Filling:
    """Makes records of cells that stand as a plan says."""

    def __init__(self, plan: columns.Plan) -> None:
        self.plan = plan
        places = dict(plan.direct)
        # One cell more than there are columns is empty: there, what no column gives is found.
        missing = len(plan.names)
        self._pick = itemgetter(*(places.get(field, missing) for field in FIELDS))

    def record(self, line: int, cells: Sequence[str | None]) -> Incoming:
        """Returns the record of a line."""
        said = [cell or None for cell in cells]
        said.append(None)
        record = Incoming(line, *self._pick(said))
        if self.plan.extra or self.plan.chosen:
            self._complete(record, said)
        return record

    def _complete(self, record: Incoming, cells: list[str | None]) -> None:
        extra = {name: cells[place] for place, name in self.plan.extra if cells[place]}
        for field, places in self.plan.chosen:
            told = [place for place in places if (cells[place] or "").strip()]
            if told:
                setattr(record, field, cells[told[0]])
                extra.update((self.plan.names[place], cells[place]) for place in told[1:]
                             if cells[place] != cells[told[0]])  # fmt: skip
        if extra:
            record.extra = _ENCODE(extra).decode()


def refused(line: int, reason: str, message: str, raw: str) -> Incoming:
    """Returns what stands for a line that is no record."""
    return Incoming(line=line, refused=reason, message=message or REASONS[reason], raw=raw[:RAW_CHARACTERS_LIMIT])


def text_of_cell(value: Any) -> str | None:
    """Returns a value as a person would write it: whole numbers without a point, times in ISO 8601."""
    if value is None or isinstance(value, str):
        return value
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    isoformat: Callable[[], str] | None = getattr(value, "isoformat", None)
    return str(value) if isoformat is None else isoformat()


def _no_record(line: int, value: Any) -> Incoming:
    if isinstance(value, Damaged):
        return refused(line, "not_json", f"the line is not JSON: {value.message}", sound(value.text))
    return refused(line, "not_a_record", "", _text_of(value))


def _flat(value: dict[str, Any]) -> tuple[tuple[str, ...], list[str | None]]:
    """Returns the names and values of an object without depth: ``company.name``; a list gives its name repeatedly."""
    names: list[str] = []
    cells: list[str | None] = []

    def visit(name: str, inner: Any) -> None:
        if isinstance(inner, dict):
            for key, one in inner.items():
                visit(f"{name}.{key}", one)
        elif isinstance(inner, list):
            for one in inner:
                visit(name, one)
        else:
            names.append(name)
            cells.append(sound(text_of_cell(inner)))

    for key, one in value.items():
        visit(key, one)
    return tuple(names), cells


def _text_of(value: Any) -> str:
    try:
        return _ENCODE(value).decode()
    except (ValueError, TypeError, OverflowError):
        return str(sound(repr(value)))
