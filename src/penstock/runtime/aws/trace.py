"""Traces: a subsegment for each call, sent to the daemon that Lambda runs beside the function.

https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-daemon
"""

from __future__ import annotations

import json
import os
import secrets
import socket

from penstock.ports.invoke import Call, Reply

HEADER = b'{"format": "json", "version": 1}\n'
# A datagram to the daemon may hold 64 KB.
DATAGRAM_LIMIT_BYTES = 64_000


def trace_header() -> dict[str, str]:
    """Returns the parts of the invocation's trace header: ``Root``, ``Parent``, ``Sampled``; empty without tracing."""
    header = os.environ.get("_X_AMZN_TRACE_ID", "")
    return dict(part.split("=", 1) for part in header.split(";") if "=" in part)


def send_subsegment(call: Call, reply: Reply, started_at: float, ended_at: float) -> bool:
    """Sends a call's subsegment; False when nobody traces this invocation. Tracing never fails a call."""
    header, address = trace_header(), os.environ.get("AWS_XRAY_DAEMON_ADDRESS", "")
    if header.get("Sampled") != "1" or "Root" not in header or "Parent" not in header or ":" not in address:
        return False
    document = {
        "type": "subsegment",
        "name": call.task,
        "id": secrets.token_hex(8),
        "trace_id": header["Root"],
        "parent_id": header["Parent"],
        "start_time": started_at,
        "end_time": ended_at,
        "fault": reply.error is not None,
        "annotations": {"pipeline": call.pipeline, "execution": call.execution, "state": call.state},
        "metadata": {"penstock": {"attempt": call.attempt, "error": reply.error or ""}},
    }
    host, _, port = address.rpartition(":")
    datagram = HEADER + json.dumps(document).encode()
    if len(datagram) > DATAGRAM_LIMIT_BYTES:
        return False
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(datagram, (host, int(port)))
    except (OSError, ValueError, OverflowError):
        return False
    return True
