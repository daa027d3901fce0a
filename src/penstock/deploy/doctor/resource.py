"""A planned resource: its values, and which of them are known only after the apply.

https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec

_INDEX = re.compile(r'\[(?:"(?:[^"\\]|\\.)*"|\d+)\]')
Step = str | int


class Resource(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One instance of a resource or of a data source.

    A value is known, absent, or unknown until the apply. What is computed and not configured is absent: AWS's default
    applies. Methods that return a value return None for what is absent and for what is unknown, so that a rule which
    asks for something bad never takes an unknown value for it.

    Attributes:
        values: after the plan is applied, as far as known.
        unknown: True in the place of each value that is not known.
        expressions: as written in the configuration; None when the configuration is not at hand.
    """

    address: str
    type: str
    name: str
    is_data: bool = False
    values: Mapping[str, Any] = {}
    unknown: Mapping[str, Any] = {}
    expressions: Mapping[str, Any] | None = None

    @property
    def configured_at(self) -> str:
        """The address in the configuration: without the keys of ``count`` and ``for_each``."""
        return _INDEX.sub("", self.address)

    @property
    def key(self) -> str:
        """The key of ``count`` or ``for_each`` with its brackets; empty without."""
        match = re.search(rf"{_INDEX.pattern}$", self.address)
        return match[0] if match else ""

    def is_unknown(self, *path: Step) -> bool:
        """Tells whether a value is configured, but known only after the apply."""
        known, _ = self._find(path)
        return not known

    def get(self, *path: Step) -> Any:
        """Returns a value; None when it is absent or unknown."""
        return self._find(path)[1]

    def is_absent(self, *path: Step) -> bool:
        """Tells whether a value is known to be absent or empty."""
        known, value = self._find(path)
        return known and value in (None, "", [], {})

    def text(self, *path: Step) -> str | None:
        """Returns a text; None for anything else."""
        value = self.get(*path)
        return value if isinstance(value, str) and value else None

    def number(self, *path: Step) -> float | None:
        """Returns a finite number; None for anything else."""
        value = self.get(*path)
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return None
        return value

    def is_true(self, *path: Step) -> bool:
        """Tells whether a flag is known to be set."""
        return self.get(*path) in (True, "true")

    def is_off(self, *path: Step) -> bool:
        """Tells whether a flag is known to be false or absent."""
        known, value = self._find(path)
        return known and value in (None, False, "false", "", [], {})

    def texts(self, *path: Step) -> list[str]:
        """Returns the texts of a list, without what is unknown; a single text counts as a list of one."""
        value = self.get(*path)
        found = value if isinstance(value, list | tuple) else [value]
        return [one for one in found if isinstance(one, str) and one]

    def table(self, *path: Step) -> dict[str, Any]:
        """Returns a map; empty for anything else."""
        value = self.get(*path)
        return {str(key): one for key, one in value.items()} if isinstance(value, Mapping) else {}

    def blocks(self, name: str) -> list[Resource]:
        """Returns nested blocks, each to be asked like a resource."""
        value = self.get(name)
        if not isinstance(value, list | tuple):
            return []
        unknown, written = self.unknown.get(name), (self.expressions or {}).get(name)
        return [
            msgspec.structs.replace(
                self,
                type=f"{self.type}.{name}",
                values=one,
                unknown=mapping(_at(unknown, number)),
                expressions=found if isinstance(found := _written(written, number), Mapping) else None,
            )
            for number, one in enumerate(value)
            if isinstance(one, Mapping)
        ]

    def _find(self, path: tuple[Step, ...]) -> tuple[bool, Any]:
        """Returns whether the value is known, and the value."""
        value: Any = self.values
        marker: Any = self.unknown
        written: Any = self.expressions
        for step in path:
            is_written_here = isinstance(written, Mapping | list)
            value, marker, written = _at(value, step), _at(marker, step), _written(written, step)
            if marker is True:
                # Where the configuration is silent, the service's own default is computed.
                return is_written_here and written is None and not self.is_data, None
        return True, value


def mapping(value: Any) -> Mapping[str, Any]:
    """Returns a map, empty in place of anything else."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: Any) -> list[Any]:
    """Returns a list, empty in place of anything else."""
    return value if isinstance(value, list) else []


def _at(value: Any, step: Step) -> Any:
    if isinstance(value, Mapping):
        return value.get(step) if isinstance(step, str) else None
    if isinstance(value, list | tuple) and isinstance(step, int):
        return value[step] if 0 <= step < len(value) else None
    return None


def _written(expression: Any, step: Step) -> Any:
    """Returns the expression one step further in; inside of an expression it stays the same."""
    if isinstance(expression, Mapping) and expression.keys() <= {"constant_value", "references"} and expression:
        return expression
    if isinstance(expression, Mapping) and step == 0:
        return expression
    return _at(expression, step)
