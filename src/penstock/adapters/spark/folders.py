"""Where Spark and the process that drives it hand files to each other."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from penstock.ports.objects import ObjectStore


class ExchangeFolder(Protocol):
    """A folder that all machines of a cluster see."""

    def share(self, path: Path) -> str:
        """Returns the address of a file as the cluster reads it."""
        ...

    def place(self, name: str) -> str:
        """Returns the address of a folder that the cluster may write."""
        ...

    def fetch(self, name: str) -> Path:
        """Returns a folder of this machine with what the cluster wrote there."""
        ...

    def clear(self) -> None:
        """Removes what was handed over."""
        ...


class LocalFolder:
    """A scratch folder, where all of Spark is on this machine."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch

    def share(self, path: Path) -> str:
        return path.as_uri()

    def place(self, name: str) -> str:
        return (self._scratch / name).as_uri()

    def fetch(self, name: str) -> Path:
        return self._scratch / name

    def clear(self) -> None:
        """Nothing is outside of the scratch folder."""


class ObjectFolder:
    """A prefix of an object store.

    Args:
        scratch: where what the cluster wrote is copied to.
        objects: the store.
        prefix: what all keys begin with; it has to be of one run.
        address: of the store as Spark names it, such as ``s3://bucket``.
    """

    def __init__(self, scratch: Path, objects: ObjectStore, prefix: str, address: str) -> None:
        self._scratch = scratch
        self._objects = objects
        self._prefix = prefix
        self._address = address

    def share(self, path: Path) -> str:
        key = f"{self._prefix}/{path.name}"
        self._objects.replace(key, path, if_match=None)
        return f"{self._address}/{key}"

    def place(self, name: str) -> str:
        return f"{self._address}/{self._prefix}/{name}"

    def fetch(self, name: str) -> Path:
        folder = self._scratch / name
        folder.mkdir(exist_ok=True)
        for info in self._objects.list(f"{self._prefix}/{name}/"):
            with (folder / info.key.rpartition("/")[2]).open("wb") as file:
                file.writelines(self._objects.stream(info.key))
        return folder

    def clear(self) -> None:
        for info in list(self._objects.list(f"{self._prefix}/")):
            self._objects.delete(info.key)
