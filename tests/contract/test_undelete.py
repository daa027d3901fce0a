"""Objects that were deleted from a versioned bucket come back, on moto."""

import time
from typing import Any

import pytest

from penstock.adapters.aws.objects import S3ObjectStore
from penstock.adapters.aws.session import client
from penstock.deploy.undelete import deleted_objects, undelete
from penstock.errors import NotFoundError

DAY_SECONDS = 86_400


@pytest.fixture
def objects(aws: str) -> S3ObjectStore:
    s3 = client("s3")
    s3.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"})
    return S3ObjectStore("lake")


def versions() -> dict[str, Any]:
    """Returns the versions that hold data, by id."""
    pages = client("s3").get_paginator("list_object_versions").paginate(Bucket="lake")
    return {one["VersionId"]: one["ETag"] for page in pages for one in page.get("Versions", ())}


def contents(objects: S3ObjectStore) -> dict[str, bytes]:
    return {one.key: objects.get(one.key) for one in objects.list()}


def test_everything_deleted_comes_back_as_it_was(objects: S3ObjectStore) -> None:
    keys = ["raw/t/year=2026/a.json", "raw/t/year=2026/b c+d%2F.json", "quarantine/t/é.json"]
    for key in keys:
        objects.create(key, key.encode())
    before, stored = contents(objects), versions()
    for key in keys:
        objects.delete(key)
    assert contents(objects) == {}
    found = list(deleted_objects("lake"))
    assert [(one.key, one.size, len(one.markers)) for one in found] == [
        (key, len(key.encode()), 1) for key in sorted(keys, key=str.encode)
    ]
    assert abs(found[0].deleted_at - time.time()) < 60
    told: list[int] = []
    assert undelete("lake", found, progress=told.append) == 3
    assert told == [3]
    assert contents(objects) == before
    assert versions() == stored
    assert list(deleted_objects("lake")) == []


def test_to_do_it_again_does_nothing(objects: S3ObjectStore) -> None:
    objects.create("a", b"1")
    objects.delete("a")
    found = list(deleted_objects("lake"))
    assert undelete("lake", found) == 1
    objects.put("a", b"2")
    undelete("lake", found)
    assert contents(objects) == {"a": b"2"}


def test_the_newest_version_comes_back_however_often_it_was_deleted(objects: S3ObjectStore) -> None:
    objects.put("a", b"1")
    objects.delete("a")
    objects.put("a", b"2")
    objects.delete("a")
    # A delete of what is deleted leaves another marker.
    client("s3").delete_object(Bucket="lake", Key="a")
    assert undelete("lake", deleted_objects("lake")) == 1
    assert contents(objects) == {"a": b"2"}


def test_what_is_there_stays_as_it_is(objects: S3ObjectStore) -> None:
    objects.put("overwritten", b"1")
    objects.put("overwritten", b"2")
    objects.put("deleted, written again", b"1")
    objects.delete("deleted, written again")
    objects.put("deleted, written again", b"2")
    assert list(deleted_objects("lake")) == []


def test_only_a_prefix(objects: S3ObjectStore) -> None:
    for key in ("raw/a/1", "raw/ab/1", "raw/b/1"):
        objects.create(key, b"x")
        objects.delete(key)
    assert [one.key for one in deleted_objects("lake", prefix="raw/a/")] == ["raw/a/1"]
    undelete("lake", deleted_objects("lake", prefix="raw/a/"))
    assert list(contents(objects)) == ["raw/a/1"]


def test_only_what_was_deleted_since(objects: S3ObjectStore) -> None:
    objects.create("a", b"x")
    objects.delete("a")
    now = time.time()
    assert list(deleted_objects("lake", since=now + DAY_SECONDS)) == []
    assert [one.key for one in deleted_objects("lake", since=now - DAY_SECONDS)] == ["a"]


def test_what_has_no_version_left_cannot_come_back(objects: S3ObjectStore) -> None:
    objects.create("a", b"x")
    objects.delete("a")
    for version in versions():
        client("s3").delete_object(Bucket="lake", Key="a", VersionId=version)
    assert list(deleted_objects("lake")) == []


def test_more_than_fits_into_a_page_or_a_request(objects: S3ObjectStore) -> None:
    keys = [f"t/{number:03}" for number in range(300)]
    for key in keys:
        objects.create(key, key.encode())
    # Of a thousand entries a page, the last two are of the 200th key, which has five.
    for number in (0, 1, 2):
        objects.put(keys[number], b"again")
    for _ in range(4):
        client("s3").delete_objects(Bucket="lake", Delete={"Objects": [{"Key": key} for key in keys]})
    found = list(deleted_objects("lake"))
    assert [one.key for one in found] == keys
    assert {len(one.markers) for one in found} == {4}
    told: list[int] = []
    assert undelete("lake", found, progress=told.append) == 300
    # A thousand markers are removed at once.
    assert told == [250, 300]
    assert [one.key for one in objects.list()] == keys


def test_a_bucket_that_is_not_there(aws: str) -> None:
    with pytest.raises(NotFoundError, match="list the versions in nothing"):
        list(deleted_objects("nothing"))
