"""How commands name lake tables, and what is found by those names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from penstock.cli.options import Options
    from penstock.model.datasets import LakeTable
    from penstock.runtime.machine.home import Home

TableName = Annotated[str, typer.Argument(help="A lake table.")]
SomeTable = Annotated[str | None, typer.Argument(help="A lake table; all of them when none is named.")]


def opened(options: Options, table: str | None) -> tuple[Home, list[LakeTable]]:
    """Returns the home, and the table of a name or else all that are declared.

    Raises:
        NotFoundError: no pipeline declares it.
    """
    from penstock.runtime.machine.lake_catalog import find_table, lake_tables

    definitions, _ = options.catalog().load_good()
    if table is not None:
        return options.open_home(), [find_table(definitions, table)[1]]
    return options.open_home(), [declared for _, declared in lake_tables(definitions).values()]
