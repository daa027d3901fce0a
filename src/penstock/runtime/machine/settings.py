"""A home's settings: ``config.toml`` in its folder."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec

from penstock.errors import UsageError


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be set for a home.

    Attributes:
        durability: ``normal`` survives the death of the process; ``full`` also a power cut, at the price of a sync for
            each commit.
        workers: the most tasks that run at once.
        smtp: the mail server; see docs/how-to/notifications.md.
    """

    durability: Literal["normal", "full"] = "normal"
    workers: int = 32
    smtp: dict[str, Any] = {}


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
