"""Parameters of a query: ``:name`` in its text, as each engine takes it."""

from __future__ import annotations

import re
from collections.abc import Collection

from penstock.errors import QueryError

# What is no place for a parameter comes first: texts, names in quotes, comments, numbers, casts.
_TOKEN = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|(?P<tag>\$\w*\$).*?(?P=tag)"
    r"|::|(?<![\w\])'\"]):(?P<name>[A-Za-z_]\w*)",
    re.DOTALL,
)


def named_parameters(sql: str) -> list[str]:
    """Returns the names of the ``:name`` in a text, each once, in their order."""
    found = (match["name"] for match in _TOKEN.finditer(sql) if match["name"])
    return list(dict.fromkeys(found))


def as_dollars(sql: str, given: Collection[str]) -> str:
    """Returns a text with ``:name`` as ``$name``, which is how DuckDB takes it; names that are not given stay."""
    return _TOKEN.sub(lambda match: f"${match['name']}" if match["name"] in given else match[0], sql)


def check_given(sql: str, given: Collection[str]) -> None:
    """Checks that every ``:name`` of a text has a value, and that every value has its place.

    Raises:
        QueryError: one has not.
    """
    wanted = set(named_parameters(sql)) | set(re.findall(r"\$([A-Za-z_]\w*)", sql))
    if missing := [name for name in named_parameters(sql) if name not in given]:
        raise QueryError(
            f"the query has parameters without a value: {', '.join(missing)}",
            hint=f"give each one, such as --param {missing[0]}=…",
        )
    if unknown := sorted(set(given) - wanted):
        raise QueryError(
            f"the query has no parameter {unknown[0]!r}", hint=f"it has: {', '.join(sorted(wanted)) or 'none'}"
        )
