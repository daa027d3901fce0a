"""What services say: message templates, whose fields in braces are drawn for each line."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import msgspec

from penstock import LogSeverity

FIELD = re.compile(r"\{(\w+)\}")
METHODS = ("GET", "GET", "GET", "POST", "PUT")
PATHS = ("/api/items", "/api/orders", "/api/carts", "/api/sessions", "/health")
UNITS = ("nginx.service", "postgresql.service", "docker.service", "ssh.service")


class Template(msgspec.Struct, frozen=True):
    """A message with named fields, how grave it is, and the HTTP status that goes with it.

    Attributes:
        weight: how often it is said, compared with the others of its service and severity.
    """

    severity: LogSeverity
    text: str
    status: int | None = None
    weight: float = 1.0

    @property
    def pattern(self) -> str:
        """The message with ``<*>`` for each field: what a miner of templates should find."""
        return FIELD.sub("<*>", self.text)


def _integer(low: int, high: int) -> Callable[[random.Random], str]:
    return lambda draw: str(low + int(draw.random() * (high - low + 1)))


def _one_of(*choices: str) -> Callable[[random.Random], str]:
    return lambda draw: choices[int(draw.random() * len(choices))]


def _address(draw: random.Random) -> str:
    # Of the block that is set aside for documentation: https://www.rfc-editor.org/rfc/rfc5737
    return f"203.0.113.{1 + int(draw.random() * 254)}"


FIELDS: dict[str, Callable[[random.Random], str]] = {
    "address": _address,
    "attempt": _integer(1, 5),
    "bytes": _integer(120, 48_000),
    "connections": _integer(40, 400),
    "device": _one_of("sda1", "sdb1", "nvme0n1p1"),
    "id": _integer(100_000, 999_999),
    "method": _one_of(*METHODS),
    "ms": _integer(2, 900),
    "path": _one_of(*PATHS),
    "percent": _integer(1, 100),
    "pid": _integer(300, 32_767),
    "port": _integer(1024, 65_535),
    "interface": _one_of("ge-0/0/1", "ge-0/0/2", "xe-1/0/0", "xe-1/0/3"),
    "rows": _integer(1, 5000),
    "unit": _one_of(*UNITS),
    "user": lambda draw: f"user{1 + int(draw.random() * 9999)}",
}


def fill(template: Template, draw: random.Random) -> str:
    """Returns a message: the same for the same state of ``draw``."""
    return FIELD.sub(lambda found: FIELDS[found[1]](draw), template.text)


APPLICATION = (
    Template("INFO", "{method} {path} answered 200 with {bytes} bytes", 200, 12.0),
    Template("INFO", "order {id} placed by {user}", 201, 2.0),
    Template("INFO", "cache hit for key {id}", None, 3.0),
    Template("DEBUG", "query returned {rows} rows", None),
    Template("DEBUG", "retry budget at {percent} percent", None),
    Template("WARNING", "{method} {path} answered 404 to {address}", 404, 3.0),
    Template("WARNING", "slow request {id} from {address}", 200),
    Template("WARNING", "rate limit reached by {user}", 429),
    Template("ERROR", "request {id} failed: upstream closed the connection", 502),
    Template("ERROR", "payment {id} declined after {attempt} attempts", 500),
)
SERVER = (
    Template("INFO", "Accepted publickey for {user} from {address} port {port}", None, 4.0),
    Template("INFO", "Started {unit}", None, 2.0),
    Template("INFO", "session opened for {user} by pid {pid}", None, 3.0),
    Template("DEBUG", "checkpoint complete: wrote {rows} buffers", None),
    Template("WARNING", "Failed password for {user} from {address} port {port}", None, 2.0),
    Template("WARNING", "disk {device} is {percent} percent full", None),
    Template("ERROR", "{unit} exited with status 1", None),
)
NETWORK = (
    Template("INFO", "accepted flow from {address} port {port}", None, 6.0),
    Template("INFO", "neighbour {address} is up", None),
    Template("DEBUG", "flow table holds {connections} entries", None),
    Template("WARNING", "dropped packet from {address} port {port}", None, 3.0),
    Template("WARNING", "interface {interface} at {percent} percent of its capacity", None),
    Template("ERROR", "neighbour {address} timed out after {attempt} hellos", None),
)
USUAL: dict[str, tuple[Template, ...]] = {"application": APPLICATION, "server": SERVER, "network": NETWORK}

INCIDENTS: dict[str, tuple[Template, ...]] = {
    "database": (
        Template("ERROR", "connection pool exhausted: {connections} connections in use", 503, 4.0),
        Template("ERROR", "query {id} timed out after {ms} ms", 504, 3.0),
        Template("CRITICAL", "database does not accept connections from {address}", 503),
    ),
    "release": (
        Template("ERROR", "unhandled exception while serving {method} {path} for {user}", 500, 6.0),
        Template("ERROR", "request {id} failed: response does not match its schema", 500, 3.0),
        Template("CRITICAL", "worker {pid} crashed", 500),
    ),
    "network": (
        Template("ERROR", "interface {interface} went down", 503, 3.0),
        Template("ERROR", "no route to {address}", 503, 4.0),
        Template("CRITICAL", "no healthy upstream among {connections}", 503),
    ),
    "disk": (
        Template("ERROR", "write to {device} failed: no space left on device", 507, 5.0),
        Template("ERROR", "I/O error on {device} at sector {id}", None, 2.0),
        Template("CRITICAL", "filesystem on {device} is read-only now", None),
    ),
}
"""What the services that an incident touches say, by the incident's kind."""
