"""A release: the folder with everything that is deployed. What a person edited in it is never lost."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePath, PurePosixPath
from typing import Literal

import msgspec

from penstock.deploy.bundle.build import Bundle, build
from penstock.deploy.bundle.target import Target
from penstock.deploy.functions import functions
from penstock.deploy.kit import Artifact
from penstock.deploy.schemas import refuse_breaking, schemas
from penstock.deploy.terraform import synthesize
from penstock.errors import UsageError
from penstock.lake.evolution import SchemaVersion
from penstock.model.pipeline import Definition

RECORD = ".penstock.json"
CHOICES = "terraform.tfvars"
IGNORED = b"""\
# State may hold what is secret, and belongs into a backend.
.terraform/
*.tfstate*
*.tfplan
.penstock-*/
"""
# What a person may put into a folder before its first synth.
OF_THE_USER = ("backend.tf", "override.tf", "*_override.tf")

ARCHIVE = re.compile(r"(artifacts|layers)/[^/]+\.zip")

Outcome = Literal["new", "changed", "same", "kept", "removed"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What synth wrote into a folder: by path, the SHA-256.

    Attributes:
        archives: the zips.
        before: what there was, while a synth is at work: of each file, the one or the other is there.
        schemas: of the lake tables, by name.
    """

    pipeline: str
    files: dict[str, str]
    archives: list[str] = []
    before: dict[str, str] = {}
    schemas: dict[str, SchemaVersion] = {}


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """What was written.

    Attributes:
        outcomes: by path, what became of each Terraform file and document; ``kept`` is a person's own.
    """

    folder: Path
    bundle: Bundle
    outcomes: dict[str, Outcome]


class Built(msgspec.Struct, frozen=True):
    """Artifacts in a folder."""

    folder: Path
    bundle: Bundle

    def copy_to(self, folder: Path) -> Bundle:
        """Copies them into another folder."""
        for path in self.bundle.archives:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.folder / path, folder / path)
        return self.bundle


def release(
    definition: Definition,
    reference: str,
    folder: Path,
    *,
    target: Target | None = None,
    force: bool = False,
    accept_schemas: bool = False,
    measured: bool = True,
    built: Built | None = None,
) -> Release:
    """Writes Terraform, workflows' documents and artifacts into a folder.

    Args:
        reference: where the pipeline is, as ``build`` takes it.
        target: what the functions run on; what the definition says unless given.
        force: overwrite what was edited.
        accept_schemas: let lake tables break the schemas that they had in the last release.
        measured: start each function once, to see its import time and memory.
        built: the artifacts, where they are built already; of this definition and this target.

    Raises:
        DefinitionError: AWS would refuse the definition, or it breaks the last release's tables; nothing was written.
        UsageError: the folder holds something else, or files that were edited since; nothing was written. Or it cannot
            be written to.
    """
    recorded = read_record(folder)
    # The zips take long: what can be refused is refused before.
    draft = synthesize(definition, {task: Artifact(path=f"artifacts/{task}.zip") for task in functions(definition)})
    _check_owner(definition, folder, recorded)
    if recorded is not None and not accept_schemas:
        refuse_breaking(definition, recorded.schemas)
    if not force:
        _check_edits(folder, recorded, draft)
    is_made_here = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".penstock-", dir=folder) as scratch:
            if built is None:
                bundle = build(definition, reference, Path(scratch), target=target, measured=measured)
            else:
                bundle = built.copy_to(Path(scratch))
            files = synthesize(definition, bundle.artifacts, bundle.layers, bundle.jobs)
            outcomes = _write(folder, definition, files, Path(scratch), bundle, recorded)
    except OSError as error:
        raise UsageError(f"cannot write the release: {error}", hint="mend it, or choose another --out") from error
    finally:
        if is_made_here:
            with contextlib.suppress(OSError):
                folder.rmdir()
    return Release(folder=folder, bundle=bundle, outcomes=outcomes)


def read_record(folder: Path) -> Record | None:
    """Returns what synth wrote into a folder; None if it did not.

    Raises:
        UsageError: the record cannot be read, or speaks of files outside of the folder.
    """
    path = folder / RECORD
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Record)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"cannot read {path}: {error}", hint="restore it, or choose another --out") from error
    for name in (*found.files, *found.before, *found.archives):
        if not _is_ours(folder, name) or (name in found.archives and not ARCHIVE.fullmatch(name)):
            raise UsageError(
                f"{path} speaks of {name!r}, which synth does not write", hint="restore it, or choose another --out"
            )
    return found


def _is_ours(folder: Path, name: str) -> bool:
    """Tells whether synth could have written a file: it is below the folder, and neither the user's nor the state."""
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\0" in name:
        return False
    if any(part.startswith(".") for part in path.parts) or ".tfstate" in path.name or _is_of_the_user(path):
        return False
    return (folder / path).parent.resolve().is_relative_to(folder.resolve())


def _is_of_the_user(path: PurePath) -> bool:
    return any(path.match(pattern) for pattern in OF_THE_USER)


def _check_owner(definition: Definition, folder: Path, recorded: Record | None) -> None:
    if recorded is not None:
        if recorded.pipeline != definition.name:
            raise UsageError(f"{folder} is of pipeline {recorded.pipeline!r}", hint="choose another folder with --out")
        return
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is no folder", hint="choose another folder with --out")
    strangers = [path.name for path in (*folder.glob("*.tf"), *folder.glob("*.tf.json")) if not _is_of_the_user(path)]
    if strangers:
        raise UsageError(
            f"{folder} holds Terraform that synth did not write: {', '.join(sorted(strangers))}",
            hint=f"choose another folder with --out; or restore {RECORD}, if it was a release",
        )


def _check_edits(folder: Path, recorded: Record | None, draft: Mapping[str, bytes]) -> None:
    """Refuses to touch what a person has changed, or written where synth would write."""
    files, before = ({}, {}) if recorded is None else (recorded.files, recorded.before)
    drafted = {path: _digest(content) for path, content in draft.items()}
    edited = sorted(
        path
        for path in {*files, *before, *draft} - {CHOICES}
        if os.path.lexists(folder / path)
        and _digest_of(folder / path) not in {files.get(path), before.get(path), drafted.get(path)}
    )
    if edited:
        raise UsageError(
            f"{', '.join(edited)} in {folder} {'was' if len(edited) == 1 else 'were'} edited since the last synth",
            hint="move the edits into override.tf, which is never overwritten; or overwrite them with --force",
        )


def _write(
    folder: Path,
    definition: Definition,
    files: Mapping[str, bytes],
    built: Path,
    bundle: Bundle,
    recorded: Record | None,
) -> dict[str, Outcome]:
    pipeline = definition.name
    artifacts = [*bundle.artifacts.values(), *bundle.jobs.values()]
    instance = [] if bundle.instance is None else [bundle.instance]
    archives = sorted({*bundle.layers.values(), *(artifact.path for artifact in artifacts), *instance})
    digests = {path: _digest(content) for path, content in files.items()}
    earlier = Record(pipeline=pipeline, files={}) if recorded is None else recorded
    begun = Record(
        pipeline=pipeline,
        files=digests,
        archives=sorted({*archives, *earlier.archives}),
        before={**earlier.before, **earlier.files},
        schemas=earlier.schemas,
    )
    # Whoever is interrupted from here on finds a folder that the next synth knows for its own.
    _replace(folder / RECORD, _encoded(begun))
    for path in archives:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (built / path).replace(folder / path)
    outcomes = {path: _write_file(folder, path, content) for path, content in files.items()}
    for path in sorted(begun.before.keys() - files.keys() - {CHOICES}):
        (folder / path).unlink(missing_ok=True)
        outcomes[path] = "removed"
    for path in set(begun.archives) - set(archives):
        (folder / path).unlink(missing_ok=True)
    if not (folder / ".gitignore").exists():
        _replace(folder / ".gitignore", IGNORED)
    known = schemas(definition, earlier.schemas)
    _replace(folder / RECORD, _encoded(Record(pipeline=pipeline, files=digests, archives=archives, schemas=known)))
    return outcomes


def _write_file(folder: Path, path: str, content: bytes) -> Outcome:
    file = folder / path
    before = file.read_bytes() if file.is_file() else None
    if before == content:
        return "same"
    # What a person chose there is theirs by design.
    if path == CHOICES and before is not None:
        return "kept"
    file.parent.mkdir(parents=True, exist_ok=True)
    _replace(file, content)
    return "new" if before is None else "changed"


def _replace(file: Path, content: bytes) -> None:
    """Writes a file, whole or not at all."""
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        partial.write_bytes(content)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _encoded(record: Record) -> bytes:
    return msgspec.json.format(msgspec.json.encode(record, order="deterministic"), indent=1) + b"\n"


def _digest_of(file: Path) -> str:
    return _digest(file.read_bytes()) if file.is_file() else ""


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
