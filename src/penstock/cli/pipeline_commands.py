"""Commands that a pipeline brings: ``penstock leads train``. They are loaded when somebody asks for them by name."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from penstock.errors import LoadError

GROUP = "penstock.commands"


class PipelineCommands(TyperGroup):
    """The commands of Penstock, and behind them those of installed pipelines, each a Typer app by its name."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Returns a command; one of a pipeline where Penstock has none of this name."""
        return super().get_command(ctx, cmd_name) or _of_pipeline(cmd_name)


def _of_pipeline(name: str) -> Any:
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP, name=name):
        try:
            loaded = point.load()
        except ImportError as error:
            raise LoadError(
                f"cannot load the commands of {name!r} ({point.value}): {error}", hint="install what they need"
            ) from error
        if not isinstance(loaded, typer.Typer):
            raise LoadError(f"{point.value} is no Typer app", hint=f"an entry point of {GROUP} names one")
        return typer.main.get_command(loaded)
    return None
