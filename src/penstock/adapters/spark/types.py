"""Column types in the catalog's notation → as Spark declares them, and as msgspec reads what it writes."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Mapping
from typing import Any, TypedDict

import msgspec

from penstock.model.column_types import ColumnType, parse_type

PYTHON: dict[str, Any] = {
    "string": str,
    "binary": str,
    "boolean": bool,
    "bigint": int,
    "double": float,
    "timestamp": datetime.datetime,
    "date": datetime.date,
}


def ddl(columns: Mapping[str, str]) -> str:
    """Returns columns as ``CREATE TABLE`` has them."""
    return ", ".join(f"{quoted(name)} {spark_type(kind)}" for name, kind in columns.items())


def spark_type(text: str) -> str:
    """Returns Spark's name of a type such as ``map<string,double>``."""
    return _spark(parse_type(text))


def quoted(name: str) -> str:
    """Returns a name as Spark's SQL takes it, whatever it holds."""
    return "`" + name.replace("`", "``") + "`"


def row_type(columns: Mapping[str, str]) -> type[msgspec.Struct]:
    """Returns the type of a row as JSON: its attributes are the columns in order."""
    fields = [(f"column_{number}", _python(parse_type(kind)) | None) for number, kind in enumerate(columns.values())]
    names = {f"column_{number}": name for number, name in enumerate(columns)}
    return msgspec.defstruct("Row", fields, rename=names)


def _spark(kind: ColumnType) -> str:
    inner = [_spark(one) for one in kind.inner]
    if kind.name == "struct":
        pairs = zip(kind.fields, inner, strict=True)
        return f"struct<{','.join(f'{quoted(name)}:{one}' for name, one in pairs)}>"
    if inner:
        return f"{kind.name}<{','.join(inner)}>"
    return "string" if kind.name == "binary" else kind.name


def _python(kind: ColumnType) -> Any:
    inner = [_python(one) | None for one in kind.inner]
    match kind.name:
        case "array":
            return list[inner[0]]  # type: ignore[valid-type]
        case "map":
            return dict[_python(kind.inner[0]), inner[1]]  # type: ignore[misc]
        case "struct":
            return TypedDict("Fields", dict(zip(kind.fields, inner, strict=True)))  # type: ignore[operator]
    return PYTHON.get(kind.name, decimal.Decimal)
