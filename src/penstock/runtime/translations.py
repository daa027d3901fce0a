"""Translations of queries that are known: parsing and printing SQL takes a library whose import alone takes 0.2 s."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import secrets
from importlib.metadata import version
from pathlib import Path

import msgspec

from penstock import sql as rules
from penstock.model.queries import Dialect
from penstock.sql.dialect import Columns, Translation, translate

# Beyond so many the oldest go.
COUNT_LIMIT = 500


class TranslationCache:
    """Translates as ``sql.dialect.translate`` does, and keeps what it found in a folder, one file each.

    A translation is known by its text, its dialects, the columns of the tables, and the rules that made it. What was
    refused is not kept. The folder can be deleted at any time.

    Args:
        folder: made when the first is kept, unless ``parent`` is not there: then nothing is kept.
        parent: the home.
    """

    def __init__(self, folder: Path, parent: Path) -> None:
        self._folder = folder
        self._parent = parent

    def __call__(self, sql: str, *, source: Dialect, target: Dialect, columns: Columns | None = None) -> Translation:
        """Returns a query of one engine as the other takes it.

        Raises:
            QueryError: as ``sql.dialect.translate``.
        """
        path = self._folder / f"{_key(sql, source, target, columns or {})}.msgpack"
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return msgspec.msgpack.decode(path.read_bytes(), type=Translation)
        made = translate(sql, source=source, target=target, columns=columns)
        if self._parent.is_dir():
            self._keep(path, made)
        return made

    def _keep(self, path: Path, made: Translation) -> None:
        temporary = path.with_name(f".{secrets.token_hex(8)}")
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.write_bytes(msgspec.msgpack.encode(made))
            temporary.replace(path)
            found = sorted(self._folder.glob("*.msgpack"), key=lambda one: one.stat().st_mtime)
            for old in found[:-COUNT_LIMIT]:
                old.unlink(missing_ok=True)


def _key(sql: str, source: Dialect, target: Dialect, columns: Columns) -> str:
    known = sorted((table, sorted(kinds.items())) for table, kinds in columns.items())
    return hashlib.sha256(msgspec.msgpack.encode([_rules(), sql, source, target, known])).hexdigest()


@functools.cache
def _rules() -> list[object]:
    """Returns what is another when the rules are: the library, and the files that hold them."""
    folder = str(Path(rules.__file__ or "").parent)
    with os.scandir(folder) as entries:
        files = sorted((e.name, e.stat().st_size, e.stat().st_mtime_ns) for e in entries if e.name.endswith(".py"))
    return [version("sqlglot"), folder, files]
