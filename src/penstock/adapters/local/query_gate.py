"""What may be asked: one statement that reads, of tables that are known. Judged by the parsed tree, never by words.

The engine confines itself as well (no external access, locked settings). This gate comes before it, so that what is
refused is refused with a reason, and what lies in the lake beside the tables cannot be read either.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.errors import QueryError

if TYPE_CHECKING:
    import duckdb

READING_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
# Everything else that stands in FROM with arguments reads files, settings or the engine's insides.
TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest", "json_each", "json_tree", "repeat"})
REFUSED_FUNCTIONS = frozenset(
    {"getenv", "current_setting", "getvariable", "write_log", "sleep_ms", "pg_sleep", "pg_get_viewdef", "setseed",
     "nextval", "currval", "setval", "current_query"}
)  # fmt: skip
# What depends on the clock, on chance or on the session; some are written without parentheses.
VARYING = frozenset(
    {"current_connection_id", "current_database", "current_date", "current_localtime", "current_localtimestamp",
     "current_query", "current_query_id", "current_schema", "current_schemas", "current_setting", "current_time",
     "current_timestamp", "current_transaction_id", "currval", "error", "gen_random_uuid", "get_current_time",
     "get_current_timestamp", "getvariable", "in_search_path", "localtime", "localtimestamp", "nextval", "now",
     "random", "setseed", "setval", "sleep_ms", "stats", "today", "transaction_timestamp", "txid_current", "uuid",
     "uuidv4", "uuidv7", "vector_type", "write_log", "age", "current_user", "session_user", "user"}
)  # fmt: skip
OWN_SCHEMAS: tuple[tuple[str, ...], ...] = ((), ("main",), ("memory",), ("memory", "main"))
CATALOG = "information_schema"
NOWHERE = 2**63

_SPACE = r"(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*+"
_EXPLAIN = re.compile(rf"{_SPACE}EXPLAIN\b{_SPACE}(?:ANALYZE\b{_SPACE})?(?:\([^)]*\){_SPACE})?", re.I | re.S)
_WORD = re.compile(rf"{_SPACE}\(*([A-Za-z]+)", re.DOTALL)


class Question(msgspec.Struct, frozen=True):
    """A statement that may be asked.

    Attributes:
        text: its SQL.
        tables: the tables that it names, in lower case.
        nodes: the objects of its tree.
        is_repeatable: asked again of the same data it has the same answer.
    """

    text: str
    tables: frozenset[str]
    nodes: tuple[dict[str, Any], ...] = ()
    is_repeatable: bool = False


def admit(connection: duckdb.DuckDBPyConnection, sql: str, known: Sequence[str]) -> Question:
    """Returns a text as a question, if it is one.

    Args:
        connection: parses; nothing runs.
        known: the names of the tables, in lower case.

    Raises:
        QueryError: it is not exactly one statement that only reads known tables.
        duckdb.Error: it is no SQL.
    """
    # The parsers behind the two calls below would not agree about a text that holds NUL.
    if "\0" in sql or not _is_unicode(sql):
        raise QueryError("the query holds characters that are no text", hint="remove NUL and lone surrogates")
    text = _only_statement(connection, sql)
    explained = _EXPLAIN.match(text)
    inner = _only_statement(connection, text[explained.end() :]) if explained else text
    (serialized,) = connection.execute("SELECT json_serialize_sql(?, skip_empty := true)", [inner]).fetchone() or ("",)
    try:
        tree = msgspec.json.decode(serialized)
    except RecursionError:
        raise QueryError("the query is nested too deeply", hint="split it with WITH") from None
    if tree["error"]:
        raise _refusal(connection, text)
    nodes = list(objects_of(tree["statements"]))
    _check_reading(nodes, inner)
    is_repeatable = explained is None and not any(_varies(node) for node in nodes)
    return Question(text, frozenset(_tables(nodes, inner, known)), tuple(nodes), is_repeatable)


def _varies(node: dict[str, Any]) -> bool:
    """Tells whether an expression has another value each time."""
    names = [str(name).lower() for name in node.get("column_names", ())[-1:]]
    names.append(str(node.get("function_name", "")).lower())
    return bool(node.get("sample")) or not VARYING.isdisjoint(names)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _only_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise QueryError(f"there are {len(statements)} statements, one can be asked", hint="ask one SELECT at a time")
    kind = _kind(statements[0])
    if kind == "MULTI":
        raise QueryError(
            "PIVOT has to know its columns", hint="name them: PIVOT table ON column IN ('a', 'b') USING sum(value)"
        )
    if kind not in {"SELECT", "EXPLAIN"}:
        raise _refusal(connection, sql)
    return str(statements[0].query).strip()


def _kind(statement: Any) -> str:
    return str(statement.type.name).removeprefix("StatementType.")


def _refusal(connection: duckdb.DuckDBPyConnection, sql: str) -> QueryError:
    word = _WORD.match(sql)
    kind = word[1].upper() if word else _kind(connection.extract_statements(sql)[0])
    return QueryError(f"{kind} is not possible: a query only reads", hint="write a SELECT")


def objects_of(tree: Any) -> Iterator[dict[str, Any]]:
    """Yields every object of a tree; without recursion, a hostile tree may be deep."""
    waiting = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _check_reading(nodes: Iterable[dict[str, Any]], sql: str) -> None:
    for node in nodes:
        kind = str(node.get("type", ""))
        if kind not in READING_NODES and ("cte_map" in node or kind.endswith("_QUERY_NODE")):
            word = kind.partition("_")[0]
            raise QueryError(f"{word} is not possible: a query only reads", hint="write a SELECT")
        name = str(node.get("function_name", "")).lower()
        if name in REFUSED_FUNCTIONS:
            raise QueryError(
                f"{name}() is not possible: a query sees tables only{_place(node, sql)}", hint="leave it out"
            )
        if kind == "TABLE_FUNCTION":
            inner = str(node.get("function", {}).get("function_name", "")).lower()
            if inner not in TABLE_FUNCTIONS:
                raise QueryError(
                    f"{inner or 'this'}() is not possible: a query reads declared tables only{_place(node, sql)}",
                    hint="`SHOW TABLES` lists them",
                )


def _tables(nodes: Iterable[dict[str, Any]], sql: str, known: Sequence[str]) -> Iterator[str]:
    nodes = list(nodes)
    local = {str(entry["key"]).lower() for node in nodes for entry in node.get("cte_map", {}).get("map", ())}
    for node in nodes:
        special = node.get("type") == "SHOW_REF" and node.get("show_type") == "SHOW_SPECIAL"
        if str(node.get("type")) not in {"BASE_TABLE", "SHOW_REF"} or special:
            continue
        path = [str(part).lower() for part in node.get("qualified_name", {}).get("path", ())]
        # A CTE may have the name of the table that it reads.
        is_local = len(path) == 1 and path[0] in local and path[0] not in known
        if not path or is_local or CATALOG in path[:-1]:
            continue
        if tuple(path[:-1]) not in OWN_SCHEMAS or path[-1] not in known:
            raise _unknown(".".join(path), known, _place(node, sql))
        yield path[-1]


def _unknown(name: str, known: Sequence[str], place: str) -> QueryError:
    close = difflib.get_close_matches(name, known, 1)
    listed = ", ".join(sorted(table for table in known if not _is_beside(table, known))) or "none yet"
    meant = f"did you mean {close[0]!r}? " if close else ""
    return QueryError(f"there is no table {name!r}{place}", hint=f"{meant}the tables are: {listed}")


def _is_beside(name: str, known: Sequence[str]) -> bool:
    """Tells whether a name belongs to another table: its quarantine, or what a crawler would call it."""
    table = name.removesuffix("_quarantine").removeprefix("raw_")
    return name != table and table in known


def _place(node: dict[str, Any], sql: str) -> str:
    """Returns the line that a node stands in, with a mark below it."""
    offset = node.get("query_location")
    data = sql.encode()
    if not isinstance(offset, int) or offset >= min(NOWHERE, len(data)):
        return ""
    before = data[:offset].decode("utf-8", "ignore")
    number = before.count("\n") + 1
    column = len(before) - before.rfind("\n") - 1
    line = sql.split("\n")[number - 1]
    start = max(0, column - 60)
    head = f"LINE {number}: {'...' if start else ''}"
    return f"\n{head}{line[start : start + 100]}\n{' ' * (len(head) + column - start)}^"
