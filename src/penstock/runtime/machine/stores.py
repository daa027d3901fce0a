"""What a home on this machine keeps: one folder, and the adapters over it. Each is opened when it is first used."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, cast

from penstock.adapters.local import alarms, bus, events, journal, ledger, map_runs, outbox, queues
from penstock.adapters.local.clock import SystemClock, SystemEntropy
from penstock.adapters.local.database import Database
from penstock.adapters.local.outbox import OutboxPublisher
from penstock.errors import HomeError, NotFoundError
from penstock.model.simulation import SIMULATION_FILE
from penstock.ports.clock import Clock, Entropy
from penstock.runtime.context import Ports
from penstock.runtime.machine.metered import MeteredPorts, Port, wrapped
from penstock.runtime.machine.settings import Settings, read_settings

if TYPE_CHECKING:
    from penstock.adapters.local.compactor import DuckDbCompactor
    from penstock.adapters.local.hot import SqliteHotStore
    from penstock.adapters.local.meter import SqliteMeter
    from penstock.adapters.local.metrics import SqliteMetricStore
    from penstock.adapters.local.objects import FileObjectStore
    from penstock.adapters.local.offsets import SqliteOffsetStore
    from penstock.adapters.local.query import DuckDbQueryEngine
    from penstock.adapters.local.rows import DuckDbRowReader
    from penstock.adapters.local.sealer import DuckDbSealer
    from penstock.adapters.relational.store import RelationalWarehouseStore
    from penstock.model.pipeline import Definition
    from penstock.ports.invoke import Call
    from penstock.ports.transform import Transformer
    from penstock.runtime.asking import SavedQueries
    from penstock.runtime.lake.schema_history import SchemaHistory
    from penstock.runtime.lake.seal import PartitionSealer
    from penstock.runtime.machine.lake_catalog import LakeCatalog

JOURNAL_MIGRATIONS = (
    journal.MIGRATION, bus.MIGRATION, ledger.MIGRATION, alarms.MIGRATION, outbox.MIGRATION, journal.WAITING,
    queues.MIGRATION, events.MIGRATION, map_runs.MIGRATION,
)  # fmt: skip


class Stores:
    """The folder of a home and the adapters over what is in it.

    Attributes:
        is_alone: no other process is here.

    Args:
        create: makes the folder when it is absent, readable by its owner only.
        meter: count what AWS would charge for; as the settings say when absent.

    Raises:
        NotFoundError: the folder is absent and is not to be made.
        HomeError: the folder cannot be used.
    """

    is_alone = False

    def __init__(
        self,
        path: Path,
        *,
        create: bool = True,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        meter: bool | None = None,
    ) -> None:
        self.path = path.absolute()
        self.clock: Clock = clock or SystemClock()
        self.writer = ""
        self.entropy = entropy or SystemEntropy()
        if create:
            _make_private(self.path)
        elif not self.path.is_dir():
            raise NotFoundError(
                f"there is no home at {path}", hint="`penstock run` or `penstock up` makes one; or give --home"
            )
        self.settings: Settings = read_settings(self.path)
        self.is_metered = self.settings.meter if meter is None else meter

    @property
    def lake(self) -> Path:
        """The folder of the lake's zones."""
        return self.path / "lake"

    @property
    def inbox(self) -> Path:
        """Files put into ``inbox/<name>/`` go to the inbox of this name, or to the raw zone of the lake table."""
        return self.path / "inbox"

    @functools.cached_property
    def scratch(self) -> Path:
        """Work in progress."""
        folder = self.path / "scratch"
        _make_private(folder)
        return folder

    @property
    def owners(self) -> Path:
        return self.path / "owners"

    @functools.cached_property
    def meter(self) -> SqliteMeter | None:
        """Counts what AWS would charge for, where that is wanted."""
        if not self.is_metered:
            return None
        from penstock.adapters.local.meter import SqliteMeter

        return SqliteMeter(self.path / "meter.sqlite")

    def _metered(self, port: Port, module: str, wrapper: str) -> Port:
        """Returns what tells the meter about a port; the port itself where nothing is metered."""
        if self.meter is None:
            return port
        return wrapped(port, module, wrapper, self.meter, self.clock)

    @functools.cached_property
    def database(self) -> Database:
        """The journal's database."""
        return Database(self.path / "journal.sqlite", JOURNAL_MIGRATIONS, durability=self.settings.durability)

    @functools.cached_property
    def journal(self) -> journal.SqliteJournal:
        return journal.SqliteJournal(self.database)

    @functools.cached_property
    def bus(self) -> bus.SqliteBus:
        return bus.SqliteBus(self.database)

    @functools.cached_property
    def map_runs(self) -> map_runs.SqliteMapRunStore:
        return map_runs.SqliteMapRunStore(self.database)

    @functools.cached_property
    def ledger(self) -> ledger.SqliteLedgerStore:
        return ledger.SqliteLedgerStore(self.database)

    @functools.cached_property
    def alarms(self) -> alarms.SqliteAlarmStore:
        return alarms.SqliteAlarmStore(self.database)

    @functools.cached_property
    def outbox(self) -> outbox.Outbox:
        return self._metered(outbox.Outbox(self.database), "notify", "MeteredOutbox")

    @functools.cached_property
    def topics(self) -> OutboxPublisher:
        return OutboxPublisher(self.outbox)

    @functools.cached_property
    def queues(self) -> queues.SqliteQueueStore:
        return queues.SqliteQueueStore(self.database, self.clock)

    @functools.cached_property
    def events(self) -> events.SqliteEventStore:
        return events.SqliteEventStore(self.database, self.clock)

    @functools.cached_property
    def hot(self) -> SqliteHotStore:
        from penstock.adapters.local.hot import SqliteHotStore

        store = SqliteHotStore(self.path / "hot.sqlite", self.clock, durability=self.settings.durability)
        return self._metered(store, "hot", "HeldHotStore")

    @property
    def exchange(self) -> SqliteHotStore:
        """The hot tables, for what workflows ask of them."""
        return self.hot

    @functools.cached_property
    def metrics(self) -> SqliteMetricStore:
        from penstock.adapters.local.metrics import SqliteMetricStore

        store = SqliteMetricStore(self.path / "metrics.sqlite", self.clock, durability=self.settings.durability)
        return self._metered(store, "metrics", "MeteredMetricStore")

    @functools.cached_property
    def objects(self) -> FileObjectStore:
        from penstock.adapters.local.objects import FileObjectStore

        return self._metered(FileObjectStore(self.lake), "objects", "HeldObjectStore")

    @functools.cached_property
    def schema_history(self) -> SchemaHistory:
        """Which schemas the lake tables have had here."""
        from penstock.adapters.local.objects import FileObjectStore
        from penstock.runtime.lake.schema_history import SchemaHistory

        return SchemaHistory(FileObjectStore(self.path / "schemas", faults="schemas"), self.objects)

    @functools.cached_property
    def warehouses(self) -> RelationalWarehouseStore:
        """Warehouses: files of this home, or the databases that the environment names."""
        from penstock.adapters.local.secrets import EnvironmentAndFileSecrets
        from penstock.adapters.local.warehouse import open_warehouses

        return open_warehouses(self.path / "warehouse", EnvironmentAndFileSecrets(self.path / "secrets.toml"))

    @functools.cached_property
    def rows(self) -> DuckDbRowReader:
        """Reads Parquet that arrives as an object."""
        from penstock.adapters.local.rows import DuckDbRowReader

        return DuckDbRowReader()

    @functools.cached_property
    def transformer(self) -> Transformer:
        if self.settings.transformer == "spark":
            from penstock.adapters.spark.session import local_session
            from penstock.adapters.spark.transform import SparkTransformer
            from penstock.sql.steps import to_spark

            return SparkTransformer(local_session(), self.scratch, to_spark)
        from penstock.adapters.local.transform import DuckDbTransformer

        return DuckDbTransformer(self.scratch)

    @functools.cached_property
    def sealing(self) -> DuckDbSealer:
        from penstock.adapters.local.sealer import DuckDbSealer

        return DuckDbSealer(self.lake)

    @property
    def days(self) -> Path:
        """The files that queries read for the sealed hours of a day."""
        return self.path / "cache" / "days"

    @property
    def compactor(self) -> DuckDbCompactor:
        """What writes these files."""
        from penstock.adapters.local.compactor import DuckDbCompactor

        return DuckDbCompactor(self.lake, self.days)

    @property
    def partition_sealer(self) -> PartitionSealer:
        from penstock.runtime.lake.seal import PartitionSealer

        sealer = PartitionSealer(self.objects, self.sealing, self.rows)
        return self._metered(sealer, "sealing", "MeteredPartitionSealer")

    @functools.cached_property
    def lake_catalog(self) -> LakeCatalog:
        from penstock.runtime.machine.lake_catalog import LakeCatalog

        return LakeCatalog(self.objects, self.sealing)

    @functools.cached_property
    def offsets(self) -> SqliteOffsetStore:
        """How far log files were followed."""
        from penstock.adapters.local.offsets import SqliteOffsetStore

        return SqliteOffsetStore(self.path / "follow.sqlite")

    @functools.cached_property
    def query(self) -> DuckDbQueryEngine:
        from penstock.adapters.local.query import DuckDbQueryEngine
        from penstock.runtime.lake.fitting import RawFitting

        # Beside the lake, so that neither is taken for data.
        engine = DuckDbQueryEngine(
            self.lake,
            temp_folder=self.path / "spilled",
            cache_folder=self.path / "cache" / "queries",
            days_folder=self.days,
            fit=RawFitting(self.rows),
        )
        return self._metered(engine, "query", "MeteredQueryEngine")

    @functools.cached_property
    def saved_queries(self) -> SavedQueries:
        """Queries that were given a name here."""
        from penstock.runtime.asking import SavedQueries

        return SavedQueries(self.path / "queries")

    @functools.cached_property
    def answers(self) -> FileObjectStore:
        """What workflows' queries answered."""
        from penstock.adapters.local.objects import FileObjectStore

        return FileObjectStore(self.path / "answers")

    def check_usable(self) -> None:
        """Checks that pipelines may run here.

        Raises:
            HomeError: a simulation made this home. Nobody is to be told of what never was.
        """
        if (self.path / SIMULATION_FILE).exists():
            raise HomeError(
                f"{self.path} was made by a simulation", hint="look into it as you like, and run in another --home"
            )

    def ports(self, writer: str) -> Ports:
        """Returns what tasks may be given; ``writer`` answers for the objects that they announce."""
        self.writer = writer
        if self.meter is None:
            return self
        return cast("Ports", MeteredPorts(self, self.meter))

    def serve(self, definition: Definition, call: Call) -> bytes:
        """Does what a workflow asks of a service. Raises TaskError when the service would refuse."""
        from penstock.runtime.integrations import perform

        return perform(definition, call, self)

    def close(self) -> None:
        """Closes what was opened."""
        for name in ("hot", "metrics", "offsets", "meter", "database"):
            opened = self.__dict__.pop(name, None)
            if opened is not None:
                opened.close()


def _make_private(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
    except FileExistsError:
        raise HomeError(f"{path} is a file", hint="a home is a folder: choose another --home") from None
    except OSError as error:
        raise HomeError(
            f"cannot use {path} as a home: {error.strerror}", hint="choose a folder that you may write, with --home"
        ) from error
