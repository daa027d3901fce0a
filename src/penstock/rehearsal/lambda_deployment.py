"""A pipeline's functions as they would be deployed, built for this machine and unpacked, each run by a local Lambda."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from penstock.deploy.bundle.build import Bundle, build
from penstock.deploy.bundle.target import Target
from penstock.deploy.kit import Artifact
from penstock.deploy.release import Built
from penstock.errors import NotFoundError
from penstock.model.access import Kind
from penstock.model.pipeline import Definition
from penstock.model.task import Task
from penstock.rehearsal.lambda_caller import open_task
from penstock.rehearsal.lambda_runtime import CREDENTIALS, LambdaSandbox


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """What was made for a pipeline beforehand.

    Attributes:
        bucket: the lake's.
        tables: physical names of hot tables, by name.
        topics: ARNs of topics, by name.
        queues: URLs of queues, by name.
        event_buses: physical names of event buses, by name.
    """

    bucket: str = ""
    tables: Mapping[str, str] = {}
    topics: Mapping[str, str] = {}
    queues: Mapping[str, str] = {}
    event_buses: Mapping[str, str] = {}

    def variables(self, task: Task) -> dict[str, str]:
        """Returns the variables of a task's function: what it was granted, and nothing else.

        Raises:
            NotFoundError: something that it was granted was not made.
        """
        granted = {kind: sorted({grant.resource for grant in task.grants if grant.kind == kind}) for kind in Kind}
        found: dict[str, str] = {}
        if granted[Kind.LAKE] or granted[Kind.INBOX]:
            found["PENSTOCK_LAKE_BUCKET"] = self.bucket
        for variable, kind, names in (
            ("PENSTOCK_HOT_TABLES", Kind.HOT_TABLE, self.tables),
            ("PENSTOCK_TOPICS", Kind.TOPIC, self.topics),
            ("PENSTOCK_QUEUES", Kind.QUEUE, self.queues),
            ("PENSTOCK_EVENT_BUSES", Kind.EVENT_BUS, self.event_buses),
        ):
            if missing := [name for name in granted[kind] if name not in names]:
                raise NotFoundError(f"task {task.name!r} needs {missing[0]!r}", hint="make it, and name it here")
            if granted[kind]:
                found[variable] = json.dumps({name: names[name] for name in granted[kind]})
        return found


class LocalFunctions:
    """Opens a sandbox for a task of one pipeline. An ``OpenSandbox``.

    Args:
        reference: where the pipeline is, ``module:attribute`` or ``file.py:attribute``.
        folder: an empty one, for the zips and what was in them.
        names: what was made for the pipeline.
        given: credentials, and AWS_ENDPOINT_URL of an emulator.
        environment: more variables, by task.
        include: modules that no import statement names.
        python: the interpreter to run them on.

    Attributes:
        built: their artifacts.

    Raises:
        LoadError, UsageError: the functions cannot be built.
    """

    def __init__(
        self,
        definition: Definition,
        reference: str,
        folder: Path,
        *,
        names: Names,
        given: Mapping[str, str] = CREDENTIALS,
        environment: Mapping[str, Mapping[str, str]] | None = None,
        include: Sequence[str] = (),
        python: str = sys.executable,
    ) -> None:
        self.definition = definition
        self._python = python
        self._names, self._given, self._environment = names, given, environment or {}
        bundle = build(definition, reference, folder, target=Target.here(), include=include, measured=False)
        self.built = Built(folder, bundle)
        self._places = {task: _unpack(folder, task, artifact, bundle) for task, artifact in bundle.artifacts.items()}

    def __call__(self, pipeline: str, task: str, *, memory_mb: int | None = None) -> LambdaSandbox:
        """Returns a new sandbox.

        Args:
            memory_mb: other than the task's own, to see what it needs.

        Raises:
            NotFoundError: there is no such task.
        """
        if pipeline != self.definition.name or task not in self._places:
            raise NotFoundError(f"pipeline {pipeline!r} has no task {task!r}", hint="build its functions first")
        root, layers = self._places[task]
        found = self.definition.tasks[task]
        if memory_mb is not None:
            found = msgspec.structs.replace(found, memory_mb=memory_mb)
        return open_task(
            found,
            root,
            {**self._names.variables(found), **self._environment.get(task, {})},
            layers=layers,
            given=self._given,
            python=self._python,
            name=f"{pipeline}-{task}",
            region=self.definition.region,
        )


def _unpack(folder: Path, task: str, artifact: Artifact, bundle: Bundle) -> tuple[Path, Path]:
    """Unpacks a zip and its layers as Lambda does; a later layer's file wins.

    https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html
    """
    root, layers = folder / "unpacked" / task / "task", folder / "unpacked" / task / "opt"
    layers.mkdir(parents=True)
    for layer in artifact.layers:
        _extract(folder / bundle.layers[layer], layers)
    _extract(folder / artifact.path, root)
    return root, layers


def _extract(path: Path, folder: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
