"""What kind of value an expression is, as far as the tables' columns tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlglot import exp

Kind = Literal[
    "unknown", "null", "boolean", "integer", "decimal", "double", "text", "date", "timestamp", "timestamptz",
    "interval", "array", "map", "struct", "other",
]  # fmt: skip

_KINDS: dict[str, Kind] = {
    "NULL": "null", "BOOLEAN": "boolean", "TINYINT": "integer", "SMALLINT": "integer", "INT": "integer",
    "BIGINT": "integer", "INT128": "integer", "UINT": "integer", "UBIGINT": "integer", "DECIMAL": "decimal",
    "DOUBLE": "double", "FLOAT": "double", "TEXT": "text", "VARCHAR": "text", "CHAR": "text", "DATE": "date",
    "TIMESTAMP": "timestamp", "TIMESTAMPNTZ": "timestamp", "DATETIME": "timestamp", "TIMESTAMPTZ": "timestamptz",
    "INTERVAL": "interval", "ARRAY": "array", "LIST": "array", "MAP": "map", "STRUCT": "struct", "UNKNOWN": "unknown",
}  # fmt: skip
_ARITHMETIC = ("add", "sub", "mul", "div", "mod", "intdiv")
_TRANSPARENT = ("paren", "neg")
_TAG = "penstock"


def infer(tree: exp.Expression, columns: Mapping[str, Mapping[str, str]], dialect: str) -> None:
    """Notes at each expression what is known of its type.

    Names are resolved in a copy, since resolving rewrites a query; where that fails, types stay unknown.
    """
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.annotate_types import annotate_types
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.schema import MappingSchema

    nodes = list(tree.walk())
    for number, node in enumerate(nodes):
        node.meta[_TAG] = number
    try:
        # The catalog's notation is Hive's.
        schema = MappingSchema({name: dict(found) for name, found in columns.items()}, dialect="hive")
        resolved = qualify(
            tree.copy(), dialect=dialect, schema=schema, allow_partial_qualification=True, expand_alias_refs=False,
            validate_qualify_columns=False, quote_identifiers=False, identify=False,
        )  # fmt: skip
        resolved = annotate_types(resolved, schema=schema, dialect=dialect)
    except (SqlglotError, ValueError, KeyError, RecursionError):
        resolved = tree.copy()
    found: dict[int, Any] = {}
    for node in resolved.walk():
        if _TAG in node.meta and node.type is not None:
            found.setdefault(node.meta[_TAG], node.type)
    for number, node in enumerate(nodes):
        node.meta.pop(_TAG, None)
        node.type = found.get(number)


def kind(node: Any) -> Kind:
    """Returns the kind of an expression whose types were inferred."""
    if node is None:
        return "unknown"
    if node.key in _TRANSPARENT:
        return kind(node.this)
    if node.key == "null":
        return "null"
    if node.key == "literal":
        return _literal(node)
    if node.key in _ARITHMETIC:
        return _of_both(kind(node.this), kind(node.expression), _named(node))
    if node.key in {"sum", "min", "max", "abs", "round"} and kind(node.this) != "unknown":
        return kind(node.this)
    return _named(node)


def _literal(node: Any) -> Kind:
    if node.is_string:
        return "text"
    text = str(node.this).lower()
    if "e" in text:
        return "double"
    return "decimal" if "." in text else "integer"


def _of_both(left: Kind, right: Kind, otherwise: Kind) -> Kind:
    numbers = {left, right}
    if "unknown" in numbers and "double" not in numbers:
        return otherwise if otherwise in {"date", "timestamp", "interval"} else "unknown"
    for one in ("double", "decimal"):
        if one in numbers:
            return one
    return "integer" if numbers == {"integer"} else otherwise


def _named(node: Any) -> Kind:
    found = node.type
    return "unknown" if found is None else _KINDS.get(found.this.name, "other")


def typed(made: Any, like: Any) -> Any:
    """Returns a new expression with the type of the one that it stands for."""
    made.type = like.type
    return made
