"""Keys of an inbox's files: the day of arrival, a digest of the content, and what the file was called."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec

from penstock.errors import ValidationError
from penstock.lake.layout import sanitise

ZONE = "inbox"
DIGEST_DIGITS = 32
_OWN = re.compile(r"year=(\d{4})/month=(\d{2})/day=(\d{2})/([0-9a-f]{32})-(.+)")


class InboxKey(msgspec.Struct, frozen=True):
    """A key, taken apart.

    Attributes:
        name: what the file was called, in the characters of a key.
        digest: begins the SHA-256 of the content; empty for an object that somebody else put there.
        day: the beginning of the day of arrival in UTC, in seconds since the epoch; None where the key tells none.
    """

    inbox: str
    name: str
    digest: str = ""
    day: float | None = None


def inbox_prefix(inbox: str) -> str:
    """Returns what all keys of an inbox begin with."""
    return f"{ZONE}/{inbox}/"


def inbox_key(inbox: str, at: float, digest: str, name: str) -> str:
    """Returns the key of a file.

    Args:
        at: when it arrived, in seconds since the epoch.
        digest: the SHA-256 of its content, in hexadecimal digits.
        name: what it is called; any text.
    """
    day = datetime.fromtimestamp(at // 1, UTC)
    return f"{inbox_prefix(inbox)}{day:year=%Y/month=%m/day=%d}/{digest[:DIGEST_DIGITS]}-{sanitise(name)}"


def parse_inbox_key(key: str) -> InboxKey:
    """Takes a key apart. Whoever puts an object into the bucket by hand may call it as they like.

    Raises:
        ValidationError: it is no key of an inbox.
    """
    zone, _, rest = key.partition("/")
    inbox, _, rest = rest.partition("/")
    if zone != ZONE or not inbox or not rest.rpartition("/")[2]:
        raise ValidationError(f"{key[:200]!r} is no key of an inbox", hint="such as inbox/<name>/input_data.json")
    own = _OWN.fullmatch(rest)
    if own is None:
        return InboxKey(inbox, rest.rpartition("/")[2])
    year, month, day, digest, name = own.groups()
    try:
        start = datetime(int(year), int(month), int(day), tzinfo=UTC).timestamp()
    except ValueError:
        return InboxKey(inbox, rest.rpartition("/")[2])
    return InboxKey(inbox, name, digest, start)
