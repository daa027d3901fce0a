"""pygtail, one regular expression or JSON decoder, and the standard library: lines of a log → synced lines of JSON.

Arguments: log, new file, ``access`` or ``json``. Prints JSON. Its offset is noted once, at the end.
"""

import json
import os
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from pygtail import Pygtail

LINE = re.compile(
    r'(\S+) (\S+) (\S+) \[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-) '
    r'"((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"(?: (.*))?'
)


def of_access(line):
    """Returns a record of an access log's line."""
    client, _, user, when, request, status, size, referer, agent, more = LINE.match(line).groups()
    moment = datetime.strptime(when, "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC)
    return {
        "timestamp": moment.isoformat(), "severity": "INFO", "service": "app", "host": "here", "message": request,
        "status": int(status), "latency_ms": float(more) * 1000, "source": "app.log",
        "attributes": {"client": client, "user": user, "bytes": size, "referer": referer, "user_agent": agent},
    }  # fmt: skip


def of_json(line):
    """Returns a record of a JSON line."""
    found = json.loads(line)
    moment = datetime.fromtimestamp(found.pop("ts"), UTC)
    return {
        "timestamp": moment.isoformat(), "severity": found.pop("level").upper(), "service": found.pop("service"),
        "host": "here", "message": found.pop("msg"), "source": "app.log",
        "attributes": {name: str(value) for name, value in found.items()},
    }  # fmt: skip


log, target, name = sys.argv[1:]
parse = {"access": of_access, "json": of_json}[name]
began, processor = time.perf_counter(), time.process_time()
lines = 0
with Path(target).open("w") as file:
    for line in Pygtail(log, offset_file=f"{target}.offset"):
        file.write(json.dumps(parse(line)) + "\n")
        lines += 1
    file.flush()
    os.fsync(file.fileno())
print(json.dumps({
    "lines": lines, "seconds": time.perf_counter() - began, "processor_seconds": time.process_time() - processor,
}))  # fmt: skip
