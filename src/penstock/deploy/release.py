"""A release: the folder with everything that is deployed. What a person edited in it is never lost."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from penstock.deploy.bundle.build import Bundle, build
from penstock.deploy.bundle.target import Target
from penstock.deploy.terraform import synthesize
from penstock.errors import UsageError
from penstock.model.pipeline import Definition

RECORD = ".penstock.json"
IGNORED = b"# State may hold what is secret, and belongs into a backend.\n.terraform/\n*.tfstate*\n*.tfplan\n"

Outcome = Literal["new", "changed", "same", "removed"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What synth wrote into a folder: by path, the SHA-256."""

    pipeline: str
    files: dict[str, str]


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """What was written.

    Attributes:
        outcomes: by path, what became of each Terraform file and document.
    """

    folder: Path
    bundle: Bundle
    outcomes: dict[str, Outcome]


def release(
    definition: Definition,
    reference: str,
    folder: Path,
    *,
    target: Target | None = None,
    force: bool = False,
    measured: bool = True,
) -> Release:
    """Writes Terraform, workflows' documents and artifacts into a folder.

    Args:
        reference: where the pipeline is, as ``build`` takes it.
        target: what the functions run on; what the definition says unless given.
        force: overwrite what was edited.
        measured: start each function once, to see its import time and memory.

    Raises:
        DefinitionError: AWS would refuse the definition.
        UsageError: the folder holds something else, or files that were edited since; nothing was written.
    """
    recorded = _read_record(folder)
    if recorded is not None and recorded.pipeline != definition.name:
        raise UsageError(f"{folder} is of pipeline {recorded.pipeline!r}", hint="choose another folder with --out")
    if recorded is None and folder.is_dir() and any(folder.glob("*.tf")):
        raise UsageError(f"{folder} holds Terraform of somebody else", hint="choose another folder with --out")
    edited = [] if recorded is None or force else _edited(folder, recorded)
    if edited:
        raise UsageError(
            f"{', '.join(edited)} in {folder} {'was' if len(edited) == 1 else 'were'} edited since the last synth",
            hint="move the edits into override.tf, which is never overwritten; or overwrite them with --force",
        )
    folder.mkdir(parents=True, exist_ok=True)
    bundle = build(definition, reference, folder, target=target, measured=measured)
    files = synthesize(definition, bundle.artifacts, bundle.layers)
    outcomes = _write(folder, definition.name, files, recorded)
    _remove_old_archives(folder, bundle)
    return Release(folder=folder, bundle=bundle, outcomes=outcomes)


def _read_record(folder: Path) -> Record | None:
    try:
        return msgspec.json.decode((folder / RECORD).read_bytes(), type=Record)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(
            f"cannot read {folder / RECORD}: {error}", hint="restore it, or choose another --out"
        ) from error


def _edited(folder: Path, recorded: Record) -> list[str]:
    found = []
    for path, digest in recorded.files.items():
        file = folder / path
        # What a person chose there is theirs by design: a new synth does not write it again.
        if path != "terraform.tfvars" and file.is_file() and _digest(file.read_bytes()) != digest:
            found.append(path)
    return found


def _write(folder: Path, pipeline: str, files: Mapping[str, bytes], recorded: Record | None) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    for path, content in files.items():
        file = folder / path
        if path == "terraform.tfvars" and file.exists():
            outcomes[path] = "same"
            continue
        before = file.read_bytes() if file.is_file() else None
        outcomes[path] = "new" if before is None else "same" if before == content else "changed"
        if before != content:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    for path in [] if recorded is None else sorted(recorded.files.keys() - files.keys()):
        if not Path(path).is_absolute() and ".." not in Path(path).parts:
            (folder / path).unlink(missing_ok=True)
            outcomes[path] = "removed"
    if not (folder / ".gitignore").exists():
        (folder / ".gitignore").write_bytes(IGNORED)
    record = Record(pipeline=pipeline, files={p: _digest(c) for p, c in files.items()})
    (folder / RECORD).write_bytes(msgspec.json.format(msgspec.json.encode(record, order="deterministic"), indent=1))
    return outcomes


def _remove_old_archives(folder: Path, bundle: Bundle) -> None:
    kept = {*bundle.layers.values(), *(artifact.path for artifact in bundle.artifacts.values())}
    for kind in ("artifacts", "layers"):
        for file in (folder / kind).glob("*.zip"):
            if f"{kind}/{file.name}" not in kept:
                file.unlink()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
