"""Exports as a folder of Parquet files, in folders of their partitions (``year=2026/month=02/…``), as Hive has them.

A file of the lake is taken by a hard link, which costs no bytes. Since the lake only ever replaces files whole, the
link keeps what it named; the lake may seal anew or delete meanwhile.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from penstock.adapters.local.duckdb_text import exact
from penstock.errors import PenstockError, StorageFullError, UsageError
from penstock.ports.export import Exported, ExportedFile, Write

MANIFEST = "penstock-export.json"
TEMPORARY = ".penstock-"


class Manifest(msgspec.Struct, kw_only=True):
    """What a folder says of itself, so that nobody exports anything else into it.

    Attributes:
        files: what belongs to the export, relative to the folder.
    """

    kind: str
    table: str
    files: list[str] = []


class ParquetFolder:
    """A folder that an export goes to.

    Args:
        folder: created when it is absent.
        lake: the lake's folder.
        table: what is exported; a folder belongs to one table.
        copy: copies files of the lake, so that they can be given other permissions.

    Raises:
        UsageError: the folder holds something else, or is within the lake.
    """

    kind = "parquet"

    def __init__(self, folder: Path, *, lake: Path, table: str, copy: bool = False) -> None:
        self.folder = folder.absolute()
        self._lake = lake
        self._copy = copy
        self._linked = self._copied = self._written = self._kept = 0
        self._manifest = self._opened(table)

    def take(self, key: str, name: str) -> bool:
        target = self.folder / name
        if target.exists():
            self._kept += 1
            return True
        with self._translated():
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._link_or_copy(self._lake / key, target)
            except FileNotFoundError:
                return False
        return True

    def write(self, name: str, write: Write) -> None:
        target = self.folder / name
        if target.exists():
            self._kept += 1
            return
        with self._translated():
            target.parent.mkdir(parents=True, exist_ok=True)
            with _placed(target) as temporary:
                write(temporary)
        self._written += 1

    def finish(self, name: str, files: Sequence[ExportedFile], columns: Sequence[str]) -> Exported:
        with self._translated():
            self._keep_only([one.name for one in files])
        return self.exported(files, str(self.folder))

    def exported(self, files: Sequence[ExportedFile], location: str) -> Exported:
        """Returns what was done."""
        paths = [self.folder / one.name for one in files]
        return Exported(
            rows=_rows(paths),
            files=len(paths),
            size_bytes=sum(path.stat().st_size for path in paths),
            linked=self._linked,
            copied=self._copied,
            written=self._written,
            kept=self._kept,
            location=location,
        )

    def remember(self, names: Sequence[str]) -> None:
        """Writes down which files belong to the export."""
        self._manifest.files = sorted(names)
        with _placed(self.folder / MANIFEST) as temporary:
            temporary.write_bytes(msgspec.json.format(msgspec.json.encode(self._manifest), indent=2) + b"\n")

    def _keep_only(self, names: Sequence[str]) -> None:
        """Removes what the last export left and this one does not have: a reader would count it twice."""
        for gone in set(self._manifest.files) - set(names):
            (self.folder / gone).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                for parent in Path(gone).parents[:-1]:
                    (self.folder / parent).rmdir()
        self.remember(names)

    def _opened(self, table: str) -> Manifest:
        if self.folder.resolve().is_relative_to(self._lake.resolve()):
            raise UsageError(f"{self.folder} is within the lake", hint="export to a folder outside the home")
        with self._translated():
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / MANIFEST
            if path.exists():
                return self._read(path, table)
            if any(self.folder.iterdir()):
                raise UsageError(f"{self.folder} is not empty", hint="give a folder that is new or empty")
            self._manifest = Manifest(kind=self.kind, table=table)
            self.remember([])
        return self._manifest

    def _read(self, path: Path, table: str) -> Manifest:
        try:
            found = msgspec.json.decode(path.read_bytes(), type=Manifest)
        except msgspec.DecodeError:
            raise UsageError(f"{path} is damaged", hint="delete the folder, then export again") from None
        if (found.kind, found.table) != (self.kind, table):
            raise UsageError(
                f"{self.folder} holds {found.table} as {found.kind}", hint="give another folder for each export"
            )
        return found

    def _link_or_copy(self, source: Path, target: Path) -> None:
        if not self._copy:
            try:
                os.link(source, target, follow_symlinks=False)
            except OSError as error:
                if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}:
                    raise
            else:
                self._linked += 1
                return
        with _placed(target) as temporary:
            shutil.copyfile(source, temporary)
        self._copied += 1

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise StorageFullError(
                    f"no space left for {self.folder}", hint="free some space, then again"
                ) from error
            raise PenstockError(
                f"cannot export to {self.folder}: {error.strerror or error}", hint="give a folder that you may write"
            ) from error


@contextlib.contextmanager
def _placed(target: Path) -> Iterator[Path]:
    """Gives a path to write to, which takes the target's name when it is whole."""
    temporary = target.with_name(f"{TEMPORARY}{os.getpid()}-{target.name}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _rows(paths: Sequence[Path]) -> int:
    import duckdb

    if not paths:
        return 0
    files = [exact(str(path)) for path in paths]
    with duckdb.connect(":memory:", config={"threads": 1, "autoload_known_extensions": False}) as connection:
        found = connection.execute("SELECT sum(num_rows) FROM parquet_file_metadata(?)", [files]).fetchone()
    return int(found[0]) if found else 0
