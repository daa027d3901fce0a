"""Access logs: Apache's common and combined formats, which are nginx's as well.

https://httpd.apache.org/docs/2.4/logs.html#accesslog · https://nginx.org/en/docs/http/ngx_http_log_module.html
"""

from __future__ import annotations

import re

from penstock.logs.entry import LogEntry, Origin, severity_of_status
from penstock.logs.timestamps import access_moment

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_LINE = re.compile(
    rf"(?:(\S+:\d{{1,5}}) )?(\S+) (\S+) (\S+|\S.*?\S) \[([^\]]{{20,32}})\] {_QUOTED} (\d{{3}}) (\d+|-)"
    rf"(?: {_QUOTED} {_QUOTED}(?: (.*))?)?\Z",
    re.ASCII,
)
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)")
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "v": "\v", "f": "\f"}
_SECONDS = re.compile(r"(?:rt=)?(\d+\.\d{3})\Z", re.ASCII)


def parse(text: str, origin: Origin) -> LogEntry | None:
    """Returns what a line of an access log says; None for any other.

    A last number with three decimals is nginx's ``$request_time``: the latency.
    """
    # Most lines of other formats are told apart by this alone.
    found = _LINE.match(text) if '] "' in text else None
    moment = access_moment(found[5]) if found else None
    if found is None or moment is None:
        return None
    site, client, identity, user, _, request, status, size, referer, agent, more = found.groups()
    took = _SECONDS.search(more) if more else None
    given = {
        "client": client, "identity": identity, "user": user, "bytes": size, "site": site, "more": more,
        "referer": _unescape(referer), "user_agent": _unescape(agent),
    }  # fmt: skip
    return LogEntry(
        timestamp=moment,
        severity=severity_of_status(int(status)),
        service=origin.service,
        host=origin.host,
        device_type="application",
        message=_unescape(request) or "",
        latency_ms=float(took[1]) * 1000 if took else None,
        status=int(status),
        source=origin.source,
        attributes={name: value for name, value in given.items() if value and value != "-"},
    )


def _unescape(text: str | None) -> str | None:
    if text is None or "\\" not in text:
        return text
    return _ESCAPE.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    code = found[1]
    return chr(int(code[1:], 16)) if len(code) == 3 else _PLAIN.get(code, code)
