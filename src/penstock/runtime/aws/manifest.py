"""What is written into a function's zip at synthesis, so that a cold start has nothing to derive."""

from __future__ import annotations

from pathlib import Path

import msgspec

from penstock.errors import LoadError
from penstock.model.metrics import Metric

FILE = "penstock.json"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Which pipeline a function belongs to.

    Attributes:
        pipeline: ``module:attribute`` of the Pipeline.
        heartbeats: by task, the metrics that a success adds one to.
    """

    pipeline: str
    heartbeats: dict[str, tuple[Metric, ...]] = {}


def read_manifest(folder: Path) -> Manifest:
    """Reads the manifest of a function's folder.

    Raises:
        LoadError: there is none.
    """
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise LoadError(f"cannot read {folder / FILE}: {error}", hint="deploy what `penstock synth` wrote") from error
