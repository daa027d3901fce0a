"""Objects as files below one folder.

A write goes to a hidden file in the same folder, which then takes its name in one step: by a hard link, which fails
if the name is taken, or by a rename, which replaces. So a reader sees an object whole or not at all, and a process that
dies leaves at most a hidden file behind, which no listing shows. What may replace or delete an object holds a lock on
its folder, so that an object is compared and replaced in one step.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from penstock.errors import (
    AlreadyExistsError,
    ConditionFailedError,
    HomeError,
    NotFoundError,
    PenstockError,
    StorageFullError,
    ValidationError,
)
from penstock.faultpoints import fault_point
from penstock.ports.clock import Clock
from penstock.ports.objects import ObjectInfo, check_key

TEMPORARY_PREFIX = ".penstock-"


class FileObjectStore:
    """A bucket in a folder.

    Args:
        root: the folder; created, readable by its owner only, when it is absent.
        faults: begins the names of its fault points.
        clock: tells when objects were written; the system's clock when absent.
        sync: wait until what is written is on the disk; otherwise a power cut can damage it.
    """

    def __init__(self, root: Path, *, faults: str = "objects", clock: Clock | None = None, sync: bool = True) -> None:
        self._root = root
        self._faults = faults
        self._clock = clock
        self._sync = sync

    def create(self, key: str, data: bytes) -> ObjectInfo:
        path = self._path(key)
        with _translated(path):
            temporary = self._write(path, data)
            fault_point(f"{self._faults}.before_link")
            try:
                os.link(temporary, path, follow_symlinks=False)
            except FileExistsError:
                raise AlreadyExistsError(f"object {key} is there already", hint="objects are written once") from None
            finally:
                temporary.unlink()
            fault_point(f"{self._faults}.after_link")
            return _info(key, path.lstat())

    def put(self, key: str, data: bytes) -> ObjectInfo:
        path = self._path(key)
        with _translated(path):
            temporary = self._write(path, data)
            fault_point(f"{self._faults}.before_rename")
            with _locked(path.parent):
                temporary.replace(path)
                return _info(key, path.lstat())

    def replace(self, key: str, source: Path | bytes, *, if_match: str | None) -> ObjectInfo:
        path = self._path(key)
        with _translated(path):
            temporary = self._write(path, source) if isinstance(source, bytes) else self._adopt(path, source)
            fault_point(f"{self._faults}.before_lock")
            try:
                with _locked(path.parent):
                    found = self.head(key)
                    if (found and found.etag) != if_match:
                        raise ConditionFailedError(
                            f"object {key} is not the one that was to be replaced",
                            hint="another writer was first: read it again",
                        )
                    fault_point(f"{self._faults}.before_rename")
                    temporary.replace(path)
                    fault_point(f"{self._faults}.after_rename")
                    return _info(key, path.lstat())
            finally:
                temporary.unlink(missing_ok=True)

    def get(self, key: str) -> bytes:
        return b"".join(self.stream(key))

    def stream(self, key: str, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        path = self._path(key)
        if self.head(key) is None:
            raise NotFoundError(f"there is no object {key}", hint="`penstock executions` shows what was written")
        with _translated(path):
            # A link put into the folder must not lead out of it.
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(fd, "rb", buffering=0) as file:
                while chunk := file.read(chunk_bytes):
                    yield chunk

    def head(self, key: str) -> ObjectInfo | None:
        path = self._path(key)
        with _translated(path):
            try:
                status = path.lstat()
            except (FileNotFoundError, NotADirectoryError):
                return None
        return _info(key, status) if stat.S_ISREG(status.st_mode) and self._is_inside(path) else None

    def list(self, prefix: str = "", start_after: str | None = None) -> Iterator[ObjectInfo]:
        folder, _, _ = prefix.rpartition("/")
        if folder:
            check_key(folder)
        yield from self._walk(folder, prefix, start_after)

    def delete(self, key: str) -> None:
        path = self._path(key)
        with _translated(path), contextlib.suppress(FileNotFoundError, NotADirectoryError), _locked(path.parent):
            path.unlink()

    def _path(self, key: str) -> Path:
        check_key(key)
        if any(segment.startswith(TEMPORARY_PREFIX) for segment in key.split("/")):
            raise ValidationError(f"object key {key!r} is of the store's own", hint=f"avoid {TEMPORARY_PREFIX}")
        return self._root / key

    def _is_inside(self, path: Path) -> bool:
        folder, root = os.path.realpath(path.parent), os.path.realpath(self._root)
        return folder == root or folder.startswith(f"{root}{os.sep}")

    def _adopt(self, path: Path, source: Path) -> Path:
        """Returns a file, its bytes on the disk, that can take the object's name in one step."""
        self._make_folder(path)
        with source.open("rb") as file:
            self._settle(file.fileno())
        if source.stat().st_dev == path.parent.stat().st_dev:
            return source
        temporary = path.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
        shutil.move(source, temporary)
        return temporary

    def _make_folder(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._is_inside(path):
            raise HomeError(f"{path.parent} leads out of {self._root}", hint="remove the symbolic link")

    def _write(self, path: Path, data: bytes) -> Path:
        self._make_folder(path)
        temporary = path.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
                fault_point(f"{self._faults}.before_sync")
                file.flush()
                self._settle(fd)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return temporary

    def _settle(self, fd: int) -> None:
        if self._clock is not None:
            written_at = round(self._clock.now() * 1e9)
            os.utime(fd, ns=(written_at, written_at))
        if self._sync:
            os.fsync(fd)

    def _walk(self, folder: str, prefix: str, start_after: str | None) -> Iterator[ObjectInfo]:
        path = self._root / folder if folder else self._root
        with _translated(path):
            try:
                with os.scandir(path) as found:
                    entries = [entry for entry in found if not entry.name.startswith(TEMPORARY_PREFIX)]
            except (FileNotFoundError, NotADirectoryError):
                return
            base = f"{folder}/" if folder else ""
            # A folder stands where its keys, which go on with a slash, belong.
            keys = sorted(
                (f"{base}{e.name}{'/' if e.is_dir(follow_symlinks=False) else ''}".encode(), e) for e in entries
            )
        for raw, entry in keys:
            key = raw.decode()
            if entry.is_dir(follow_symlinks=False):
                beyond = start_after is not None and raw < start_after.encode() and not start_after.startswith(key)
                if not beyond and (key.startswith(prefix) or prefix.startswith(key)):
                    yield from self._walk(key[:-1], prefix, start_after)
            elif key.startswith(prefix) and (start_after is None or raw > start_after.encode()):
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(status.st_mode):
                        yield _info(key, status)


def _info(key: str, status: os.stat_result) -> ObjectInfo:
    etag = f"{status.st_mtime_ns:x}-{status.st_size:x}"
    return ObjectInfo(key, status.st_size, status.st_mtime_ns / 1e9, etag)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Holds the lock of a folder; the system frees it when the process dies."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _translate(error, path) from error


def _translate(error: OSError, path: Path) -> PenstockError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageFullError(f"no space left for {path}", hint="free some space, then start again: nothing is lost")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return HomeError(
            f"cannot write {path}: {error.strerror}", hint="make the home writable, or choose another --home"
        )
    return HomeError(f"cannot use {path}: {error.strerror}", hint="check the disk and the home folder")
