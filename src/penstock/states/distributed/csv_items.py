"""Items of a text file whose fields are separated by a character.

The rules are those of https://docs.aws.amazon.com/step-functions/latest/dg/example-csv-parse-dist-map.html: a newline
ends a record; fields are text; a field in double quotes may hold separators and newlines; a double quote is written
twice, in a field with quotes or without; a backslash before a backslash, a double quote or the separator stands for
that character, and before any other is dropped; missing fields are empty, and those too many are left out.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from typing import Any

from penstock.states.distributed import text as texts
from penstock.states.distributed.items import ITEM_LIMIT_BYTES, Item, reader_failed
from penstock.states.missing import shown

DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
# "Step Functions supports CSV headers of up to 10 KiB."
HEADER_LIMIT_BYTES = 10 * 1024


def csv_items(chunks: Iterable[str], source: str, config: dict[str, Any]) -> Iterator[Item]:
    """Yields each row as an object of text.

    Args:
        config: the ReaderConfig: ``CSVHeaderLocation``, ``CSVHeaders``, ``CSVDelimiter``.

    Raises:
        StateFailedError: ``States.ItemReaderFailed``: the configuration makes no sense, there is no header, or a row
            is too large or has no end.
    """
    rows = records(chunks, delimiter(config))
    names = header(rows, config)
    if names is None:
        return
    for row in rows:
        cells = row + [""] * (len(names) - len(row))
        yield Item(dict(zip(names, cells, strict=False)), None, source)


def delimiter(config: dict[str, Any]) -> str:
    """Returns the character that ``CSVDelimiter`` names."""
    name = config.get("CSVDelimiter", "COMMA")
    if not isinstance(name, str) or name not in DELIMITERS:
        raise reader_failed(f"CSVDelimiter must be one of {', '.join(DELIMITERS)}, not {shown(name):.100}")
    return DELIMITERS[name]


def header(rows: Iterator[list[str]], config: dict[str, Any]) -> list[str] | None:
    """Returns the columns' names: those given, or the first row; None if the file is empty."""
    location = config.get("CSVHeaderLocation", "FIRST_ROW")
    if location == "GIVEN":
        names = config.get("CSVHeaders")
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise reader_failed("CSVHeaders must be an array of text where CSVHeaderLocation is GIVEN")
    elif location == "FIRST_ROW":
        names = next(rows, None)
        if names is None:
            return None
    else:
        raise reader_failed(f"CSVHeaderLocation must be FIRST_ROW or GIVEN, not {shown(location):.100}")
    if sum(len(name.encode()) for name in names) + len(names) - 1 > HEADER_LIMIT_BYTES:
        raise reader_failed(f"The CSV header is larger than the limit of {HEADER_LIMIT_BYTES} bytes")
    return names


def records(chunks: Iterable[str], separator: str) -> Iterator[list[str]]:
    """Yields the fields of each record."""
    return _Records(separator).read(chunks)


class _Records:
    """A reader that may be stopped between any two characters."""

    def __init__(self, separator: str) -> None:
        self._separator = separator
        self._special = re.compile(f'[\\\\"\r\n{re.escape(separator)}]')
        self._fields: list[str] = []
        self._field: list[str] = []
        self._is_quoted = False
        self._size = 0
        self._is_begun = False

    def read(self, chunks: Iterable[str]) -> Iterator[list[str]]:
        rest = ""
        for chunk in chunks:
            window = rest + chunk
            end = yield from self._scan(window, is_last=False)
            rest = window[end:]
            self._check_size(len(rest))
        end = yield from self._scan(rest, is_last=True)
        if self._is_quoted:
            raise reader_failed("A quoted field of the CSV file has no end")
        if self._is_begun:
            yield self._record()

    def _scan(self, window: str, *, is_last: bool) -> Generator[list[str], None, int]:
        """Reads as far as can be told what the characters mean; returns how far that is."""
        at = 0
        while at < len(window):
            found = self._special.search(window, at)
            stop = len(window) if found is None else found.start()
            if stop > at:
                self._add(window[at:stop])
                at = stop
                continue
            if at + 1 == len(window) and not is_last and window[at] != self._separator:
                return at
            character, following = window[at], window[at + 1 : at + 2]
            at += 1
            if character in "\r\n" and not self._is_quoted:
                at += character == "\r" and following == "\n"
                yield self._record()
            else:
                at += self._special_character(character, following)
        return at

    def _special_character(self, character: str, following: str) -> int:
        """Takes a character that may mean more than itself; returns how many of those after it were taken too."""
        if character == "\\":
            if following and following in f'\\"{self._separator}':
                self._add(following)
                return 1
            self._is_begun = True
        elif character == '"':
            return self._quote(following)
        elif character == self._separator and not self._is_quoted:
            self._fields.append("".join(self._field))
            self._field = []
            self._is_begun = True
            self._check_size(1)
        else:
            self._add(character)
        return 0

    def _quote(self, following: str) -> int:
        is_at_start = not self._field and not self._is_quoted
        if is_at_start:
            # An empty piece marks that the field has begun, so that the quote that ends it is told from this one.
            self._is_quoted = True
            self._field.append("")
            self._is_begun = True
        elif following == '"':
            self._add('"')
            return 1
        elif self._is_quoted:
            self._is_quoted = False
        else:
            self._add('"')
        return 0

    def _add(self, text: str) -> None:
        self._field.append(text)
        self._is_begun = True
        self._size += len(text)
        self._check_size(0)

    def _check_size(self, more: int) -> None:
        if self._size + len(self._fields) + more > ITEM_LIMIT_BYTES:
            raise texts.too_large()

    def _record(self) -> list[str]:
        self._fields.append("".join(self._field))
        record, self._fields, self._field = self._fields, [], []
        self._size, self._is_begun = 0, False
        return record
