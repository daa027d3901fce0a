"""Undelete: objects that were deleted from a versioned bucket are there again, as they were.

To delete an object of such a bucket only puts a delete marker over it, and to remove the marker undoes that. What was
deleted can be had back until lifecycle rules expire what is not current.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from penstock.adapters.aws.session import calling, client
from penstock.errors import PortError

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
REMOVED_AT_ONCE = 1000


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """An object that is hidden under delete markers.

    Attributes:
        size: of its newest version, in bytes.
        deleted_at: when the first of these markers was put over that version, in seconds since the epoch.
        markers: their version ids.
    """

    key: str
    size: int
    deleted_at: float
    markers: tuple[str, ...]


def deleted_objects(
    bucket: str, *, prefix: str = "", since: float = 0.0, region: str | None = None
) -> Iterator[Deleted]:
    """Yields the objects of a versioned bucket that were deleted and can be had back, in order of their keys.

    Args:
        since: only what was deleted at this time or later, in seconds since the epoch. Lifecycle rules leave markers
            as well, over what has expired.

    Raises:
        NotFoundError: there is no such bucket.
    """
    pages = client("s3", region=region).get_paginator("list_object_versions")
    versions: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    with calling(f"list the versions in {bucket}"):
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            entries = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            for entry in entries:
                versions[entry["Key"]].append(entry)
            # The versions of a page's last key may go on in the next page.
            last = max((entry["Key"] for entry in entries), key=str.encode, default="")
            for key in sorted(versions.keys() - {last}, key=str.encode):
                yield from _deleted(versions.pop(key), since)
    for rest in versions.values():
        yield from _deleted(rest, since)


def undelete(
    bucket: str,
    wanted: Iterable[Deleted],
    *,
    region: str | None = None,
    progress: Callable[[int], None] = lambda restored: None,
) -> int:
    """Removes the markers over deleted objects, and returns how many objects are there again.

    Nothing is written, so that no trigger starts anything. Versions that hold data are never touched.

    Args:
        progress: told how many there are so far.

    Raises:
        PortError: some could not be had back; the others were.
    """
    service = client("s3", region=region)
    done: set[str] = set()
    refused: dict[str, str] = {}
    markers = ((one.key, marker) for one in wanted for marker in one.markers)
    while batch := list(itertools.islice(markers, REMOVED_AT_ONCE)):
        removed = [{"Key": key, "VersionId": marker} for key, marker in batch]
        with calling(f"remove delete markers in {bucket}"):
            answer = service.delete_objects(Bucket=bucket, Delete={"Objects": removed, "Quiet": True})
        refused |= {one["Key"]: f"{one['Code']}: {one.get('Message', '')}" for one in answer.get("Errors", ())}
        done |= {key for key, _ in batch}
        progress(len(done - refused.keys()))
    if refused:
        key, reason = next(iter(refused.items()))
        raise PortError(
            f"{len(refused)} objects in {bucket} could not be undeleted, such as {key}: {reason}",
            hint="this takes s3:DeleteObjectVersion; then do the same again",
            restored=len(done - refused.keys()),
        )
    return len(done)


def _deleted(versions: Sequence[Mapping[str, Any]], since: float) -> Iterator[Deleted]:
    """Yields the object that these versions are of, if it is deleted.

    Times are whole seconds: of a marker and a version of one second, ``IsLatest`` alone tells which one is newer. A
    marker below a version hides nothing; to remove it as well does no harm.
    """
    stored = [one for one in versions if "Size" in one]
    if not stored or any(one["IsLatest"] for one in stored):
        return
    newest = max(stored, key=lambda one: one["LastModified"])
    over = [one for one in versions if "Size" not in one and one["LastModified"] >= newest["LastModified"]]
    deleted_at = min((one["LastModified"].timestamp() for one in over), default=0.0)
    if over and deleted_at >= since:
        markers = tuple(one["VersionId"] for one in over)
        yield Deleted(key=newest["Key"], size=newest["Size"], deleted_at=deleted_at, markers=markers)
