"""A deployed pipeline that has run in an emulator: what is there, and what an operator does with it."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from penstock.adapters.aws.hot import DynamoDbHotStore
from penstock.adapters.aws.objects import S3ObjectStore
from penstock.deploy.kit import has_bucket
from penstock.deploy.recovery import starts
from penstock.deploy.terraform_command import Terraform
from penstock.model.datasets import HotTable
from penstock.model.pipeline import Definition
from penstock.ports.clock import Clock
from penstock.ports.hot import scan_all
from penstock.rehearsal.drill_report import Recovery
from penstock.rehearsal.observed import Neutral
from penstock.rehearsal.scene import Scene
from penstock.rehearsal.steps import Say, Steps
from penstock.rehearsal.there import OWN_EXECUTION, Deployed


class Site:
    """A deployed pipeline that has run.

    Args:
        began_at: when it began to run, in seconds since the epoch.
    """

    def __init__(
        self,
        *,
        scene: Scene,
        terraform: Terraform,
        outputs: dict[str, Any],
        deployed: Deployed,
        clock: Clock,
        say: Say,
        began_at: float,
    ) -> None:
        self.scene = scene
        self.terraform = terraform
        self.outputs = outputs
        self.deployed = deployed
        self.clock = clock
        self.say = say
        self._began_at = began_at

    @property
    def definition(self) -> Definition:
        return self.scene.definition

    @property
    def bucket(self) -> str:
        return str(self.outputs["lake_bucket"])

    @contextlib.contextmanager
    def recovering(self, recovery: Recovery) -> Iterator[Steps]:
        """Takes the time of a recovery and of its steps."""
        step = Steps(self.say)
        began = time.monotonic()
        yield step
        recovery.seconds = round(time.monotonic() - began, 2)
        recovery.steps = step.done

    def apply(self, step: Steps) -> int:
        """Makes again what Terraform misses; returns how many resources."""
        with step("terraform apply") as done:
            made = [change for change in self.terraform.plan() if "create" in change.actions]
            self.terraform.apply()
            done(f"made again: {len(made)}")
        return len(made)

    def items(self, name: str) -> list[str]:
        """Returns the items of a hot table as text: the key as it is, the rest without the times of this drill."""
        table, store = self.definition.hot_tables[name], DynamoDbHotStore(self.clock, names=self.outputs["hot_tables"])
        neutral = Neutral({}, self._began_at, self.clock.now())
        return [f"{_key(table, one)} {neutral.item(table, one)}" for one in scan_all(store, table)]

    def run(self, name: str) -> str:
        """Runs what the scene runs first, or an object through its workflow; returns how it ended."""
        workflow, execution, document = self._runnable(name)
        arn = self.deployed.executions.start(workflow, execution, document)
        self.deployed.settle()
        return str(self.deployed.executions.describe(arn).status)

    @functools.cached_property
    def usual_end(self) -> str:
        """How such a run ends while nothing is lost."""
        return self.run("drill-before")

    @functools.cached_property
    def workflow(self) -> str:
        """The workflow that :meth:`run` runs; ``""`` when there is none."""
        return self._runnable("")[0]

    def _runnable(self, name: str) -> tuple[str, str, bytes]:
        if self.scene.starts:
            first = self.scene.starts[0]
            return first.workflow, f"{OWN_EXECUTION}{name}", msgspec.json.encode(first.input)
        for again in starts(self.definition, self.deployed.objects, label=name) if self.definition.triggers else ():
            return again.workflow, again.name, again.document
        return "", "", b""

    def executions(self) -> list[str]:
        """Returns the ARNs of all executions."""
        return [one.arn for name in self.definition.workflows for one in self.deployed.executions.list(name)]

    def contents(self) -> list[str]:
        """Returns each object of the lake as its key and the SHA-256 of its bytes."""
        return contents(self.deployed.objects) if has_bucket(self.definition) else []


def _key(table: HotTable, item: Mapping[str, Any]) -> str:
    return ", ".join(str(item[key.name]) for key in (table.partition, table.sort) if key is not None)


def contents(store: S3ObjectStore) -> list[str]:
    """Returns each object as its key and the SHA-256 of its bytes."""
    return [f"{one.key} {hashlib.sha256(store.get(one.key)).hexdigest()}" for one in store.list()]
