"""What a Map Run is called."""

from __future__ import annotations

import hashlib
import uuid


def map_run_id(token: str) -> str:
    """Returns the UUID of the Map Run that an attempt of a Map state begins; the same in a replay."""
    return str(uuid.UUID(bytes=hashlib.sha256(token.encode()).digest()[:16], version=4))


def map_run_arn(machine_id: str, label: str, token: str) -> str:
    """Returns the name of a Map Run as AWS makes it: the state machine, the Map's label, and a UUID.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeMapRun.html
    """
    machine = machine_id.replace(":stateMachine:", ":mapRun:")
    return f"{machine}/{label}:{map_run_id(token)}"
