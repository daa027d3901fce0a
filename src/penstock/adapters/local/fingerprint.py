"""What a home holds, as one digest: the same for two homes with the same content.

Of a database its rows count, not its pages; of an object its bytes, not the inode.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from pathlib import Path

from penstock.adapters.local.duckdb_text import identifier

# What is made anew whenever it is needed, and what belongs to processes.
LEFT_OUT = ("cache", "owners", "scratch", "spilled")
NO_CONTENT = (".sqlite-wal", ".sqlite-shm", ".lock")


def fingerprint(home: Path) -> str:
    """Returns the SHA-256 of a home's content, in hexadecimal. Nobody may be writing."""
    digest = hashlib.sha256()
    for path in sorted(one for one in home.rglob("*") if one.is_file()):
        name = path.relative_to(home)
        if name.parts[0] in LEFT_OUT or path.name.endswith(NO_CONTENT):
            continue
        digest.update(f"{name.as_posix()}\0".encode())
        digest.update(_of_database(path) if path.suffix == ".sqlite" else hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _of_database(path: Path) -> bytes:
    digest = hashlib.sha256()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type='table' ORDER BY name").fetchall()
        for (name,) in names:
            digest.update(f"{name}\0".encode())
            columns = len(connection.execute(f"PRAGMA table_info({identifier(name)})").fetchall())
            order = ", ".join(str(number + 1) for number in range(columns))
            for row in connection.execute(f"SELECT * FROM {identifier(name)} ORDER BY {order}"):
                digest.update(repr(row).encode())
    return digest.digest()
