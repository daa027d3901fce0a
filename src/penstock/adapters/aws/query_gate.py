"""What may be asked of Athena: one statement that reads.

Judged by its words, outside of strings, names in quotes and comments: in Athena's grammar no SELECT holds a statement
that writes. Which tables it reaches is for the role that asks: it needs nothing but the pipeline's database and bucket.
https://docs.aws.amazon.com/athena/latest/ug/ddl-sql-reference.html
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from penstock.errors import QueryError

READING = frozenset({"SELECT", "WITH", "VALUES", "TABLE"})
LIMIT_BYTES = 262_144

_TOKEN = re.compile(
    r"(?P<space>\s+|--[^\r\n]*|/\*.*?\*/)"
    r"|(?P<quoted>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")"
    r"|(?P<open>['\"]|/\*)"
    r"|(?P<word>[^\W\d]\w*)"
    r"|(?P<other>.)",
    re.DOTALL,
)


def admit(sql: str) -> str:
    """Returns the statement, without what follows it.

    Raises:
        QueryError: it is not exactly one statement that only reads.
    """
    if "\0" in sql or len(sql.encode(errors="replace")) > LIMIT_BYTES:
        raise QueryError("the query is no text of at most 256 KB", hint="remove NUL, or ask something shorter")
    tokens = list(_tokens(sql))
    statement = list(itertools.takewhile(lambda found: found[0] != ";", tokens))
    after = [text for text, _ in tokens[len(statement) :] if text != ";"]
    if not statement or after:
        count = "no statement" if not statement else "more than one statement"
        raise QueryError(f"there is {count}, one can be asked", hint="ask one SELECT at a time")
    _check_reading([text for text, _ in statement])
    return sql[: statement[-1][1]]


def _check_reading(words: list[str]) -> None:
    first = next((word for word in words if word != "("), "(")
    if first not in READING:
        raise QueryError(f"{first} is not possible: a query only reads", hint="write a SELECT")
    # A table function can send a statement to another database.
    # https://docs.aws.amazon.com/athena/latest/ug/federated-query-passthrough.html
    if any(word == "TABLE" and follows == "(" for word, follows in itertools.pairwise(words)):
        raise QueryError("TABLE(…) is not possible: a query reads declared tables only", hint="leave it out")


def _tokens(sql: str) -> Iterator[tuple[str, int]]:
    """Yields words in upper case, quoted texts and single characters, each with where it ends."""
    for found in _TOKEN.finditer(sql):
        if found.lastgroup == "open":
            raise QueryError(f"{found[0]} is not closed", hint="check the quotes and comments")
        if found.lastgroup != "space":
            yield found[0].upper() if found.lastgroup == "word" else found[0], found.end()
