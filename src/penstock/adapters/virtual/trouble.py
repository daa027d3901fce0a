"""Ports that are down or throttled at times, as the faults of a simulation say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock.adapters.virtual.chance import Chance
from penstock.adapters.virtual.clock import VirtualClock
from penstock.errors import DeliveryError, ThrottledError, UnavailableError
from penstock.model.endpoints import scheme_of
from penstock.model.faults import Fault, FaultKind
from penstock.ports.notify import Message

HINT = "the simulation was asked for this fault"


class Trouble:
    """Decides when an operation fails: the same for the same call, whoever makes it and when."""

    def __init__(self, faults: Sequence[Fault], clock: VirtualClock, chance: Chance) -> None:
        self._faults = faults
        self._clock = clock
        self._chance = chance
        self._call = ""
        self._number = 0

    def begin(self, call: str) -> None:
        """Says whose operations follow."""
        self._call, self._number = call, 0

    @property
    def call(self) -> str:
        """Whose operations are going on; empty where nobody's are."""
        return self._call

    def strike(self, down: FaultKind, throttled: FaultKind, target: str) -> None:
        """Fails an operation, or lets it pass.

        Raises:
            UnavailableError, ThrottledError: a fault strikes it.
        """
        now = self._clock.true_now
        self._number += 1
        for fault in self._faults:
            if fault.kind not in {down, throttled} or not fault.covers(now, target):
                continue
            if self._chance.happens(fault.rate, fault.kind, self._call or repr(now), self._number):
                service = down.value.removesuffix("-down")
                if fault.kind is down:
                    raise UnavailableError(f"{service} does not answer", hint=HINT)
                raise ThrottledError(f"{service} is asked too much at once", hint=HINT)

    def wrap(self, port: Any, down: FaultKind, throttled: FaultKind, target: Callable[[Any], str]) -> Any:
        """Returns a port whose operations fail when a fault strikes; itself where none ever does."""
        if not any(fault.kind in {down, throttled} for fault in self._faults):
            return port
        return _TroubledPort(port, lambda first: self.strike(down, throttled, target(first)))


class _TroubledPort:
    """A port before which something may fail. What it is asked for first names what the operation is about."""

    def __init__(self, port: Any, strike: Callable[[Any], None]) -> None:
        self._port = port
        self._strike = strike

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def operation(*arguments: Any, **named: Any) -> Any:
            self._strike(arguments[0] if arguments else None)
            return found(*arguments, **named)

        return operation


def name_of(resource: Any) -> str:
    """Returns the name of a table or a topic."""
    return str(getattr(resource, "name", ""))


def table_of(key: Any) -> str:
    """Returns the table that an object's key, or the beginning of one, names."""
    return "/".join(str(key).split("/")[1:2])


class VirtualChannel:
    """Delivers nothing: what would be sent is in the outbox. Fails where a fault says so."""

    def __init__(self, faults: Sequence[Fault], clock: VirtualClock, chance: Chance) -> None:
        self._faults = [one for one in faults if one.kind in {FaultKind.MAIL_DOWN, FaultKind.MAIL_THROTTLED}]
        self._clock = clock
        self._chance = chance

    def deliver(self, message: Message, endpoint: str) -> None:
        now = self._clock.true_now
        for fault in self._faults:
            if fault.covers(now, scheme_of(endpoint)) and self._chance.happens(
                fault.rate, fault.kind, message.id, endpoint, now
            ):
                raise DeliveryError(f"{scheme_of(endpoint)} does not answer", hint=HINT, permanent=False)
