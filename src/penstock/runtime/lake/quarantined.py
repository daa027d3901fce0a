"""The quarantine of a raw object: one object of lines, of those that sealing found and those that tasks did."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from penstock.errors import ConditionFailedError
from penstock.lake.layout import quarantine_key
from penstock.lake.lines import split
from penstock.lake.outcome import Bad
from penstock.lake.records import encode_quarantine
from penstock.model.datasets import LakeTable
from penstock.ports.objects import ObjectStore

ATTEMPTS = 20


class QuarantineLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A record that did not fit.

    Attributes:
        source: the raw object.
        line: counts from 1.
        raw: at most its first 64 KiB.
        encoding: how ``raw`` is written: utf-8 is as it is.
        by: what put it there; empty for a task.
    """

    reason: str
    source: str = ""
    line: int = 0
    raw: str = ""
    encoding: str = "utf-8"
    by: str = ""

    @property
    def data(self) -> bytes:
        """The record as it was."""
        return base64.b64decode(self.raw) if self.encoding == "base64" else self.raw.encode()


SEAL = "seal"
_decoder = msgspec.json.Decoder(QuarantineLine)


class QuarantineFile:
    """A file of what did not fit, in the order of the lines; there is none where all fits."""

    def __init__(self, path: Path, source: str) -> None:
        self.path = path
        self.count = 0
        self._source = source
        self._file: Any = None

    def __enter__(self) -> QuarantineFile:
        """Begins anew."""
        self.count = 0
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def add(self, bad: Bad) -> None:
        """Writes one down."""
        if self._file is None:
            self._file = self.path.open("wb")
        described = msgspec.json.decode(encode_quarantine([bad], self._source))
        self._file.write(msgspec.json.encode({**described, "by": SEAL}) + b"\n")
        self.count += 1


def read_quarantine(objects: ObjectStore, key: str) -> Iterator[QuarantineLine]:
    """Yields the lines of an object of the quarantine. Raises NotFoundError."""
    for line in split(objects.stream(key)):
        try:
            yield _decoder.decode(line)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            if line.strip():
                yield QuarantineLine("this line of the quarantine cannot be read", raw=line.decode("utf-8", "replace"))


def put_quarantine(objects: ObjectStore, table: LakeTable, source: str, found: Path | None, scratch: Path) -> str:
    """Writes what sealing found in a raw object in place of what it found before; returns the object's key.

    What tasks have put there stays, unless sealing found the same lines. With nothing to write there is no object.
    """
    key = quarantine_key(table, source)
    for _ in range(ATTEMPTS):
        known = objects.head(key)
        others = [one for one in read_quarantine(objects, key) if one.by != SEAL] if known else []
        if found is None and not others:
            objects.delete(key)
            return key
        merged = _merge(found, others, scratch / "merged.quarantine")
        try:
            objects.replace(key, merged, if_match=known.etag if known else None)
        except ConditionFailedError:
            continue
        return key
    raise ConditionFailedError(f"{key} is written all the time", hint="seal again when it has become quiet")


def _merge(found: Path | None, others: list[QuarantineLine], target: Path) -> Path:
    lines = {one.line for one in others}
    again: set[int] = set()
    with target.open("wb") as merged:
        if found is not None:
            with found.open("rb") as written:
                for raw in written:
                    if lines and (line := _decoder.decode(raw).line) in lines:
                        again.add(line)
                    merged.write(raw)
        for one in others:
            if one.line not in again:
                merged.write(msgspec.json.encode(one) + b"\n")
    return target
