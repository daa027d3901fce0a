"""Sealing in the account, rehearsed: the deployed function seals what the scene left, and this machine does the same.

What is open at the time of a rehearsal is sealed as well, because it is asked for by name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from penstock.adapters.aws.objects import ListedObjectStore
from penstock.adapters.aws.session import calling, client
from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.parquet_footer import footer
from penstock.adapters.local.rows import DuckDbRowReader
from penstock.adapters.local.sealer import DuckDbSealer
from penstock.errors import DeploymentError
from penstock.lake.layout import partition_path, quarantine_key, table_prefix
from penstock.lake.sealing import partition_of, sealed_key
from penstock.model.access import Grant
from penstock.model.deployment import SEALING_FUNCTION
from penstock.model.pipeline import Definition
from penstock.model.sealing import Footer
from penstock.rehearsal.calls import RecordedCall
from penstock.rehearsal.parity import Comparison
from penstock.rehearsal.probes import Refused, refusal
from penstock.rehearsal.services import starters_of
from penstock.runtime.lake.seal import PartitionSealer

IS_OVER = '"message":"sealing is over"'
MEMORY_LIMIT_MB = 512


class SealingThere:
    """The function that seals, seen from outside.

    Args:
        outputs: of the deployment's Terraform.
        folder: for what is sealed here; emptied by nobody.
    """

    def __init__(self, definition: Definition, outputs: Mapping[str, Any], folder: Path) -> None:
        self._definition = definition
        self._function = str(outputs["functions"][SEALING_FUNCTION])
        self._folder = folder
        self._bucket = str(outputs["lake_bucket"])

    def play(self) -> Comparison:
        """Has every partition sealed there, twice, and here; returns what differs.

        Raises:
            DeploymentError: the function fails.
        """
        places = sorted(self._partitions())
        for _ in range(2):
            for table, partition in places:
                self._invoke({"table": table, "partition": partition})
        differences = [
            f"{table} {partition}: here {here}, there {there}"
            for table, partition in places
            if (here := self._here(table, partition)) != (there := self._there(table, partition))
        ]
        return Comparison(what="sealed files: what they cover, and their columns", compared=len(places),
                          differences=differences)  # fmt: skip

    def use(self) -> Iterator[Refused]:
        """Does in the role's name what a sealing seldom does; yields what was refused."""
        objects = ListedObjectStore(self._bucket)
        for table in self._definition.lake_tables.values():
            # Of a partition that nobody else has.
            raw = f"{table_prefix(table.name)}{partition_path(table, 0.0)}/probe.json"
            key = quarantine_key(table, raw)
            for what in (partial(objects.put, key, b""), partial(objects.get, key), partial(objects.delete, key)):
                if reason := refusal(what):
                    yield Refused(SEALING_FUNCTION, f"lake:{table.name}.seal", reason)

    def _partitions(self) -> set[tuple[str, str]]:
        objects = ListedObjectStore(self._bucket)
        return {
            (name, partition_of(one.key))
            for name in self._definition.lake_tables
            for one in objects.list(table_prefix(name))
        }

    def _invoke(self, event: Mapping[str, str]) -> None:
        with calling("call the function that seals"):
            answer = client("lambda").invoke(FunctionName=self._function, Payload=json.dumps(event).encode())
            told = answer["Payload"].read().decode(errors="replace")
        if answer.get("FunctionError"):
            raise DeploymentError(f"sealing failed in the emulator: {told[:1000]}", hint="see the function's log")

    def _there(self, table: str, partition: str) -> Any:
        file = self._folder / "there.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(ListedObjectStore(self._bucket).get(sealed_key(table, partition)))
        return _told(footer(file))

    def _here(self, table: str, partition: str) -> Any:
        folder = self._folder / "lake"
        here, there = FileObjectStore(folder), ListedObjectStore(self._bucket)
        for one in there.list(f"{table_prefix(table)}{partition}/"):
            here.put(one.key, there.get(one.key))
        engine = DuckDbSealer(folder, memory_limit_mb=MEMORY_LIMIT_MB)
        PartitionSealer(here, engine, DuckDbRowReader()).seal(self._definition.lake_tables[table], partition)
        return _told(footer(folder / sealed_key(table, partition)))


def listings_of(definition: Definition) -> frozenset[Grant]:
    """Returns the grants of a workflow that come with sealing: it lists what it reads."""
    return frozenset(table.list for table in definition.lake_tables.values())


def _told(found: Footer) -> Any:
    """Returns what two files have in common that hold the same: stores have etags of their own."""
    sources = {key: msgspec.structs.replace(one, etag="") for key, one in found.sources.items()}
    return msgspec.to_builtins((found.rows, found.counts, sources, found.schema, found.columns))


def calls_of_schedule(state: Mapping[str, Any], log: Sequence[str], functions: Mapping[str, str]) -> list[RecordedCall]:
    """Returns the starts of functions by schedules, if the function's log shows that one came.

    Args:
        state: what ``terraform show -json`` prints of a state.
        log: of the function that seals, from before anybody else called it.
        functions: the ARN of every function's role, by the function's ARN.
    """
    if not any(IS_OVER in one for one in log):
        return []
    return [
        RecordedCall(one.role, "lambda:InvokeFunction", one.machine)
        for one in starters_of(state)
        if one.machine in functions
    ]
