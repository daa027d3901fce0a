"""Zips whose bytes follow from their contents alone."""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from penstock.errors import UsageError

# The earliest time that a zip can hold; nothing of the build's own time gets into the bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)
# A function's user must be able to read all: https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
MODE = 0o100644
UNIX = 3
LEVEL = 9

Contents = Mapping[str, Path | bytes]


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """A zip that was written.

    Attributes:
        path: relative to the folder of the deployment.
        zipped_bytes: its size.
        unzipped_bytes: the size of what is in it.
        digest: its SHA-256, in hexadecimal digits.
    """

    path: str
    zipped_bytes: int
    unzipped_bytes: int
    digest: str


def write_archive(folder: Path, path: str, contents: Contents) -> Archive:
    """Writes a zip, whole or not at all: entries sorted, one time and one mode for all.

    Raises:
        UsageError: a file cannot be read, or the zip cannot be written.
    """
    target = folder / path
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    unzipped = 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(partial, "w") as archive:
            for name in sorted(contents):
                source = contents[name]
                data = source if isinstance(source, bytes) else source.read_bytes()
                unzipped += len(data)
                archive.writestr(_entry(name), data, zipfile.ZIP_DEFLATED, LEVEL)
        written = partial.read_bytes()
        partial.replace(target)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"cannot write {target}: {error}", hint="mend what it names, and build again") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    digest = hashlib.sha256(written).hexdigest()
    return Archive(path=path, zipped_bytes=len(written), unzipped_bytes=unzipped, digest=digest)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.create_system = UNIX
    entry.external_attr = MODE << 16
    return entry
