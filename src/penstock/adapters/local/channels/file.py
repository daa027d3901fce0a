"""Notifications as lines of JSON in a file."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import msgspec

from penstock.errors import DeliveryError
from penstock.model.endpoints import check_endpoint, file_name
from penstock.ports.notify import Message


class FileChannel:
    """Appends each message as one JSON object a line to a file below a folder.

    A line is on the disk when the delivery returns. A line that could not be written whole is taken back. Several
    processes may append to one file. Folders and files are readable by their owner only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def deliver(self, message: Message, endpoint: str) -> None:
        """Appends a message to the endpoint's file.

        Raises:
            DeliveryError: the endpoint names no file below the folder (permanent), or it cannot be written.
        """
        mistake = check_endpoint(endpoint)
        if mistake:
            raise DeliveryError(mistake, hint="correct the topic's subscription", permanent=True)
        path = self._folder / file_name(endpoint)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.parent.resolve().is_relative_to(self._folder.resolve()):
                raise DeliveryError(
                    f"{path} leads out of {self._folder}", hint="remove the symbolic link", permanent=True
                )
            _append(path, msgspec.json.encode(message) + b"\n")
        except OSError as error:
            raise DeliveryError(
                f"cannot append to {path}: {error.strerror}",
                hint="check its owner, mode and free space",
                permanent=False,
            ) from error


def _append(path: Path, line: bytes) -> None:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        # A writer that lost its power may have left half a line; the next one must not be glued to it.
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line
        try:
            written = 0
            while written < len(line):
                written += os.write(descriptor, line[written:])
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)
