"""What a Task calls, with which role, and how long it may take.

https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from penstock.errors import Finding
from penstock.states import jsonata
from penstock.states.choice import is_number
from penstock.states.lint.language import INPUT, expressions
from penstock.states.lint.paths import template
from penstock.states.lint.words import shown, unknown_fields

PARTITION = r"arn:aws[a-z-]*"
FUNCTION = re.compile(PARTITION + r":lambda:[a-z0-9-]+:[0-9]+:function:[^:\s]+(:[^:\s]+)?")
ACTIVITY = re.compile(PARTITION + r":states:[a-z0-9-]+:[0-9]+:activity:[^:\s]+")
INTEGRATION = re.compile(
    PARTITION + r":states:[a-z0-9-]*:[0-9]*:(?P<service>[a-z0-9-]+):(?P<action>[A-Za-z0-9]+)(?P<form>\..*)?"
)
SDK_CALL = re.compile(PARTITION + r":states:[a-z0-9-]*:[0-9]*:aws-sdk:[a-z0-9]+:[A-Za-z0-9]+(?P<form>\..*)?")
FORMS = (".sync", ".sync:2", ".waitForTaskToken")
ROLE = re.compile(PARTITION + r":iam::[0-9]+:role/.+")
SUCH_AS = "such as arn:aws:states:::lambda:invoke"


def check_task(state: dict[str, Any], where: str, *, is_jsonata: bool) -> Iterator[Finding]:
    """Yields what is wrong with a Task's resource, role and times. Which actions a service has is not looked at."""
    if "Resource" in state:
        yield from _resource(state["Resource"], f"{where}.Resource")
    if "Credentials" in state:
        yield from _credentials(state["Credentials"], f"{where}.Credentials", is_jsonata=is_jsonata)
    timeout, heartbeat = state.get("TimeoutSeconds"), state.get("HeartbeatSeconds")
    if timeout is not None and heartbeat is not None and _is_longer(heartbeat, timeout):
        yield Finding(f"{where}.HeartbeatSeconds", "value", "a heartbeat is shorter than the timeout", "lower it")


def _is_longer(heartbeat: Any, timeout: Any) -> bool:
    return is_number(timeout) and is_number(heartbeat) and bool(heartbeat >= timeout)


def _resource(resource: Any, where: str) -> Iterator[Finding]:
    if not isinstance(resource, str):
        yield Finding(where, "type", "Resource is text", SUCH_AS)
        return
    if not resource:
        yield Finding(where, "value", "Resource is empty", "name what is to be called")
        return
    if FUNCTION.fullmatch(resource) or ACTIVITY.fullmatch(resource):
        return
    call = SDK_CALL.fullmatch(resource)
    if call:
        yield from _form(call["form"] or "", (".waitForTaskToken",), "a call of the SDK", where)
        return
    call = INTEGRATION.fullmatch(resource)
    if call is None or call["service"] in {"aws-sdk", "activity"}:
        message = f"{shown(resource)} is no ARN of a function, an activity or an integration"
        yield Finding(where, "resource", message, SUCH_AS)
        return
    is_execution = (call["service"], call["action"]) == ("states", "startExecution")
    forms = FORMS if is_execution else (".sync", ".waitForTaskToken")
    yield from _form(call["form"] or "", forms, f"{call['service']}:{call['action']}", where)


def _form(form: str, forms: tuple[str, ...], what: str, where: str) -> Iterator[Finding]:
    if form and form not in forms:
        message = f"{what} cannot be called with {shown(form)}"
        yield Finding(where, "resource", message, f"{', '.join(forms)} or nothing")


def _credentials(credentials: Any, where: str, *, is_jsonata: bool) -> Iterator[Finding]:
    if is_jsonata and jsonata.is_expression(credentials):
        yield from expressions(credentials, where, INPUT)
        return
    if not isinstance(credentials, dict):
        yield Finding(where, "type", "Credentials is a JSON object", 'write {"RoleArn": …}')
        return
    known = {"RoleArn"} if is_jsonata else {"RoleArn", "RoleArn.$"}
    yield from unknown_fields(credentials, known, where)
    if not any(name in credentials for name in known):
        yield Finding(where, "required", "Credentials name a role", 'add "RoleArn"')
    yield from expressions(credentials, where, INPUT) if is_jsonata else template(credentials, where)
    role = credentials.get("RoleArn", "arn:aws:iam::0:role/any")
    is_role = isinstance(role, str) and ROLE.fullmatch(role) is not None
    if not is_role and not (is_jsonata and jsonata.is_expression(role)):
        yield Finding(
            f"{where}.RoleArn", "value", f"{shown(role)} is no role", "such as arn:aws:iam::123456789012:role/R"
        )
