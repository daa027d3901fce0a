"""Builds the artifacts of a pipeline: a zip a task, and layers of the libraries that tasks share."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec

from penstock.define.derived import watched
from penstock.deploy import functions as deployed
from penstock.deploy.bundle.archive import Archive, Contents, write_archive
from penstock.deploy.bundle.imports import Needs, find_instance_needs, find_job_needs, find_needs
from penstock.deploy.bundle.layers import Layout, plan_layers
from penstock.deploy.bundle.libraries import Wheels, closure, default_cache, installed_files, unpack
from penstock.deploy.bundle.limits import check_memory, check_unzipped, check_upload
from penstock.deploy.bundle.measure import Measured, Starter
from penstock.deploy.bundle.places import Reference, find_reference
from penstock.deploy.bundle.target import Target
from penstock.deploy.kit import INSTANCE_PATH, Artifact, on_instance
from penstock.model.pipeline import Definition
from penstock.runtime.aws.manifest import FILE, Manifest

Files = dict[str, Path]
# https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python-libraries.html
PROVIDED = frozenset({"boto3", "botocore", "py4j", "pyspark"})


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """What a function weighs.

    Attributes:
        zipped_bytes: of its own zip, without layers.
        unzipped_bytes: of its own zip and its layers.
        digest: SHA-256 of its own zip.
        libraries: the distributions that it has, in its zip and in layers.
        measured: how it starts; None if that was not asked for.
    """

    zipped_bytes: int
    unzipped_bytes: int
    digest: str
    libraries: tuple[str, ...]
    measured: Measured | None = None


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """What was built.

    Attributes:
        artifacts: by task, for ``synthesize``.
        layers: path of each layer's zip, by name, for ``synthesize``.
        sizes: by task.
        jobs: the zips of tasks as jobs, for ``synthesize``.
        instance: path of the zip with all tasks and their libraries; None without an instance.
        archives: every zip that was written, layers and functions, by path.
    """

    target: Target
    artifacts: dict[str, Artifact]
    layers: dict[str, str]
    sizes: dict[str, Size]
    jobs: dict[str, Artifact] = {}
    instance: str | None = None
    archives: dict[str, Archive] = {}


def build(
    definition: Definition,
    pipeline_reference: str,
    folder: Path,
    *,
    target: Target | None = None,
    cache: Path | None = None,
    include: Sequence[str] = (),
    measured: bool = True,
) -> Bundle:
    """Builds all artifacts into ``artifacts/`` and ``layers/`` of a folder. The same input gives the same bytes.

    Args:
        pipeline_reference: ``module:attribute``, ``file.py:attribute``, or either without an attribute.
        target: what they run on; what the definition's deployment says unless given.
        cache: where wheels are kept; a folder of the user's unless given.
        include: modules that no import statement names, for every task.
        measured: start each function once, here, to see its import time and memory.

    Raises:
        LoadError: a task imports what is not installed, there is no wheel for the target, or a function does not start.
        UsageError: a limit of Lambda is passed, or a file must not or cannot be deployed.
    """
    chosen = definition.deployment
    target = target or Target(runtime=chosen.runtime, architecture=chosen.architecture)
    reference = find_reference(pipeline_reference, definition.name)
    needs = find_needs(definition, reference, include)
    wanted = {task: closure(need.distributions, target) for task, need in needs.items()}
    manifest = _manifest(definition, reference)
    own: dict[str, Contents] = {task: {**need.files, FILE: manifest} for task, need in needs.items()}
    with tempfile.TemporaryDirectory(prefix="penstock-bundle-") as scratch:
        libraries = _libraries(frozenset().union(*wanted.values()), target, cache, Path(scratch))
        weights = {name: sum(file.stat().st_size for file in files.values()) for name, files in libraries.items()}
        layout = plan_layers(wanted, weights)
        layers = _write_layers(folder, layout, libraries)
        functions = {}
        for task in needs:
            carried = {path: file for name in layout.in_zip[task] for path, file in libraries[name].items()}
            functions[task] = write_archive(folder, f"artifacts/{task}.zip", {**carried, **own[task]})
        starter = Starter(Path(scratch), definition.region)
        instance = _write_instance(folder, definition, reference, include, target, cache, Path(scratch))
        starts = {task: starter.start(task, own[task], needs[task].distributions) for task in needs if measured}
    for task, start in starts.items():
        check_memory(task, deployed.functions(definition)[task].memory_mb, start.peak_memory_mb)
    jobs = {
        task: _write_job(folder, task, need, manifest) for task, need in find_job_needs(definition, reference).items()
    }
    made = _bundle(target, layout, layers, functions, weights, starts)
    return msgspec.structs.replace(
        made,
        jobs={task: artifact for task, (artifact, _) in jobs.items()},
        instance=None if instance is None else instance.path,
        archives=made.archives
        | {archive.path: archive for _, archive in jobs.values()}
        | ({} if instance is None else {instance.path: instance}),
    )


def _write_job(folder: Path, task: str, need: Needs, manifest: bytes) -> tuple[Artifact, Archive]:
    """Glue installs a job's libraries itself, but for those that it has."""
    archive = write_archive(folder, f"artifacts/{task}-job.zip", {**need.files, FILE: manifest})
    modules = tuple(f"{name}=={version(name)}" for name in sorted(need.distributions - PROVIDED))
    return Artifact(path=archive.path, modules=modules), archive


def _write_instance(
    folder: Path,
    definition: Definition,
    reference: Reference,
    include: Sequence[str],
    target: Target,
    cache: Path | None,
    scratch: Path,
) -> Archive | None:
    """Nothing is there already: what Lambda's runtime has comes along."""
    if not on_instance(definition):
        return None
    need = find_instance_needs(definition, reference, include)
    libraries = _libraries(closure(need.distributions, target, has=()), target, cache, scratch / "instance")
    carried = {path: file for files in libraries.values() for path, file in files.items()}
    manifest = {FILE: _manifest(definition, reference)}
    return write_archive(folder, INSTANCE_PATH, {**carried, **need.files, **manifest})


def _libraries(names: frozenset[str], target: Target, cache: Path | None, scratch: Path) -> dict[str, Files]:
    if target.installed:
        return {name: installed_files(name) for name in sorted(names)}
    wheels = Wheels(cache or default_cache(), target).fetch(names)
    return {name: unpack(wheel, scratch / name) for name, wheel in wheels.items()}


def _manifest(definition: Definition, reference: Reference) -> bytes:
    heartbeats = {task: tuple(metrics) for task, metrics in sorted(watched(definition).items())}
    manifest = Manifest(pipeline=f"{reference.module}:{reference.attribute}", heartbeats=heartbeats)
    return msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=1) + b"\n"


def _write_layers(folder: Path, layout: Layout, libraries: Mapping[str, Files]) -> dict[str, Archive]:
    """Lambda puts ``python/`` of a layer on the path: https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html"""
    written = {}
    for layer, names in layout.layers.items():
        contents = {f"python/{path}": file for name in names for path, file in libraries[name].items()}
        written[layer] = write_archive(folder, f"layers/{layer}.zip", contents)
        check_upload(f"layer {layer!r}", written[layer])
    return written


def _bundle(
    target: Target,
    layout: Layout,
    layers: Mapping[str, Archive],
    functions: Mapping[str, Archive],
    weights: Mapping[str, int],
    starts: Mapping[str, Measured],
) -> Bundle:
    sizes = {}
    for task, archive in functions.items():
        check_upload(f"task {task!r}", archive)
        mine = layout.of_task[task]
        libraries = sorted({*layout.in_zip[task], *(name for layer in mine for name in layout.layers[layer])})
        total = archive.unzipped_bytes + sum(layers[layer].unzipped_bytes for layer in mine)
        check_unzipped(task, total, {name: weights[name] for name in libraries})
        sizes[task] = Size(
            zipped_bytes=archive.zipped_bytes,
            unzipped_bytes=total,
            digest=archive.digest,
            libraries=tuple(libraries),
            measured=starts.get(task),
        )
    return Bundle(
        target=target,
        artifacts={task: Artifact(path=one.path, layers=layout.of_task[task]) for task, one in functions.items()},
        layers={layer: one.path for layer, one in layers.items()},
        sizes=sizes,
        archives={one.path: one for one in (*layers.values(), *functions.values())},
    )
