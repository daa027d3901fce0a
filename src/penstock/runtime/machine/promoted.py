"""What a home remembers of promotions: a pipeline that went on to an account does not run here as well."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from penstock.errors import HomeError, UsageError
from penstock.faultpoints import fault_point

FILE = "promoted.json"


class Carried(msgspec.Struct, kw_only=True):
    """What of a pipeline is in the account.

    Attributes:
        objects, bytes: of the lake.
        items: of the hot tables.
        items_kept: those among them of which the account had another version, which stays.
        datapoints: of the metrics, published in all attempts.
    """

    objects: int = 0
    bytes: int = 0
    items: int = 0
    items_kept: int = 0
    datapoints: int = 0


class Promotion(msgspec.Struct, kw_only=True):
    """How far a pipeline's promotion is.

    Attributes:
        account, region, bucket: where it goes; the bucket is that of the lake, empty when there is none.
        begun_at, promoted_at, undone_at: when, in seconds since the epoch.
        position: of the last datapoint that was carried.
        disabled: schedules that were disabled in the account when this began.
    """

    account: str
    region: str
    bucket: str = ""
    begun_at: float
    promoted_at: float | None = None
    undone_at: float | None = None
    position: int = 0
    disabled: list[str] = []
    carried: Carried = msgspec.field(default_factory=Carried)

    @property
    def holds(self) -> bool:
        """Tells whether the pipeline must not run in this home."""
        return self.undone_at is None


def read_promotions(home: Path) -> dict[str, Promotion]:
    """Returns a home's promotions, by pipeline.

    Raises:
        HomeError: they cannot be read.
    """
    path = home / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Promotion])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        raise HomeError(f"cannot read {path}: {error}", hint=f"restore {FILE} from a backup") from error


def write_promotion(home: Path, pipeline: str, promotion: Promotion | None) -> None:
    """Keeps a pipeline's promotion, whole or not at all; None forgets it.

    Raises:
        HomeError: it cannot be written.
    """
    promotions = read_promotions(home)
    promotions.pop(pipeline, None)
    if promotion is not None:
        promotions[pipeline] = promotion
    path, temporary = home / FILE, home / f".{FILE}"
    try:
        with temporary.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(promotions), indent=2))
            file.flush()
            os.fsync(file.fileno())
        fault_point("promoted.before_rename")
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise HomeError(f"cannot write {path}: {error.strerror}", hint="check the home's owner and space") from error


def refuse_promoted(home: Path, pipelines: Iterable[str]) -> None:
    """Raises UsageError when one of the pipelines goes on in an account."""
    promotions = read_promotions(home)
    for name in pipelines:
        found = promotions.get(name)
        if found is None or not found.holds:
            continue
        where = f"account {found.account}, {found.region}"
        if found.promoted_at is None:
            raise UsageError(
                f"pipeline {name!r} is on its way from this home to {where}",
                hint=f"`penstock promote {name}` goes on with it, `penstock promote {name} --undo` gives it up",
            )
        day = f"{datetime.fromtimestamp(found.promoted_at, UTC):%Y-%m-%d}"
        raise UsageError(
            f"pipeline {name!r} was promoted from this home to {where}, on {day}, and runs there",
            hint=f"`penstock status {name}` shows it; `penstock promote {name} --undo` stops it there, so that it runs"
            " here again; to run other pipelines of this home, name them",
        )
