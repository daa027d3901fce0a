"""Access logs: Apache's common and combined formats, which are nginx's as well.

https://httpd.apache.org/docs/2.4/logs.html#accesslog · https://nginx.org/en/docs/http/ngx_http_log_module.html
"""

from __future__ import annotations

import re

from penstock.logs.entry import LogEntry, Origin, severity_of_status
from penstock.logs.timestamps import access_moment

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_LINE = re.compile(
    r"(?:((?:[^\s:]+|\[[^\s\]]+\]):\d{1,5}) )?(\S+) (\S+) (\S+|\S.*?\S) "
    rf"\[([^\]]{{20,32}})\] {_QUOTED} (\d{{3}}) (\d+|-)"
    rf"(?: {_QUOTED} {_QUOTED}(?: (.*))?)?\Z",
    re.ASCII,
)
# What nearly every line is: no site, no identity, nothing escaped. Matching it takes a fourth of the time.
_USUAL = re.compile(
    r'([^\s:]+|[\da-f:.]+) - (\S+) \[([^\]]{20,32})\] "([^"\\]*)" (\d{3}) (\d+|-)'
    r'(?: "([^"\\]*)" "([^"\\]*)"(?: (.*))?)?\Z',
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
    if '] "' not in text:
        return None
    if found := _USUAL.match(text):
        client, user, when, request, status, size, referer, agent, more = found.groups()
        return _entry(origin, when, request, int(status), more, _said(client, user, size, referer, agent, more))
    found = _LINE.match(text)
    if found is None:
        return None
    site, client, identity, user, when, request, status, size, referer, agent, more = found.groups()
    attributes = _said(client, user, size, _unescape(referer), _unescape(agent), more)
    attributes |= {name: one for name, one in (("site", site), ("identity", identity)) if one and one != "-"}
    return _entry(origin, when, _unescape(request) or "", int(status), more, attributes)


def _entry(
    origin: Origin, when: str, request: str, status: int, more: str | None, attributes: dict[str, str]
) -> LogEntry | None:
    moment = access_moment(when)
    if moment is None:
        return None
    took = _SECONDS.search(more) if more else None
    return LogEntry(
        timestamp=moment,
        severity=severity_of_status(status),
        service=origin.service,
        host=origin.host,
        device_type="application",
        message=request,
        latency_ms=float(took[1]) * 1000 if took else None,
        status=status,
        source=origin.source,
        attributes=attributes,
    )


def _said(
    client: str, user: str, size: str, referer: str | None, agent: str | None, more: str | None
) -> dict[str, str]:
    """Returns what a line says besides; what is absent is ``-``."""
    said = {}
    if client != "-":
        said["client"] = client
    if user != "-":
        said["user"] = user
    if size != "-":
        said["bytes"] = size
    if referer and referer != "-":
        said["referer"] = referer
    if agent and agent != "-":
        said["user_agent"] = agent
    if more and more != "-":
        said["more"] = more
    return said


def _unescape(text: str | None) -> str | None:
    if text is None or "\\" not in text:
        return text
    return _ESCAPE.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    code = found[1]
    return chr(int(code[1:], 16)) if len(code) == 3 else _PLAIN.get(code, code)
