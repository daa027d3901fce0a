"""ItemReader: from what it says to the items, one at a time.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html. Nothing is opened before the first
item is asked for, and nothing is read before it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from penstock.states.distributed import csv_items, json_items, manifests
from penstock.states.distributed import text as texts
from penstock.states.distributed.items import Item, at_most, reader_failed
from penstock.states.distributed.manifests import Place
from penstock.states.missing import shown

GET_OBJECT = "arn:aws:states:::s3:getObject"
LIST_OBJECTS = "arn:aws:states:::s3:listObjectsV2"


class Buckets(Protocol):
    """What a reader reads from. A method that cannot do it raises StateFailedError."""

    def stream(self, place: Place) -> Iterator[bytes]:
        """Yields an object's bytes in pieces."""
        ...

    def listing(self, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
        """Yields what ListObjectsV2 says of each object: Etag, Key, LastModified, Size and StorageClass."""
        ...

    def rows(self, place: Place) -> Iterator[dict[str, Any]]:
        """Yields the rows of a Parquet file."""
        ...


def read_items(reader: dict[str, Any], buckets: Buckets) -> Iterator[Item]:
    """Yields the items that an ItemReader finds.

    Args:
        reader: ``Resource``, ``Parameters`` and ``ReaderConfig``, with every path and template evaluated.
        buckets: what is read.

    Raises:
        StateFailedError: ``States.ItemReaderFailed``, also in the middle; ``States.Runtime``: ``MaxItems`` is no
            whole number from 0.
    """
    config = reader.get("ReaderConfig") or {}
    parameters = reader.get("Parameters") or {}
    if not isinstance(config, dict) or not isinstance(parameters, dict):
        raise reader_failed("ReaderConfig and Parameters must be objects")
    resource = reader.get("Resource")
    if resource == LIST_OBJECTS:
        found = _listed(config, parameters, buckets)
    elif resource == GET_OBJECT:
        found = _from_object(config, parameters, buckets)
    else:
        raise reader_failed(f"An ItemReader reads with {GET_OBJECT} or {LIST_OBJECTS}, not {resource!r:.200}")
    return at_most(found, config.get("MaxItems"))


def _text(parameters: dict[str, Any], name: str, *, default: str | None = None) -> str:
    value = parameters.get(name, default)
    if not isinstance(value, str) or (default is None and not value):
        raise reader_failed(f"{name} must be text, not {shown(value):.100}")
    return value


def _listed(config: dict[str, Any], parameters: dict[str, Any], buckets: Buckets) -> Iterator[Item]:
    bucket, prefix = _text(parameters, "Bucket"), _text(parameters, "Prefix", default="")
    transformation = config.get("Transformation", "NONE")
    if transformation == "NONE":
        for entry in buckets.listing(bucket, prefix):
            yield Item(entry, None, f"S3://{bucket}")
    elif transformation == "LOAD_AND_FLATTEN":
        read = _parser(config, buckets)
        for entry in buckets.listing(bucket, prefix):
            # The object that a console makes for a folder.
            if not str(entry["Key"]).endswith("/"):
                yield from read(Place(bucket, entry["Key"]))
    else:
        raise reader_failed(f"Transformation must be NONE or LOAD_AND_FLATTEN, not {shown(transformation):.100}")


def _from_object(config: dict[str, Any], parameters: dict[str, Any], buckets: Buckets) -> Iterator[Item]:
    place = Place(_text(parameters, "Bucket"), _text(parameters, "Key"))
    if parameters.get("VersionId"):
        raise reader_failed("VersionId: versions of objects cannot be read here")
    manifest = config.get("ManifestType")
    if manifest == "S3_INVENTORY" or (manifest is None and config.get("InputType") == "MANIFEST"):
        yield from _inventoried(place, buckets)
    elif manifest == "ATHENA_DATA":
        # A query's files have no header: their columns' names have to be given.
        read = _parser(config, buckets)
        for named in manifests.athena_files(_texts(place, buckets)):
            yield from read(named)
    elif manifest is None:
        yield from _parser(config, buckets)(place)
    else:
        raise reader_failed(f"ManifestType must be ATHENA_DATA or S3_INVENTORY, not {shown(manifest):.100}")


def _inventoried(place: Place, buckets: Buckets) -> Iterator[Item]:
    inventory = manifests.inventory(_texts(place, buckets))
    for file in inventory.files:
        yield from manifests.inventory_items(_texts(file, buckets), inventory.columns, _source(file))


def _parser(config: dict[str, Any], buckets: Buckets) -> Callable[[Place], Iterator[Item]]:
    """Returns what makes items of one object, by its InputType."""
    kind = config.get("InputType")
    match kind:
        case "JSON":
            pointer = _text(config, "ItemsPointer", default="")
            return lambda place: json_items.json_items(_texts(place, buckets), _source(place), pointer)
        case "JSONL":
            return lambda place: json_items.json_lines(_texts(place, buckets), _source(place))
        case "CSV":
            return lambda place: csv_items.csv_items(_texts(place, buckets), _source(place), config)
        case "PARQUET":
            return lambda place: (Item(row, None, _source(place)) for row in buckets.rows(place))
    raise reader_failed(f"InputType must be CSV, JSON, JSONL, PARQUET or MANIFEST, not {shown(kind):.100}")


def _texts(place: Place, buckets: Buckets) -> Iterator[str]:
    return texts.decoded(texts.decompressed(buckets.stream(place), place.key))


def _source(place: Place) -> str:
    return f"S3://{place.bucket}/{place.key}"
