"""One SQLite file, safe to share between threads and processes.

Write-ahead log, immediate transactions, and SQLite's error texts translated into errors that say what to do.
Durability: with ``normal`` (the default) a committed transaction survives the death of the process at any
moment; after a power cut the newest commits may be gone, never a part of one. ``full`` syncs at each commit.
``off`` never syncs: for what can be made again, such as a simulation.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from penstock.errors import HomeError, JournalCorruptError, PenstockError, StorageFullError, ThrottledError
from penstock.faultpoints import fault_point

Durability = Literal["normal", "full", "off"]
BUSY_TIMEOUT_SECONDS = 30
# Pages that are changed again and again until the next commit stay in memory until then.
GATHERED_CACHE_KB = 96 * 1024


class Database:
    """A SQLite file whose schema is the result of its migrations.

    Args:
        path: the file; created, readable by its owner only, when it is absent.
        migrations: SQL scripts in order; ``PRAGMA user_version`` counts those applied. Never edit one that shipped.
        durability: when a commit counts as written.

    Raises:
        JournalCorruptError: the file is not a database or is damaged.
        HomeError: the file cannot be opened, or was written by a newer version.
    """

    def __init__(self, path: Path, migrations: Sequence[str], *, durability: Durability = "normal") -> None:
        self.path = path
        self._durability = durability
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._is_gathering = self._is_saving = False
        with self.translated_errors():
            path.touch(mode=0o600)
            self._migrate(migrations)

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit mode; rows are plain tuples."""
        existing: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if existing is not None:
            return existing
        with self.translated_errors():
            connection = sqlite3.connect(
                self.path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
            )
            _write_ahead(connection)
            connection.execute(f"PRAGMA synchronous={self._durability}")
            connection.execute("PRAGMA foreign_keys=ON")
        self._local.connection = connection
        with self._lock:
            self._connections.append(connection)
        return connection

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Runs the block in one immediate transaction: all of it is written or nothing. Nests into the outer one."""
        connection = self.connection
        if self._is_gathering and not self._is_saving:
            with self._saved(connection):
                yield connection
            return
        if connection.in_transaction:
            yield connection
            return
        with self.translated_errors():
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                fault_point("database.before_commit")
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
            fault_point("database.after_commit")

    @property
    def is_gathering(self) -> bool:
        """Whether commits are put off, see ``gather``."""
        return self._is_gathering

    def gather(self) -> None:
        """Commits from now on only when this is called again, or at the end: for who is alone, and can begin anew.

        Transactions are all or nothing as before. One thread alone may use the database.
        """
        with self.translated_errors():
            if self._is_gathering:
                self.connection.execute("COMMIT")
            else:
                self.connection.execute(f"PRAGMA cache_size=-{GATHERED_CACHE_KB}")
                # What a savepoint would restore would go to a temporary file otherwise.
                self.connection.execute("PRAGMA temp_store=MEMORY")
            self.connection.execute("BEGIN IMMEDIATE")
        self._is_gathering = True

    @contextlib.contextmanager
    def _saved(self, connection: sqlite3.Connection) -> Iterator[None]:
        with self.translated_errors():
            connection.execute("SAVEPOINT one")
            self._is_saving = True
            try:
                yield
                connection.execute("RELEASE one")
            except BaseException:
                connection.execute("ROLLBACK TO one")
                connection.execute("RELEASE one")
                raise
            finally:
                self._is_saving = False

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Runs one statement outside a transaction."""
        with self.translated_errors():
            return self.connection.execute(sql, parameters)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Returns all rows of a query."""
        with self.translated_errors():
            return self.connection.execute(sql, parameters).fetchall()

    def close(self) -> None:
        """Closes the connections of every thread."""
        if self._is_gathering:
            self._is_gathering = False
            with self.translated_errors():
                self.connection.execute("COMMIT")
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
        self._local = threading.local()

    def _migrate(self, migrations: Sequence[str]) -> None:
        if self.connection.execute("PRAGMA user_version").fetchone()[0] == len(migrations):
            return
        with self.transaction() as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > len(migrations):
                raise HomeError(
                    f"{self.path} was written by a newer Penstock (schema {version}, this one knows {len(migrations)})",
                    hint="upgrade Penstock, or point --home at another folder",
                )
            for script in migrations[version:]:
                for statement in filter(str.strip, script.split(";")):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version={len(migrations)}")

    @contextlib.contextmanager
    def translated_errors(self) -> Iterator[None]:
        """Turns SQLite's and the system's errors into ours."""
        try:
            yield
        except sqlite3.Error as error:
            raise _translate(error, self.path) from error
        except OSError as error:
            raise HomeError(
                f"cannot use {self.path}: {error.strerror}",
                hint="check the folder's owner, mode and free space",
            ) from error


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Has a connection write ahead. For this change SQLite itself does not wait for others that make it at once."""
    until = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _translate(error: sqlite3.Error, path: Path) -> PenstockError:
    text = str(error)
    code = getattr(error, "sqlite_errorcode", None) or 0
    primary = code & 0xFF
    if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return JournalCorruptError(
            f"{path} is damaged: {text}",
            hint=f"stop every penstock process, run `penstock doctor --repair`, or restore {path.name} from a backup",
        )
    if primary == sqlite3.SQLITE_FULL:
        return StorageFullError(f"no space left for {path}", hint="free some space, then start again: nothing is lost")
    if primary in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return HomeError(f"cannot write {path}: {text}", hint="make the home folder writable, or choose another --home")
    if primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return ThrottledError(f"{path} is busy: {text}", hint="another process holds it; try again")
    if primary == sqlite3.SQLITE_IOERR:
        return HomeError(f"cannot read or write {path}: {text}", hint="check the disk and its free space")
    return HomeError(f"{path}: {text}", hint="this is a defect of Penstock: please report it")
