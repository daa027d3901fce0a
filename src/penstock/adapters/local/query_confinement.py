"""What confines a query in the engine itself, whatever the gate lets through.

The engine may open the folders of the tables that are named, and one file that an answer is written to; it loads no
extension and looks at no Python variable. Its settings are locked before anything of the user's runs.
Source: https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.adapters.local.query_snapshot import Snapshot
from penstock.adapters.local.query_types import literal

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


def lock(connection: duckdb.DuckDBPyConnection, snapshots: Mapping[str, Snapshot], writes: Path | None = None) -> None:
    """Leaves no door open but those to the files of the snapshots, and locks up."""
    folders = ", ".join(literal(folder) for one in snapshots.values() for folder in one.folders)
    statements = [f"SET allowed_directories=[{folders}]"]
    if writes is not None:
        statements.append(f"SET allowed_paths=[{literal(str(writes))}]")
    statements += ["SET enable_external_access=false", "SET lock_configuration=true"]
    connection.execute("; ".join(statements))
