"""Keys and indexes of hot tables, as they are said."""

from __future__ import annotations

from penstock.model.datasets import Index, Key


def string(name: str) -> Key:
    """A key attribute that holds text."""
    return Key(name, "S")


def number(name: str) -> Key:
    """A key attribute that holds a number."""
    return Key(name, "N")


def index(name: str, partition: str | Key, sort: str | Key | None = None) -> Index:
    """A second way to look up a hot table's items."""
    return Index(name, as_key(partition), None if sort is None else as_key(sort))


def as_key(key: str | Key) -> Key:
    """Returns a key attribute; a bare name holds text."""
    return Key(key) if isinstance(key, str) else key
