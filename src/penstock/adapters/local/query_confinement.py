"""What confines a query in the engine itself, whatever the gate lets through.

The engine may open the folders of the tables that are named, and one file that an answer is written to; it loads no
extension and looks at no Python variable. Its settings are locked before anything of the user's runs.
Source: https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.adapters.local.duckdb_text import literal

if TYPE_CHECKING:
    import duckdb

SETTINGS = {
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_file_cache": "false",
    "python_enable_replacements": "false",
}


def connect(*, memory_limit_mb: int, threads: int | None, temp_folder: Path | None) -> duckdb.DuckDBPyConnection:
    """Returns an empty database in memory, not locked yet."""
    import duckdb

    settings = {**SETTINGS, "memory_limit": f"{memory_limit_mb}MB"}
    settings["temp_directory"] = str(temp_folder.resolve()) if temp_folder else ""
    if threads is not None:
        settings["threads"] = str(threads)
    connection = duckdb.connect(":memory:", config=dict(settings))
    connection.execute("SET TimeZone='UTC'")
    return connection


def lock(connection: duckdb.DuckDBPyConnection, folders: Iterable[str] = (), file: Path | None = None) -> None:
    """Leaves no door open but those to what is in these folders, and to this file, and locks up."""
    statements = [f"SET allowed_directories=[{', '.join(map(literal, folders))}]"]
    if file is not None:
        statements.append(f"SET allowed_paths=[{literal(str(file))}]")
    statements += ["SET enable_external_access=false", "SET lock_configuration=true"]
    connection.execute("; ".join(statements))
