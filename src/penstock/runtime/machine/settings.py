"""A home's settings: ``config.toml`` in its folder."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec

from penstock.errors import UsageError


class Follow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Log files that ``penstock up`` follows.

    Attributes:
        paths: the last part of each may hold wildcards.
        table: the lake table that their lines go to.
        format: ``auto``, or one of those that `penstock collect logs --help` names.
        service, host: of lines that name none; the file's name and this machine's when empty.
        timezone: of times that name none, such as ``Europe/Paris``; this machine's when empty.
        from_end: leave out what is in the files when they are first followed.
    """

    paths: list[str]
    table: str = "logs"
    format: str = "auto"
    service: str = ""
    host: str = ""
    timezone: str = ""
    from_end: bool = False


class Otlp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where ``penstock up`` listens for OpenTelemetry's logs and metrics, on this machine only.

    Attributes:
        port: 4318 is OTLP/HTTP's own.
        table: the lake table that log records go to.
    """

    port: int = 4318
    table: str = "logs"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be set for a home.

    Attributes:
        durability: ``normal`` survives the death of the process; ``full`` also a power cut, at the price of a sync for
            each commit; ``off`` survives no power cut, for what can be made again.
        workers: the most tasks that run at once.
        compact: keep each day that is over in one file for queries as well, which takes as much space as what is
            sealed of it.
        smtp: the mail server; see docs/how-to/notifications.md.
        follow, otlp: logs that are collected; see docs/how-to/collect-logs.md.
        transformer: on what transformations run; ``spark`` needs PySpark and Java.
        meter: count what AWS would charge for, for `penstock bill`.
    """

    durability: Literal["normal", "full", "off"] = "normal"
    workers: int = 32
    compact: bool = True
    smtp: dict[str, Any] = {}
    follow: list[Follow] = []
    otlp: Otlp | None = None
    transformer: Literal["duckdb", "spark"] = "duckdb"
    meter: bool = False


def read_settings(home: Path) -> Settings:
    """Returns a home's settings; the defaults without a file.

    Raises:
        UsageError: the file is not TOML, or sets something that cannot be set.
    """
    path = home / "config.toml"
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}", hint="mend the file, or remove it") from error
    try:
        return msgspec.convert(tomllib.loads(text), Settings)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        names = ", ".join(Settings.__struct_fields__)
        raise UsageError(f"{path}: {error}", hint=f"what can be set: {names}") from error
