"""The home of a simulation: this machine's adapters under a virtual clock, with what may go wrong between them."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from penstock.adapters.local import bus, events
from penstock.adapters.local.database import Database
from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.virtual.chance import Chance
from penstock.adapters.virtual.clock import SeededEntropy, VirtualClock
from penstock.adapters.virtual.events import TroubledEvents
from penstock.adapters.virtual.trouble import Trouble, VirtualChannel, name_of, table_of
from penstock.model.faults import FaultKind
from penstock.model.pipeline import Definition
from penstock.ports.invoke import Call
from penstock.runtime.context import Ports
from penstock.runtime.integrations import perform
from penstock.runtime.machine.home import Home
from penstock.runtime.machine.housekeeping import Housekeeper
from penstock.runtime.machine.notifier import Notifier
from penstock.runtime.machine.retention import Retention
from penstock.runtime.machine.sealing import LakeSealer
from penstock.runtime.machine.stores import JOURNAL_MIGRATIONS
from penstock.runtime.simulation.plan import DAY_SECONDS, Plan

if TYPE_CHECKING:
    from penstock.adapters.local.hot import SqliteHotStore
    from penstock.adapters.local.sealer import DuckDbSealer
    from penstock.runtime.lake.seal import PartitionSealer

EVENT_KINDS = {FaultKind.EVENT_TWICE, FaultKind.EVENT_LATE, FaultKind.EVENT_OUT_OF_ORDER}


class SimulatedHome(Home):
    """A home whose time and chance are a plan's.

    Args:
        clock: moved by the simulation alone.
        entropy: goes on where the simulation opens the home again.

    Attributes:
        make_sealer: makes what seals, of the parts of a ``LakeSealer``.
        beside_hot: puts something between the home and its hot tables.
    """

    clock: VirtualClock
    is_alone = True

    def __init__(self, path: Path, plan: Plan, *, clock: VirtualClock, entropy: SeededEntropy) -> None:
        super().__init__(path, clock=clock, entropy=entropy, meter=plan.is_metered)
        self.settings = msgspec.structs.replace(self.settings, durability="off")
        self.plan = plan
        self.chance = Chance(plan.seed)
        self.trouble = Trouble(plan.faults, clock, self.chance)
        self._entropy = entropy
        self._blobs = 0
        self.make_sealer: Callable[..., LakeSealer] = LakeSealer
        self.beside_hot: Callable[[Any], Any] = lambda store: store

    @functools.cached_property
    def database(self) -> Database:
        database = Database(self.path / "journal.sqlite", JOURNAL_MIGRATIONS, durability="off")
        # Ids of messages and of events, and what claims a delivery, come from here.
        database.connection.create_function("randomblob", 1, self._blob)
        return database

    def _blob(self, size_bytes: int) -> bytes:
        """Returns what SQLite takes for chance: of a call the same, wherever it is made."""
        if not self.trouble.call:
            return self._entropy.blob(size_bytes)
        self._blobs += 1
        return self.chance.blob(size_bytes, self.trouble.call, self._blobs)

    @functools.cached_property
    def objects(self) -> FileObjectStore:
        store = FileObjectStore(self.lake, clock=self.clock, sync=False)
        return self._metered(store, "objects", "HeldObjectStore")

    @functools.cached_property
    def hot(self) -> SqliteHotStore:
        from penstock.adapters.local.hot import SqliteHotStore

        store = self.beside_hot(SqliteHotStore(self.path / "hot.sqlite", self.clock, durability="off"))
        return cast("SqliteHotStore", self._metered(store, "hot", "HeldHotStore"))

    @functools.cached_property
    def sealing(self) -> DuckDbSealer:
        from penstock.adapters.local.sealer import DuckDbSealer

        return DuckDbSealer(self.lake, threads=1, stays_open=True)

    @functools.cached_property
    def bus(self) -> bus.SqliteBus:
        store = bus.SqliteBus(self.database)
        return cast("bus.SqliteBus", self._between(store, identity="key", target="table"))

    @functools.cached_property
    def events(self) -> events.SqliteEventStore:
        store = events.SqliteEventStore(self.database, self.clock)
        return cast("events.SqliteEventStore", self._between(store, identity="id", target="bus"))

    def _between(self, store: Any, *, identity: str, target: str) -> Any:
        faults = [fault for fault in self.plan.faults if fault.kind in EVENT_KINDS]
        if not faults:
            return store
        return TroubledEvents(store, faults, self.clock, self.chance, identity=identity, target=target)

    def begin_call(self, call: Call) -> None:
        """Says whose operations follow."""
        self.trouble.begin(f"{call.execution}/{call.token}")
        self._blobs = 0

    def events_due_at(self) -> float | None:
        """Returns when the first event is let go that a fault holds back, in seconds of the true time."""
        stores = [store for store in (self.bus, self.events) if isinstance(store, TroubledEvents)]
        moments = [moment for store in stores if (moment := store.next_due_at()) is not None]
        return min(moments, default=None)

    @property
    def partition_sealer(self) -> PartitionSealer:
        from penstock.runtime.lake.seal import PartitionSealer

        objects = self.trouble.wrap(self.objects, FaultKind.OBJECTS_DOWN, FaultKind.OBJECTS_THROTTLED, table_of)
        sealer = PartitionSealer(objects, self.sealing, self.rows)
        return self._metered(sealer, "sealing", "MeteredPartitionSealer")

    def lake_sealer(
        self, definitions: Mapping[str, Definition], warn: Callable[[str], None] = lambda text: None
    ) -> LakeSealer:
        return self.make_sealer(
            sealer=self.partition_sealer,
            objects=self.objects,
            clock=self.clock,
            definitions=definitions,
            warn=warn,
            in_background=False,
            everything_seconds=DAY_SECONDS,
        )

    def housekeeper(
        self, definitions: Mapping[str, Definition], interval_seconds: float | None = DAY_SECONDS
    ) -> Housekeeper:
        return super().housekeeper(definitions, interval_seconds)

    def retention(
        self, definitions: Mapping[str, Definition], warn: Callable[[str], None] = lambda text: None
    ) -> Retention:
        return Retention(
            objects=self.objects,
            sealing=self.sealing,
            clock=self.clock,
            definitions=definitions,
            warn=warn,
            interval_seconds=DAY_SECONDS,
        )

    def notifier(self) -> Notifier:
        channel = VirtualChannel(self.plan.faults, self.clock, self.chance)
        return Notifier(self.outbox, lambda _: channel, self.clock, chance=random.Random(self.plan.seed), lanes=1)

    def close(self) -> None:
        sealing = self.__dict__.pop("sealing", None)
        if sealing is not None:
            sealing.close()
        super().close()

    def check_usable(self) -> None:
        """It is the simulation itself that runs here."""

    def ports(self, writer: str) -> Ports:
        ports = super().ports(writer)
        return TroubledPorts(ports, self.trouble) if self.plan.faults else ports


class TroubledPorts:
    """A home's ports, as tasks meet them while something is wrong."""

    def __init__(self, ports: Any, trouble: Trouble) -> None:
        self._ports = ports
        self._trouble = trouble

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ports, name)

    @property
    def objects(self) -> Any:
        return self._wrapped("objects", FaultKind.OBJECTS_DOWN, FaultKind.OBJECTS_THROTTLED, table_of)

    @property
    def hot(self) -> Any:
        return self._wrapped("hot", FaultKind.HOT_DOWN, FaultKind.HOT_THROTTLED, name_of)

    @property
    def exchange(self) -> Any:
        return self.hot

    @property
    def metrics(self) -> Any:
        return self._wrapped("metrics", FaultKind.METRICS_DOWN, FaultKind.METRICS_THROTTLED, lambda _: "")

    @property
    def topics(self) -> Any:
        return self._wrapped("topics", FaultKind.TOPIC_DOWN, FaultKind.TOPIC_THROTTLED, name_of)

    @property
    def warehouses(self) -> Any:
        return self._wrapped("warehouses", FaultKind.WAREHOUSE_DOWN, FaultKind.WAREHOUSE_THROTTLED, name_of)

    def _wrapped(self, port: str, down: FaultKind, throttled: FaultKind, target: Callable[[Any], str]) -> Any:
        return self._trouble.wrap(getattr(self._ports, port), down, throttled, target)

    def serve(self, definition: Definition, call: Call) -> bytes:
        return perform(definition, call, self)


def reopened(path: Path, plan: Plan) -> SimulatedHome:
    """Returns the home that a simulation left, at its end."""
    return SimulatedHome(path, plan, clock=VirtualClock(plan.end), entropy=SeededEntropy(plan.seed))
