"""Exports as an Apache Iceberg table: the folder's Parquet files as they are, and the table's metadata beside them.

The catalog is a SQLite file in the folder. Files are added by their footers, without being read or copied. Their
partition columns are not in them; the table has them as identity partitions, whose values readers take from the
manifests: https://iceberg.apache.org/spec/#column-projection
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.adapters.local.export_folder import ParquetFolder
from penstock.errors import NotFoundError, QueryError, UsageError
from penstock.ports.export import Exported, ExportedFile, Write

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table, Transaction

NAMESPACE = "penstock"
CATALOG = "catalog.sqlite"
NAME_MAPPING = "schema.name-mapping.default"
KEPT_FIELDS = (
    "content", "file_path", "file_format", "record_count", "file_size_in_bytes", "column_sizes", "value_counts",
    "null_value_counts", "nan_value_counts", "lower_bounds", "upper_bounds", "split_offsets",
)  # fmt: skip


class IcebergFolder(ParquetFolder):
    """A folder that holds an Iceberg table: ``data/``, ``metadata/`` and its catalog.

    Files of earlier exports stay, as the table's older snapshots name them.

    Raises:
        UsageError: besides those of ``ParquetFolder``: pyiceberg is not installed.
    """

    kind = "iceberg"

    def __init__(self, folder: Path, *, lake: Path, table: str, copy: bool = False) -> None:
        try:
            import pyarrow
            import pyiceberg.catalog.sql  # noqa: F401 - whether it is there
        except ImportError as error:
            raise UsageError(f"{error.name} is not installed", hint="pip install 'penstock[iceberg]'") from None
        del pyarrow
        super().__init__(folder, lake=lake, table=table, copy=copy)

    def take(self, key: str, name: str) -> bool:
        return super().take(key, f"data/{name}")

    def write(self, name: str, write: Write) -> None:
        super().write(f"data/{name}", write)

    def finish(self, name: str, files: Sequence[ExportedFile], columns: Sequence[str]) -> Exported:
        placed = [ExportedFile(f"data/{one.name}", one.partition) for one in files]
        with self._translated():
            location = self._commit(name, placed, columns)
            self.remember([one.name for one in placed])
        return self.exported(placed, location)

    def _commit(self, name: str, files: Sequence[ExportedFile], columns: Sequence[str]) -> str:
        """Makes these files the table's newest snapshot; returns where its metadata are."""
        from pyiceberg.catalog.sql import SqlCatalog
        from pyiceberg.exceptions import CommitFailedException, ValidationError
        from pyiceberg.io.pyarrow import UnsupportedPyArrowTypeException

        # It tells each column without statistics, such as one of nothing but nulls.
        logging.getLogger("pyiceberg").setLevel(logging.ERROR)

        catalog = SqlCatalog(
            "penstock", uri=f"sqlite:///{self.folder / CATALOG}", warehouse=_uri(self.folder), pool_pre_ping="true"
        )
        is_new = not catalog.table_exists((NAMESPACE, name))
        try:
            schema = self._schema(files, columns)
            if schema is None and is_new:
                raise NotFoundError(f"{name} holds nothing yet", hint="export it when something has arrived")
            self._replace(self._table(catalog, name, files, schema), files, schema)
            return str(catalog.load_table((NAMESPACE, name)).metadata_location)
        except CommitFailedException as error:
            raise UsageError(
                f"another export went to {self.folder} at the same time: {error}", hint="export again"
            ) from error
        except (TypeError, ValueError, UnsupportedPyArrowTypeException, ValidationError) as error:
            if is_new and catalog.table_exists((NAMESPACE, name)):
                catalog.drop_table((NAMESPACE, name))
            raise _refused(" ".join(str(error).split())[:300]) from error
        finally:
            catalog.engine.dispose()

    def _schema(self, files: Sequence[ExportedFile], columns: Sequence[str]) -> pa.Schema | None:
        """Returns the columns of all files, then the partition columns."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        fields: dict[str, pa.Field] = {}
        for one in files:
            for field in pq.read_schema(self.folder / one.name):
                _check(field.name, field.type)
                # DuckDB says of a column without nulls that there must be none; in the next file there may be.
                fields.setdefault(field.name, field.with_nullable(nullable=True))
        for name in files[0].partition if files else ():
            if name in fields:
                raise _refused(f"column {name!r} is in the files and is a partition column too")
            fields[name] = pa.field(name, pa.string())
        ordered = [name for name in columns if name in fields] + [name for name in fields if name not in columns]
        return pa.schema([fields[name] for name in ordered]) if files else None

    def _table(self, catalog: Any, name: str, files: Sequence[ExportedFile], schema: pa.Schema | None) -> Table:
        identifier = (NAMESPACE, name)
        if catalog.table_exists(identifier):
            found: Table = catalog.load_table(identifier)
            return found
        catalog.create_namespace_if_not_exists(NAMESPACE)
        table: Table = catalog.create_table(identifier, schema=schema, location=_uri(self.folder))
        with table.update_spec() as update:
            for column in files[0].partition:
                update.add_identity(column)
        return table

    def _replace(self, table: Table, files: Sequence[ExportedFile], schema: pa.Schema | None) -> None:
        """Makes one snapshot with exactly these files; those that the table has already stay as they are."""
        wanted = {_uri(self.folder / one.name): one.partition for one in files}
        present = {task.file.file_path: task.file for task in table.scan().plan_files()}
        if wanted.keys() == present.keys() and table.current_snapshot() is not None:
            return
        with table.transaction() as transaction:
            if schema is not None:
                with transaction.update_schema() as update:
                    update.union_by_name(schema)
            mapping = transaction.table_metadata.schema().name_mapping.model_dump_json()
            transaction.set_properties({NAME_MAPPING: mapping})
            added = [
                _data_file(table, transaction, uri, partition)
                for uri, partition in wanted.items()
                if uri not in present
            ]
            snapshot = transaction.update_snapshot()
            with snapshot.overwrite() if present else snapshot.fast_append() as producer:
                for uri in present.keys() - wanted.keys():
                    producer.delete_data_file(present[uri])
                for one in added:
                    producer.append_data_file(one)


def _uri(path: Path) -> str:
    # Nothing is quoted: Iceberg's readers take what follows the scheme as it is, and ``=`` is in every path.
    return f"file://{path}"


def _data_file(table: Table, transaction: Transaction, uri: str, partition: Mapping[str, str]) -> DataFile:
    """Returns the entry of a file, from its footer; its partition comes from its folders."""
    from pyiceberg.io.pyarrow import parquet_file_to_data_file
    from pyiceberg.manifest import DataFile
    from pyiceberg.typedef import Record

    metadata = transaction.table_metadata
    described = parquet_file_to_data_file(table.io, metadata, uri)
    values = Record(*(partition.get(field.name) for field in metadata.spec().fields))
    made = DataFile.from_args(
        **{name: getattr(described, name) for name in KEPT_FIELDS},
        partition=values,
        sort_order_id=None,
        equality_ids=None,
        key_metadata=None,
    )
    made.spec_id = metadata.default_spec_id
    return made


def _check(name: str, kind: pa.DataType) -> None:
    """Refuses what pyiceberg would take for another type: numbers past 63 bits, and DuckDB's intervals."""
    import pyarrow as pa

    if pa.types.is_uint64(kind) or pa.types.is_fixed_size_binary(kind):
        raise _refused(f"column {name!r} has type {'UBIGINT' if pa.types.is_uint64(kind) else 'INTERVAL'}")
    for number in range(kind.num_fields):
        _check(name, kind.field(number).type)


def _refused(what: str) -> QueryError:
    return QueryError(
        f"Iceberg cannot hold this: {what}",
        hint="rename the column in a SELECT, or CAST it to a type that Iceberg has (BIGINT, DOUBLE, VARCHAR, …); "
        "where the types of a column changed since the last export, give another folder",
    )
