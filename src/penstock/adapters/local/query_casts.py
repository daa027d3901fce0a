"""Texts cast to times, such that DuckDB does so once for each different text.

The texts of a column are kept as a dictionary. DuckDB casts its entries where that cannot fail, as with TRY_CAST, but
each row where it can, as with CAST: seven times the work where texts repeat. So TRY_CAST comes first, and CAST for what
that leaves over: NULL, and what is no time, which then fails as it would have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from penstock.adapters.local.query_gate import objects_of

TIMES = frozenset({"TIMESTAMP", "DATE"})
Node = Mapping[str, Any]


def cast_once(text: str, nodes: Iterable[Node], texts: frozenset[str]) -> str:
    """Returns a statement that means the same; as it is when nothing is gained, or the name of a column would change.

    Args:
        nodes: all objects of the statement's tree.
        texts: the columns that are text in each of its tables, in lower case.
    """
    nodes = list(nodes)
    places: set[tuple[int, int]] = set()
    data = text.encode()
    for node in nodes:
        if _is_costly(node, texts):
            start, length = node.get("query_location"), node.get("query_location_length")
            # A cast in another notation would no longer be equal to those that are in this one.
            if not isinstance(start, int) or not isinstance(length, int) or not _is_cast(data, start, length):
                return text
            places.add((start, length))
    if not places or any(_is_costly(node, texts) for node in _unnamed(nodes)):
        return text
    for start, length in sorted(places, reverse=True):
        cast = data[start : start + length]
        data = data[:start] + b"COALESCE(TRY_" + cast + b", " + cast + b")" + data[start + length :]
    return data.decode()


def _is_costly(node: Node, texts: frozenset[str]) -> bool:
    if node.get("class") != "CAST" or node.get("try_cast"):
        return False
    child, kind = node.get("child", {}), node.get("type_expr", {})
    names = [str(name).lower() for name in child.get("column_names", ())]
    return bool(names) and names[-1] in texts and str(kind.get("type_name", "")).upper() in TIMES


def _is_cast(data: bytes, start: int, length: int) -> bool:
    cast = data[start : start + length].upper()
    return cast.startswith(b"CAST") and cast.endswith(b")") and cast.count(b"(") == cast.count(b")") == 1


def _unnamed(nodes: Iterable[Node]) -> Iterator[Node]:
    """Yields all objects of the columns that are named by their text."""
    columns = (item for node in nodes for item in node.get("select_list") or ())
    return objects_of([item for item in columns if isinstance(item, dict) and not item.get("alias")])
