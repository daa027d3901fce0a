"""Files that name other files: an Amazon S3 inventory, and the manifest of an Athena UNLOAD.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html, "Athena manifest as data source" and
"Amazon S3 inventory"; https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from penstock.states.distributed import text as texts
from penstock.states.distributed.csv_items import records
from penstock.states.distributed.items import ITEM_LIMIT_BYTES, Item, reader_failed


class Place(NamedTuple):
    """An object's place."""

    bucket: str
    key: str


class Inventory(NamedTuple):
    """What the manifest of an inventory says.

    Attributes:
        columns: the names of the inventory files' fields, in order.
    """

    columns: list[str]
    files: list[Place]


def inventory(chunks: Iterable[str]) -> Inventory:
    """Returns what an inventory's ``manifest.json`` says.

    Raises:
        StateFailedError: ``States.ItemReaderFailed``: it is no such manifest, or its files are not in CSV.
    """
    manifest = _manifest(chunks)
    if manifest.get("fileFormat") != "CSV":
        raise reader_failed("The Amazon S3 inventory report must be in CSV format")
    schema, files = manifest.get("fileSchema"), manifest.get("files")
    bucket = manifest.get("destinationBucket")
    if not isinstance(schema, str) or not isinstance(files, list) or not isinstance(bucket, str):
        raise reader_failed("The file is no manifest of an Amazon S3 inventory")
    keys = [file.get("key") if isinstance(file, dict) else None for file in files]
    if not all(isinstance(key, str) for key in keys):
        raise reader_failed("The manifest of the Amazon S3 inventory names a file without a key")
    # The destination is a bucket's ARN.
    place = bucket.rpartition(":")[2]
    return Inventory([name.strip() for name in schema.split(",")], [Place(place, str(key)) for key in keys])


def inventory_items(chunks: Iterable[str], columns: list[str], source: str) -> Iterator[Item]:
    """Yields what one of an inventory's files lists: its fields, by their names, as text."""
    for row in records(chunks, ","):
        cells = row + [""] * (len(columns) - len(row))
        yield Item(dict(zip(columns, cells, strict=False)), None, source)


def athena_files(chunks: Iterable[str]) -> Iterator[Place]:
    """Yields the objects that the manifest of an Athena query names, one a line.

    Raises:
        StateFailedError: ``States.ItemReaderFailed``: a line is no ``s3://bucket/key``.
    """
    for line in texts.lines(chunks):
        scheme, _, rest = line.strip('"').partition("://")
        bucket, _, key = rest.partition("/")
        if scheme.lower() not in {"s3", "s3a", "s3n"} or not bucket or not key:
            raise reader_failed(f"The Athena manifest names {line!r:.200}, which is no s3://bucket/key")
        yield Place(bucket, key)


def _manifest(chunks: Iterable[str]) -> dict[str, Any]:
    pieces: list[str] = []
    length = 0
    for piece in chunks:
        pieces.append(piece)
        length += len(piece)
        if length > ITEM_LIMIT_BYTES:
            raise texts.too_large()
    try:
        manifest = json.loads("".join(pieces))
    except (ValueError, RecursionError):
        raise reader_failed("The file is no manifest of an Amazon S3 inventory") from None
    if not isinstance(manifest, dict):
        raise reader_failed("The file is no manifest of an Amazon S3 inventory")
    return manifest
