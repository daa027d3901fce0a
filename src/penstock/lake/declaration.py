"""An inferred table as the Python that declares it: records as msgspec structs, and a pipeline with the table."""

from __future__ import annotations

import keyword
import re

from penstock.lake.crawl import Crawled, Problem
from penstock.lake.inferred import Array, Inferred, Map, Scalar, Struct
from penstock.model.datasets import PARTITION_COLUMNS, Partition

PYTHON_TYPES = {
    "string": "str",
    "bigint": "int",
    "double": "float",
    "boolean": "bool",
    "binary": "bytes",
    "timestamp": "datetime.datetime",
    "date": "datetime.date",
    "decimal": "decimal.Decimal",
    "unknown": "str",
}
LEFT_OUT = (
    "is left out: every table has a column of this name, which says when its records arrived; the raw objects keep"
    " the value, and under another name it would be a column"
)
NOT_IN_NAMES = re.compile(r"\W+", re.ASCII)


def declare(crawled: Crawled) -> str:
    """Returns a Python file that declares the table; every problem that was found is a comment in it."""
    writer = _Writer()
    record = _camel(crawled.name)
    partition = _partition(crawled)
    taken = PARTITION_COLUMNS[partition]
    fields = {one.name: (one.type, one.nullable) for one in crawled.columns if one.name.lower() not in taken}
    writer.write(record, fields)
    body = "\n\n\n".join(writer.classes)
    imports = [f"import {name}" for name in ("datetime", "decimal") if f"{name}." in body]
    left_out = [Problem(one.name, LEFT_OUT) for one in crawled.columns if one.name not in fields]
    problems = [f"# {one.where}: {one.message}".replace("\n", " ") for one in (*crawled.problems, *left_out)]
    pipeline = [
        f'pipeline = Pipeline("{crawled.name.replace("_", "-")[:32].rstrip("-")}")',
        f'{crawled.name} = pipeline.lake("{crawled.name}", {record}, partition="{partition}")',
    ]
    head = [*imports, *([""] if imports else []), "import msgspec", "", "from penstock import Pipeline", ""]
    return "\n".join([*head, *problems, "", body, "", "", *pipeline, ""])


def _partition(crawled: Crawled) -> Partition:
    """Returns the width of a partition: by the folders, and else such that a column ``hour`` need not be left out."""
    names = {column.name.lower() for column in crawled.columns}
    is_by_hour = "hour" in crawled.partition_columns
    is_by_day = crawled.partition_columns == ("year", "month", "day") or (not is_by_hour and "hour" in names)
    return "day" if is_by_day else "hour"


class _Writer:
    """Writes classes, the inner ones first."""

    def __init__(self) -> None:
        self.classes: list[str] = []
        self._taken: set[str] = set()

    def write(self, name: str, fields: dict[str, tuple[Inferred, bool]]) -> str:
        """Writes the class of a record; returns its name, which no other class has."""
        while name in self._taken:
            name = f"{name}_"
        self._taken.add(name)
        attributes: set[str] = set()
        lines = [self._field(name, key, kind, nullable, attributes) for key, (kind, nullable) in fields.items()]
        self.classes.append("\n".join([f"class {name}(msgspec.Struct, kw_only=True):", *(lines or ["    pass"])]))
        return name

    def _field(self, owner: str, key: str, kind: Inferred, nullable: bool, attributes: set[str]) -> str:
        attribute = _attribute(key)
        while attribute in attributes:
            attribute = f"{attribute}_"
        attributes.add(attribute)
        annotation = self._annotation(f"{owner}{_camel(key)}", kind)
        annotation += " | None" if nullable else ""
        arguments = [*(["default=None"] if nullable else []), f"name={key!r}"]
        if attribute != key:
            return f"    {attribute}: {annotation} = msgspec.field({', '.join(arguments)})"
        return f"    {attribute}: {annotation}" + (" = None" if nullable else "")

    def _annotation(self, owner: str, kind: Inferred) -> str:
        if isinstance(kind, Scalar):
            return PYTHON_TYPES[kind.name]
        if isinstance(kind, Array):
            return f"list[{self._annotation(owner, kind.item)} | None]"
        if isinstance(kind, Map):
            return f"dict[{self._annotation(owner, kind.key)}, {self._annotation(owner, kind.value)} | None]"
        return self.write(owner, _optional(kind))


def _optional(kind: Struct) -> dict[str, tuple[Inferred, bool]]:
    """Returns the fields of an inner struct. How often one of them is null was not counted, so each may be."""
    return {name: (one, True) for name, one in kind.fields.items()}


def _attribute(key: str) -> str:
    plain = NOT_IN_NAMES.sub("_", key).strip("_") or "column"
    plain = f"column_{plain}" if plain[0].isdigit() else plain
    return f"{plain}_" if keyword.iskeyword(plain) else plain


def _camel(text: str) -> str:
    joined = "".join(part[:1].upper() + part[1:] for part in NOT_IN_NAMES.sub("_", text).split("_"))
    return f"Record{joined}" if not joined[:1].isalpha() else joined
