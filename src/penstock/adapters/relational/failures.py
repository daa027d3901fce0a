"""What servers and their drivers say, as errors that tell the mend."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from penstock.adapters.relational.location import Location
from penstock.errors import (
    AccessDeniedError,
    AlreadyExistsError,
    HomeError,
    NotFoundError,
    PenstockError,
    QueryError,
    StorageFullError,
    ThrottledError,
    UnavailableError,
    UsageError,
    ValidationError,
)

# https://www.postgresql.org/docs/15/errcodes-appendix.html
POSTGRESQL: tuple[tuple[str, str], ...] = (
    ("28", "login"), ("42501", "denied"), ("3D000", "absent"), ("53100", "full"), ("53400", "full"), ("53", "busy"),
    ("55P03", "busy"), ("55006", "busy"), ("40", "busy"), ("57014", "slow"), ("57", "down"), ("08", "down"),
    ("58030", "full"), ("23505", "twice"), ("21000", "twice"), ("22", "value"), ("23", "value"),
    ("25006", "statement"), ("42", "statement"), ("54", "value"), ("0A", "statement"), ("XX", "damaged"),
)  # fmt: skip
# https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
# https://mariadb.com/kb/en/mariadb-error-code-reference/
MYSQL: dict[int, str] = {
    **dict.fromkeys((1045, 1698, 1251, 1820, 2059), "login"),
    **dict.fromkeys((1044, 1142, 1143, 1227, 1290, 1370), "denied"),
    1049: "absent",
    **dict.fromkeys((1021, 1114, 28, 1041, 3019), "full"),
    **dict.fromkeys((1040, 1203, 1205, 1213, 1226, 3572), "busy"),
    **dict.fromkeys((1969, 3024, 1317, 2013), "slow"),
    **dict.fromkeys((0, 1053, 1077, 1079, 1927, 2002, 2003, 2005, 2006, 2055, 1159, 1161), "down"),
    **dict.fromkeys((1062, 1586), "twice"),
    **dict.fromkeys((1048, 1136, 1153, 1264, 1265, 1292, 1364, 1366, 1406, 1411, 4025, 3140, 3819, 1690), "value"),
    **dict.fromkeys((1792, 1064, 1146, 1054, 1052, 1055, 1305, 1356), "statement"),
}
SQLITE: dict[int, str] = {
    sqlite3.SQLITE_FULL: "full", sqlite3.SQLITE_BUSY: "busy", sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_CONSTRAINT: "value", sqlite3.SQLITE_MISMATCH: "value", sqlite3.SQLITE_TOOBIG: "value",
    sqlite3.SQLITE_CORRUPT: "damaged", sqlite3.SQLITE_NOTADB: "damaged", sqlite3.SQLITE_INTERRUPT: "slow",
    sqlite3.SQLITE_CANTOPEN: "file", sqlite3.SQLITE_PERM: "file", sqlite3.SQLITE_IOERR: "file",
    sqlite3.SQLITE_READONLY: "readonly", sqlite3.SQLITE_ERROR: "statement", sqlite3.SQLITE_AUTH: "statement",
}  # fmt: skip
# libpq tells of a connection that it could not make by words alone.
WORDS: tuple[tuple[str, str], ...] = (
    # Of a password, by PAM as RDS judges tokens of IAM, by LDAP.
    ("authentication failed for user", "login"), ("no password supplied", "login"), ("no pg_hba.conf entry", "login"),
    ("role \"", "login"), ("does not exist", "absent"), ("too many clients", "busy"),
    ("remaining connection slots", "busy"),
)  # fmt: skip


@contextlib.contextmanager
def translated(warehouse: str, location: Location, *, asked: bool = False) -> Iterator[None]:
    """Turns what a driver raises into an error of ours.

    Args:
        asked: the statement is a person's, who can mend it.
    """
    try:
        yield
    except PenstockError:
        raise
    except DBAPIError as error:
        raise translate(error.orig or error, warehouse, location, asked=asked) from None
    except SQLAlchemyError as error:
        if not asked:
            raise
        raise translate(error, warehouse, location, asked=asked) from None
    except Exception as error:
        if not _is_driver_error(error):
            raise
        raise translate(error, warehouse, location, asked=asked) from None


def translate(error: BaseException, warehouse: str, location: Location, *, asked: bool = False) -> PenstockError:
    """Returns what a driver's error means."""
    what, text = kind_of(error), first_line(error)
    where = f"warehouse {warehouse!r} ({location.shown})"
    data: dict[str, Any] = {"warehouse": warehouse}
    match what:
        case "login":
            return AccessDeniedError(f"{where} refuses the user or the password: {text}", hint=location.mend, **data)
        case "denied":
            return AccessDeniedError(
                f"{where}: the user may not do that: {text}",
                hint=f"`penstock warehouse roles {warehouse}` prints what the roles writer and reader need",
                **data,
            )
        case "absent":
            return NotFoundError(f"{where} has no such database: {text}", hint=f"make it; {location.mend}", **data)
        case "full":
            return StorageFullError(
                f"{where} has no space left: {text}", hint="free some, and try again: nothing was written", **data
            )
        case "busy":
            return ThrottledError(f"{where} is busy: {text}", hint="try again later: nothing was written", **data)
        case "slow":
            return UnavailableError(
                f"{where} is too slow: {text}", hint="give the task more time, or the server less work", **data
            )
        case "twice":
            return AlreadyExistsError(f"{where} has a row with this key: {text}", **data)
        case "value":
            return ValidationError(f"{where} cannot keep a value: {text}", **data)
        case "readonly" if not asked:
            return HomeError(f"{where} cannot be written: {text}", hint="check the file's owner and mode", **data)
        case "statement" | "readonly":
            return _statement(where, text, warehouse, asked=asked)
        case "file":
            return HomeError(f"{where} cannot be used: {text}", hint="check the file's owner, mode and disk", **data)
        case "damaged":
            return HomeError(f"{where} is damaged: {text}", hint="restore it from a backup", **data)
    return UnavailableError(f"{where} does not answer: {text}", hint=f"is it running? {location.mend}", **data)


def _statement(where: str, text: str, warehouse: str, *, asked: bool) -> PenstockError:
    if asked:
        return QueryError(f"{where} refuses the query: {text}", hint="one SELECT over its tables and views")
    return UsageError(
        f"{where} is not as it is declared: {text}",
        hint=f"`penstock warehouse check {warehouse}` tells the differences",
    )


def kind_of(error: BaseException) -> str:
    """Returns a word for what an error means; empty for one that is not known."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None) or 0
        if code in {sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE}:
            return "twice"
        return SQLITE.get(code & 0xFF, "statement" if isinstance(error, sqlite3.ProgrammingError) else "")
    is_mysql = type(error).__module__.startswith("pymysql")
    state = None if is_mysql else getattr(error, "sqlstate", None)
    if state:
        return next((what for prefix, what in POSTGRESQL if state.startswith(prefix)), "")
    arguments = getattr(error, "args", ())
    if is_mysql and arguments and isinstance(arguments[0], int):
        text = str(arguments[1:])
        if arguments[0] == 2013 and "timed out" not in text:
            return "down"
        return MYSQL.get(arguments[0], "value" if 1000 <= arguments[0] < 1100 and "Data" in text else "")
    text = str(error)
    if isinstance(error, SQLAlchemyError):
        return "statement"
    return next((what for words, what in WORDS if words in text), "")


def first_line(error: BaseException) -> str:
    """Returns what an error says: drivers add the statement, and rows, in further lines."""
    arguments: tuple[Any, ...] = getattr(error, "args", ())
    text = str(arguments[1]) if len(arguments) > 1 and isinstance(arguments[0], int) else str(error)
    return text.strip().partition("\n")[0].removeprefix("connection failed: ")[:300]


def _is_driver_error(error: BaseException) -> bool:
    return isinstance(error, sqlite3.Error) or type(error).__module__.partition(".")[0] in {"psycopg", "pymysql"}
