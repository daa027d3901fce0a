"""Where a warehouse is: its database's URL, without ever showing the password."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import msgspec
from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from penstock.errors import UsageError
from penstock.ports.warehouse import Server

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

CONNECT_SECONDS = 10
DRIVERS: Mapping[str, tuple[Server, str]] = {
    "sqlite": ("sqlite", "sqlite+pysqlite"),
    "postgresql": ("postgresql", "postgresql+psycopg"),
    "postgres": ("postgresql", "postgresql+psycopg"),
    "mysql": ("mysql", "mysql+pymysql"),
    "mariadb": ("mariadb", "mariadb+pymysql"),
}
EXAMPLES = "postgresql://user:password@host/database or mysql://user:password@host/database"
# Zero dates, silent truncation and division by zero would let a server keep what it was not given.
# https://dev.mysql.com/doc/refman/8.4/en/sql-mode.html
SQL_MODE = (
    "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY"
)


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """A database.

    Attributes:
        variable: the environment's name for it; empty for the home's own file.
    """

    server: Server
    url: URL
    variable: str = ""

    @property
    def shown(self) -> str:
        """The URL as people may see it: without the password, and without options, which may hold one."""
        return self.url.set(drivername=self.server, query={}).render_as_string(hide_password=True)

    @property
    def is_file(self) -> bool:
        """Whether it is a file of this machine, which nobody else takes care of."""
        return self.server == "sqlite"

    @property
    def mend(self) -> str:
        """Where a person changes what is wrong with it."""
        return f"see the URL in {self.variable}" if self.variable else f"see {self.shown}"


def parse_location(text: str, variable: str) -> Location:
    """Returns the database that a URL names.

    Raises:
        UsageError: it is no URL of a database that a warehouse can be in; the text itself is not told.
    """
    try:
        url = make_url(text.strip())
        name, _, driver = url.drivername.partition("+")
        server, drivername = DRIVERS[name]
    except (ArgumentError, ValueError, KeyError):
        scheme = re.match(r"[a-z0-9+]{1,30}(?=:)", text.strip())
        raise UsageError(
            f"{variable} is no URL of a database that can be used" + (f" ({scheme[0]}: …)" if scheme else ""),
            hint=f"such as {EXAMPLES}; escape `@`, `:` and `/` in a password by %40, %3A and %2F",
        ) from None
    if driver and f"{name}+{driver}" not in {one for _, one in DRIVERS.values()}:
        raise UsageError(
            f"{variable} asks for the driver {driver!r}", hint=f"write {drivername}://…, or {name}:// alone"
        )
    if not url.database:
        raise UsageError(f"{variable} names no database", hint=f"such as {EXAMPLES}")
    return Location(server=server, url=url.set(drivername=drivername), variable=variable)


def location_of(server: Server, variable: str, **parts: Any) -> Location:
    """Returns a database by the parts of its URL, as SQLAlchemy names them."""
    return Location(server=server, url=URL.create(DRIVERS[server][1], **parts), variable=variable)


@functools.lru_cache(maxsize=64)
def settled(location: Location) -> Location:
    """Returns the database as its server says: a URL of MySQL may lead to a MariaDB."""
    if location.server != "mysql":
        return location
    engine: Any = open_engine(location)
    with contextlib.closing(engine.connect()):
        is_mariadb = bool(engine.dialect.is_mariadb)
    if not is_mariadb:
        return location
    return msgspec.structs.replace(location, server="mariadb", url=location.url.set(drivername=DRIVERS["mariadb"][1]))


@functools.lru_cache(maxsize=64)
def open_engine(location: Location) -> Engine:
    """Returns what connects: each connection is a new one, so that none is broken before it is used."""
    url, options = location.url, cast("dict[str, Any]", {})
    match location.server:
        case "postgresql":
            options = {"connect_timeout": CONNECT_SECONDS, "application_name": "penstock", "client_encoding": "utf8"}
            options = {name: value for name, value in options.items() if name not in url.query}
        case "mysql" | "mariadb":
            options = {
                "connect_timeout": CONNECT_SECONDS,
                "charset": "utf8mb4",
                "local_infile": False,
                "init_command": f"SET SESSION sql_mode='{SQL_MODE}', time_zone='+00:00'",
            }
        case "sqlite":
            options = {"timeout": 30.0, "isolation_level": None}
    return create_engine(url, poolclass=NullPool, connect_args=options, hide_parameters=True)


@contextlib.contextmanager
def connected(location: Location) -> Iterator[Connection]:
    """Returns a new connection, for a ``with`` block; what is not committed when it ends is gone."""
    connection = open_engine(location).connect()
    try:
        yield connection
    finally:
        try:
            connection.close()
        except SQLAlchemyError:
            # The server is gone, and with it what there was to roll back.
            with contextlib.suppress(SQLAlchemyError):
                connection.invalidate()
                connection.close()
