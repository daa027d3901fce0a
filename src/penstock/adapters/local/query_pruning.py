"""Which partitions a query can need, told from its parsed tree before any file is looked at.

Only what is certain leaves a partition out: conditions of a WHERE on partition columns, where the rows that they drop
could come from nowhere else. DuckDB looks at the names of the remaining files itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Values = Mapping[str, str]
# Tells whether rows of a partition may be needed; columns that are not known yet are left out of the values.
Keep = Callable[[Values], bool]
Node = Mapping[str, Any]

# With other joins a condition on one side changes which rows of the other are found.
PLAIN_JOINS = frozenset({"REGULAR", "CROSS"})
PLAIN_TYPES = frozenset({"INNER", "LEFT", "RIGHT", "FULL", "OUTER", ""})
COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "COMPARE_EQUAL": lambda one, other: one == other,
    "COMPARE_GREATERTHAN": lambda one, other: one > other,
    "COMPARE_GREATERTHANOREQUALTO": lambda one, other: one >= other,
    "COMPARE_LESSTHAN": lambda one, other: one < other,
    "COMPARE_LESSTHANOREQUALTO": lambda one, other: one <= other,
}
MIRRORED = {
    "COMPARE_EQUAL": "COMPARE_EQUAL",
    "COMPARE_GREATERTHAN": "COMPARE_LESSTHAN",
    "COMPARE_GREATERTHANOREQUALTO": "COMPARE_LESSTHANOREQUALTO",
    "COMPARE_LESSTHAN": "COMPARE_GREATERTHAN",
    "COMPARE_LESSTHANOREQUALTO": "COMPARE_GREATERTHANOREQUALTO",
}


def everything(values: Values) -> bool:
    return True


def keeps(nodes: Iterable[Node], tables: Iterable[str], parameters: Mapping[str, Any]) -> dict[str, Keep]:
    """Returns for each table which of its partitions a query needs.

    Args:
        nodes: all objects of the statement's tree.
        tables: the names that it reads, in lower case.
        parameters: their values, by name or by number from 1.
    """
    nodes, wanted = list(nodes), set(tables)
    narrowed: dict[int, Keep] = {}
    for node in nodes:
        if node.get("type") == "SELECT_NODE":
            narrowed |= _of_select(node, parameters)
    needed: dict[str, list[Keep]] = {name: [] for name in wanted}
    for node in nodes:
        name = _table(node)
        if name in needed:
            needed[name].append(narrowed.get(id(node), everything))
    return {name: _any(found) if found else everything for name, found in needed.items()}


def _of_select(select: Node, parameters: Mapping[str, Any]) -> dict[int, Keep]:
    condition = select.get("where_clause")
    sources = list(_sources(select.get("from_table") or {}))
    if not condition or any(one is None for one in sources):
        return {}
    renamed = {str(one.get("alias", "")).lower() for one in select.get("select_list", ())}
    found = {}
    for source in sources:
        if source is None or not _table(source) or source.get("sample") or source.get("column_name_alias"):
            continue
        name = str(source.get("alias") or _table(source)).lower()
        found[id(source)] = _Condition(name, len(sources) == 1, renamed, parameters).keep(condition)
    return found


def _sources(node: Node) -> Iterator[Node | None]:
    """Yields what stands in a FROM; None when something there forbids to narrow anything."""
    if str(node.get("type")) != "JOIN":
        yield node
    elif node.get("ref_type") not in PLAIN_JOINS or str(node.get("join_type", "")) not in PLAIN_TYPES:
        yield None
    else:
        yield from _sources(node["left"])
        yield from _sources(node["right"])


def _table(node: Node) -> str:
    path = node.get("qualified_name", {}).get("path", ()) if str(node.get("type")) in {"BASE_TABLE", "SHOW_REF"} else ()
    return str(path[-1]).lower() if path else ""


def _any(found: list[Keep]) -> Keep:
    return lambda values: any(keep(values) for keep in found)


class _Condition:
    """A condition as seen from one table: what it says of that table's partition columns."""

    def __init__(self, table: str, is_alone: bool, renamed: set[str], parameters: Mapping[str, Any]) -> None:
        self._table = table
        self._is_alone = is_alone
        self._renamed = renamed
        self._parameters = parameters

    def keep(self, node: Node) -> Keep:
        kind = str(node.get("type"))
        if kind in {"CONJUNCTION_AND", "CONJUNCTION_OR"}:
            parts = [self.keep(child) for child in node["children"]]
            join = all if kind == "CONJUNCTION_AND" else any
            return lambda values: join(part(values) for part in parts)
        if kind in COMPARISONS:
            return self._comparison(kind, node["left"], node["right"])
        if kind == "COMPARE_BETWEEN":
            low = self._comparison("COMPARE_GREATERTHANOREQUALTO", node["input"], node["lower"])
            high = self._comparison("COMPARE_LESSTHANOREQUALTO", node["input"], node["upper"])
            return lambda values: low(values) and high(values)
        if kind == "COMPARE_IN":
            first, *others = node["children"]
            parts = [self._comparison("COMPARE_EQUAL", first, other) for other in others]
            return lambda values: any(part(values) for part in parts)
        return everything

    def _comparison(self, kind: str, left: Node, right: Node) -> Keep:
        if left.get("type") != "COLUMN_REF":
            kind, left, right = MIRRORED[kind], right, left
        column, value = self._column(left), self._text(right)
        if not column or value is None:
            return everything
        holds = COMPARISONS[kind]
        return lambda values: column not in values or holds(values[column], value)

    def _column(self, node: Node) -> str:
        names = [str(name).lower() for name in node.get("column_names", ())]
        if len(names) == 1 and self._is_alone and names[0] not in self._renamed:
            return names[0]
        return names[1] if len(names) == 2 and names[0] == self._table else ""

    def _text(self, node: Node) -> str | None:
        """Returns a constant that is text; others are compared in ways of their own."""
        if node.get("type") == "VALUE_PARAMETER":
            value = self._parameters.get(str(node.get("identifier")))
            return value if isinstance(value, str) else None
        literal = node.get("literal")
        if node.get("type") == "VALUE_CONSTANT" and isinstance(literal, dict) and literal.get("kind") == "STRING":
            return str(literal.get("text"))
        return None
