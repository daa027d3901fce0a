"""Puts objects that the lake already holds through the workflows of their triggers. Runs as a Glue Python shell job.

Arguments of a run:
    --from 2026/02/01   the first day whose objects are taken; all days when left out
    --to 2026/02/20     the last one
    --trigger NAME      only this trigger; all of them when left out
    --label TEXT        an object is put through once for each label: a run that ended early is run again as it was
    --per-second 10     how many executions are started a second
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

PARTITION = re.compile(r"/year=(\d{4})/month=(\d\d)/day=(\d\d)/")


def main(arguments: list[str]) -> None:
    """Starts an execution for each object, and writes down how many."""
    import boto3

    options = parse(arguments)
    pages = boto3.client("s3").get_paginator("list_objects_v2")
    workflows = boto3.client("stepfunctions")
    for name, trigger in options.triggers.items():
        if options.trigger in {None, name}:
            objects = stored(pages, options.bucket, trigger["table"], options.first, options.last)
            started, repeated = start_all(workflows, trigger, objects, options.label, 1 / options.per_second)
            sys.stdout.write(f"{name}: {started} started, {repeated} had been under label {options.label!r}\n")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Returns the options; Glue adds arguments of its own, which are left alone."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--triggers", required=True, type=json.loads)
    parser.add_argument("--trigger")
    parser.add_argument("--from", dest="first", default="0000/00/00")
    parser.add_argument("--to", dest="last", default="9999/99/99")
    parser.add_argument("--label", default="backfill")
    parser.add_argument("--per-second", type=float, default=10.0)
    return parser.parse_known_args(arguments)[0]


def stored(pages: Any, bucket: str, table: str, first: str, last: str) -> Iterator[tuple[str, int]]:
    """Yields key and size of a table's objects whose day is in the range, oldest first."""
    for page in pages.paginate(Bucket=bucket, Prefix=f"raw/{table}/"):
        for item in page.get("Contents", ()):
            day = PARTITION.search(item["Key"])
            if day and first <= "/".join(day.groups()) <= last:
                yield item["Key"], item["Size"]


def start_all(
    workflows: Any,
    trigger: dict[str, str],
    objects: Iterable[tuple[str, int]],
    label: str,
    pause_seconds: float,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[int, int]:
    """Starts an execution for each object that has none under this label; returns how many had none and had one."""
    started = repeated = 0
    for key, size in objects:
        # The same input as that of a new object.
        event = {"table": trigger["table"], "key": key, "size": size}
        digest = hashlib.sha256(f"{label}\n{key}".encode()).hexdigest()
        name = f"backfill-{digest[:40]}"
        try:
            workflows.start_execution(stateMachineArn=trigger["machine"], name=name, input=json.dumps(event))
            started += 1
        except workflows.exceptions.ExecutionAlreadyExists:
            repeated += 1
        sleep(pause_seconds)
    return started, repeated


if __name__ == "__main__":
    main(sys.argv[1:])
