"""Warehouses: ``warehouse``, whose commands ask them, and make and look after their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from penstock.cli.options import Options
from penstock.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from penstock.model.warehouses import Warehouse
    from penstock.ports.warehouse import Server, Standing
    from penstock.runtime.machine.home import Home

Name = Annotated[str, typer.Argument(help="A warehouse.")]
For = Annotated[
    str | None, typer.Option("--server", help="sqlite, postgresql, mysql or mariadb; that of the warehouse's URL.")
]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(rich_markup_mode=None)
    group.callback(invoke_without_command=True)(_list_when_bare)
    for command in (upgrade, current, history, check, sql, roles, views, query):
        group.command(command.__name__)(command)
    group.command("list")(list_warehouses)
    app.add_typer(group, name="warehouse", help="Ask warehouses; make their tables, and look after them.")


def _list_when_bare(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_warehouses(context)


def list_warehouses(context: typer.Context) -> None:
    """List the warehouses, with their tables."""
    from penstock.cli import output

    options: Options = context.obj
    rows = [
        [warehouse.name, pipeline, ", ".join(warehouse.relations), ", ".join(warehouse.views)]
        for pipeline, warehouse in _warehouses(options)
    ]
    output.emit(rows, ["warehouse", "pipeline", "tables", "views"], as_json=options.as_json,
                empty="no pipeline here has a warehouse")  # fmt: skip


def upgrade(context: typer.Context, name: Name) -> None:
    """Make the tables as the newest migration has them, and the views as they are declared."""
    from penstock.cli import output

    options: Options = context.obj
    warehouse, home = _open(options, name)
    applied = home.warehouses.schema.upgrade(warehouse)
    if options.as_json:
        output.emit_json({"applied": applied})
    elif applied:
        typer.echo(f"applied {', '.join(applied)} to {name}")
    else:
        typer.echo(f"{name} is as it should be; its views were made anew")


def current(context: typer.Context, name: Name) -> None:
    """Tell where a warehouse is, and which migration its tables have."""
    options: Options = context.obj
    warehouse, home = _open(options, name)
    _tell(options, home.warehouses.schema.standing(warehouse))


def check(context: typer.Context, name: Name) -> None:
    """Compare the tables with what is declared, column by column; exit code 1 where they differ."""
    options: Options = context.obj
    warehouse, home = _open(options, name)
    standing = home.warehouses.schema.standing(warehouse, compare=True)
    _tell(options, standing)
    if not standing.is_current or standing.differences:
        raise typer.Exit(1)


def history(context: typer.Context, name: Name) -> None:
    """List the migrations, oldest first."""
    from penstock.cli import output

    options: Options = context.obj
    warehouse, home = _open(options, name)
    rows = [[one.id, one.message, one.applied] for one in home.warehouses.schema.history(warehouse)]
    output.emit(rows, ["revision", "what", "applied"], as_json=options.as_json)


def sql(context: typer.Context, name: Name, server: For = None) -> None:
    """Print the script that makes the tables and the views in an empty database."""
    warehouse, home = _open(context.obj, name)
    typer.echo(home.warehouses.schema.sql(warehouse, _server(server)).rstrip())


def roles(context: typer.Context, name: Name, server: For = None) -> None:
    """Print SQL that makes the roles owner, writer and reader, each with what it needs."""
    warehouse, home = _open(context.obj, name)
    typer.echo(home.warehouses.schema.roles(warehouse, _server(server)).rstrip())


def views(context: typer.Context, name: Name) -> None:
    """Print the views, as they are declared."""
    from penstock.cli import output

    options: Options = context.obj
    warehouse = _named(options, name)
    if options.as_json:
        output.emit_json([{"view": view, "sql": text.strip()} for view, text in warehouse.views.items()])
        return
    typer.echo("\n\n".join(f"-- {view}\n{text.strip()}" for view, text in warehouse.views.items()) or "it has no views")


def query(
    context: typer.Context,
    name: Name,
    statement: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT over its tables and views.")],
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", help="NAME=TEXT for `:NAME`; may be repeated.")
    ] = None,
) -> None:
    """Ask a warehouse, in its server's own SQL. Nothing can be written."""
    from penstock.cli import output

    options: Options = context.obj
    warehouse, home = _open(options, name)
    given = dict(one.split("=", 1) for one in parameter or [] if "=" in one)
    if len(given) != len(parameter or []):
        raise UsageError("a parameter is NAME=TEXT", hint="such as -p grade=A")
    found = home.warehouses.query(warehouse, statement, given)
    output.emit(found.rows, found.columns, as_json=options.as_json, empty="no rows")


def _tell(options: Options, standing: Standing) -> None:
    from penstock.cli import output

    if options.as_json:
        output.emit_json({**output.plain(standing), "is_current": standing.is_current})
        return
    if not standing.current:
        state = "no tables yet: run `penstock warehouse upgrade`"
    elif not standing.known:
        state = f"{standing.current}, newer than the code, which knows {standing.head}: upgrade penstock"
    else:
        state = standing.current if standing.is_current else f"{standing.current}, older than {standing.head}"
    typer.echo(f"{standing.location}\n{state}")
    for difference in standing.differences:
        typer.echo(f"  {difference}")


def _warehouses(options: Options) -> list[tuple[str, Warehouse]]:
    definitions = options.catalog().load_all()
    return [(name, one) for name, definition in definitions.items() for one in definition.warehouses.values()]


def _named(options: Options, name: str) -> Warehouse:
    known = {warehouse.name: warehouse for _, warehouse in _warehouses(options)}
    if name not in known:
        raise NotFoundError(f"there is no warehouse {name!r}", hint=f"there is {', '.join(known) or 'none'}")
    return known[name]


def _open(options: Options, name: str) -> tuple[Warehouse, Home]:
    return _named(options, name), options.open_home(create=True)


def _server(name: str | None) -> Any:
    from penstock.ports.warehouse import Server

    known: tuple[Server, ...] = get_args(Server)
    if name is not None and name not in known:
        raise UsageError(f"there is no server {name!r}", hint=f"one of {', '.join(known)}")
    return name
