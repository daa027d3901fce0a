"""Raw files as a query sees them: the records that sealing would take, and nothing that it would put into quarantine.

A file whose lines are all records is read where it is. Of any other the records are written into a folder of the query
first. What was found whole is remembered for as long as the process lives: raw objects do not change.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from penstock.adapters.local.query_partitions import identity
from penstock.adapters.local.query_snapshot import Snapshot
from penstock.adapters.local.scratch import scratch_folder
from penstock.model.datasets import LakeTable
from penstock.ports.query import Fitted, RawFit

PREFIX = ".penstock-fit-"
REMEMBERED = 100_000
Known = dict[tuple[str, Any, Any], Fitted]


class RememberedFit:
    """A fit that looks at a file once, as long as neither the file nor the table's type is another."""

    def __init__(self, fit: RawFit) -> None:
        self._fit = fit
        self._known: Known = {}

    def __call__(self, table: LakeTable, path: Path, target: Path, *, is_careful: bool = False) -> Fitted:
        if is_careful:
            return self._fit(table, path, target, is_careful=True)
        found = identity(str(path))
        key = (str(path), found, table.record)
        if found is not None and key in self._known:
            return self._known[key]
        fitted = self._fit(table, path, target)
        # A file that is not whole has to be written again for the next query.
        if fitted.is_whole:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = fitted
        return fitted


class Fitting:
    """Fits the raw files of one query. A context: what was written is gone afterwards.

    Args:
        fit: None leaves files as they are.
        lake: the lake's folder, resolved.
    """

    def __init__(self, fit: RawFit | None, lake: Path) -> None:
        self._fit = fit
        self._lake = lake
        self._folder: Path | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Fitting:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def apply(self, table: LakeTable, snapshot: Snapshot) -> None:
        """Makes the raw files of a snapshot such as hold records alone, one a line."""
        files = snapshot.files
        if self._fit is None or not files.count:
            return
        root = self._made()
        snapshot.folders = [*snapshot.folders, f"{root}/raw/{table.name}/"]
        origins: dict[str, str] = {}

        def careful(path: str) -> tuple[str, int] | None:
            # What was written anew once is not written again.
            return self._fitted(table, origins.pop(path), root, is_careful=True) if path in origins else None

        every = [*files.lines, *files.documents, *files.tables]
        files.lines, files.documents, files.tables = [], [], []
        for path in every:
            made = self._fitted(table, path, root)
            if made is not None:
                where, misfits = made
                origins[where], files.fitted[where] = path, misfits
            elif Path(path).exists():
                files.unreadable.append(path)
        files.careful = careful

    def _fitted(self, table: LakeTable, path: str, root: Path, *, is_careful: bool = False) -> tuple[str, int] | None:
        """Returns where a file's records are, and how many are none; None when it cannot be read."""
        target = _target(root, table.name, path)
        if self._fit is None:
            return None
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            found = self._fit(table, Path(path), target, is_careful=is_careful)
        except OSError:
            return None
        return path if found.is_whole else str(target), found.misfits

    def _made(self) -> Path:
        """Returns the folder to write into, beside the lake's zones where one may write there."""
        if self._folder is None:
            try:
                self._folder = self._stack.enter_context(scratch_folder(self._lake, PREFIX))
            except OSError:
                self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix=PREFIX))).resolve()
        return self._folder


def _target(root: Path, table: str, path: str) -> Path:
    """Returns where a file's records are written: in the same partition, under a name of their own."""
    below = path.rpartition(f"/raw/{table}/")[2]
    return root / "raw" / table / f"{below}.fitted.json"
