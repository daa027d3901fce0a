"""Roles of a warehouse, each with no more than it needs, as SQL for the person who owns the database.

The owner changes tables, the writer is a pipeline, the reader is a person's tool. Nobody but the owner can delete.
"""

from __future__ import annotations

from penstock.adapters.relational.revisions import version_table
from penstock.errors import UsageError
from penstock.model.warehouses import Warehouse
from penstock.ports.warehouse import Server


def script(warehouse: Warehouse, server: Server, database: str) -> str:
    """Returns the statements. They can be run again.

    Raises:
        UsageError: the server has no roles.
    """
    if server == "sqlite":
        raise UsageError(
            f"warehouse {warehouse.name!r} is a file of SQLite, which has no roles",
            hint="the file's owner and mode say who may use it; --server postgresql|mysql|mariadb prints theirs",
        )
    made = _postgresql if server == "postgresql" else _mysql
    return "\n".join(made(warehouse, database)) + "\n"


def users(warehouse: Warehouse, server: Server) -> str:
    """Returns the statements that make the users who log in by IAM, a line each. They can be run again, by RDS's owner.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html

    Raises:
        UsageError: users of this server do not log in by IAM.
    """
    if server not in {"postgresql", "mysql"}:
        raise UsageError(f"users of {server} do not log in by IAM", hint='choose database="postgresql"')
    made = []
    for user, role in ((warehouse.writing_user, "writer"), (warehouse.reading_user, "reader")):
        granted = f"{warehouse.name}_{role}"
        if server == "postgresql":
            made.append(f"DO $$ BEGIN CREATE ROLE {user} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;")
            made.append(f"GRANT {granted} TO {user};")
            made.append(f"GRANT rds_iam TO {user};")
        else:
            made.append(
                f"CREATE USER IF NOT EXISTS {user} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL;"
            )
            made.append(f"GRANT {granted} TO {user};")
            made.append(f"SET DEFAULT ROLE {granted} TO {user};")
    return "\n".join(made) + "\n"


def _postgresql(warehouse: Warehouse, database: str) -> list[str]:
    # https://www.postgresql.org/docs/15/ddl-priv.html
    owner, writer, reader = (f"{warehouse.name}_{one}" for one in ("owner", "writer", "reader"))
    tables = ", ".join(warehouse.relations)
    made = [
        f"-- Run in the database {database}, as a superuser or as its owner. Then make users, such as",
        f"--   CREATE USER pipeline PASSWORD '…' IN ROLE {writer};  CREATE USER bi PASSWORD '…' IN ROLE {reader};",
        f"-- and run `penstock warehouse upgrade {warehouse.name}` as a user in {owner}.",
    ]
    for role in (owner, writer, reader):
        made.append(f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;")
    made += [
        f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC;',
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC;",
        f'GRANT CONNECT ON DATABASE "{database}" TO {owner}, {writer}, {reader};',
        # A run brings its rows into a temporary table first.
        f'GRANT TEMPORARY ON DATABASE "{database}" TO {writer};',
        f"GRANT USAGE, CREATE ON SCHEMA public TO {owner};",
        f"GRANT USAGE ON SCHEMA public TO {writer}, {reader};",
        "-- Once the tables are there, and again after an upgrade that added some:",
    ]
    for table in warehouse.relations:
        made.append(_if_there(table, f"GRANT SELECT, INSERT, UPDATE ON {table} TO {writer}; "
                                     f"GRANT SELECT ON {table} TO {reader};"))  # fmt: skip
    version = version_table(warehouse)
    made.append(_if_there(version, f"GRANT SELECT ON {version} TO {writer}, {reader};"))
    for view in warehouse.views:
        made.append(_if_there(view, f"GRANT SELECT ON {view} TO {writer}, {reader};"))
    return [*made, f"-- Tables: {tables}."]


def _if_there(name: str, statements: str) -> str:
    return f"DO $$ BEGIN IF to_regclass('{name}') IS NOT NULL THEN {statements} END IF; END $$;"


def _mysql(warehouse: Warehouse, database: str) -> list[str]:
    # https://dev.mysql.com/doc/refman/8.4/en/roles.html and https://mariadb.com/kb/en/roles_overview/
    owner, writer, reader = (f"{warehouse.name}_{one}" for one in ("owner", "writer", "reader"))
    return [
        "-- Run as an administrator. Then make users, such as",
        f"--   CREATE USER pipeline IDENTIFIED BY '…';  GRANT {writer} TO pipeline;",
        f"--   SET DEFAULT ROLE {writer} TO pipeline;  -- on MariaDB: SET DEFAULT ROLE {writer} FOR pipeline;",
        f"-- and run `penstock warehouse upgrade {warehouse.name}` as a user with {owner}.",
        *(f"CREATE ROLE IF NOT EXISTS {role};" for role in (owner, writer, reader)),
        f"GRANT ALL PRIVILEGES ON `{database}`.* TO {owner};",
        # A run brings its rows into a temporary table first. There are no privileges on tables that are not there yet.
        f"GRANT SELECT, INSERT, UPDATE, CREATE TEMPORARY TABLES ON `{database}`.* TO {writer};",
        f"GRANT SELECT, SHOW VIEW ON `{database}`.* TO {reader};",
    ]
