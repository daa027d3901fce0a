"""What a role did to AWS: one line for every permission that a request needed."""

from __future__ import annotations

from pathlib import Path

import msgspec


class RecordedCall(msgspec.Struct, frozen=True):
    """One permission that one request needed.

    Attributes:
        role: name of the role that asked; ``""`` when it is not known.
        action: such as ``dynamodb:PutItem``.
        resource: ARN of what it was done to; ``*`` where the action has no resource.
        context: condition keys of the request, such as ``s3:prefix``; a list where the key has many values.
            https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        at: when, in seconds since the epoch.
    """

    role: str
    action: str
    resource: str
    context: dict[str, str | list[str]] = {}
    at: float = 0.0


def line(call: RecordedCall) -> bytes:
    """Returns a call as a line of JSON, with its end."""
    return msgspec.json.encode(call) + b"\n"


def read(path: Path) -> list[RecordedCall]:
    """Returns the calls of a file, in the order in which they were made; none if there is no file.

    A last line without an end is one that is still being written: it is left out.
    """
    if not path.exists():
        return []
    decoder = msgspec.json.Decoder(RecordedCall)
    return [decoder.decode(text) for text in path.read_bytes().split(b"\n")[:-1] if text]
