"""Tasks that wait for a token: which there are, and their answers from outside, as Step Functions' ``SendTask…`` are.

An answer goes into its execution's mailbox in the transaction that found the task waiting, so that of two answers one
is accepted. https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from penstock import states
from penstock.errors import NotFoundError, PenstockError, UsageError
from penstock.model.integrations import Pattern
from penstock.ports.journal import Execution, Filter, Journal, Status
from penstock.runtime.calls import called
from penstock.runtime.replay import decode_event, history, replay

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html, …/API_SendTaskFailure.html
OUTPUT_LIMIT_BYTES = 262_144
ERROR_LIMIT_CHARACTERS = 256
CAUSE_LIMIT_CHARACTERS = 32_768
EVERYTHING = 10_000_000
HINT = "`penstock token list` lists the tasks that wait"


class WaitingTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task that waits for a token. Times are in seconds since the epoch.

    Attributes:
        since: when its state was entered.
        heartbeat_due_at: until when it must be heard of; None if it has no HeartbeatSeconds.
        due_at: when it, or its execution, times out; None if neither has a TimeoutSeconds.
    """

    token: str
    execution: str
    pipeline: str
    workflow: str
    state: str
    resource: str
    since: float
    heartbeat_due_at: float | None = None
    due_at: float | None = None

    def has_timed_out(self, now: float) -> bool:
        """Tells whether it is too late, even if no process has noticed yet."""
        return any(moment is not None and moment <= now for moment in (self.heartbeat_due_at, self.due_at))


def succeed(journal: Journal, token: str, output: bytes, now: float) -> WaitingTask:
    """Answers a waiting task with an output, a JSON document; returns the task.

    Raises:
        UsageError: ``InvalidOutput``, or ``InvalidToken``: it is no token of a task that waits for one.
        NotFoundError: ``TaskDoesNotExist``, or ``TaskTimedOut``: the token has expired or was answered.
    """
    try:
        value = msgspec.json.decode(output)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _refused("InvalidOutput", f"the output is no JSON: {error}", UsageError, "give a JSON document") from None
    if len(output) > OUTPUT_LIMIT_BYTES:
        cause = f"the output has {len(output)} bytes; at most {OUTPUT_LIMIT_BYTES} are taken"
        raise _refused("InvalidOutput", cause, UsageError, "keep the data in the lake and give its key")
    return _answer(journal, states.TaskSucceeded(token=token, output=value, at=now), now)


def fail(journal: Journal, token: str, now: float, *, error: str = "", cause: str = "") -> WaitingTask:
    """Answers a waiting task with an error, which Retry and Catch see; returns the task. Raises as ``succeed`` does."""
    for name, text, limit in (("error", error, ERROR_LIMIT_CHARACTERS), ("cause", cause, CAUSE_LIMIT_CHARACTERS)):
        if len(text) > limit:
            raise UsageError(f"the {name} has {len(text)} characters; at most {limit} are taken", hint="shorten it")
    return _answer(journal, states.TaskFailed(token=token, error=error, cause=cause, at=now), now)


def heartbeat(journal: Journal, token: str, now: float) -> WaitingTask:
    """Says that a waiting task is alive: it is given another HeartbeatSeconds. Raises as ``succeed`` does."""
    return _answer(journal, states.TaskHeartbeat(token=token, at=now), now)


def waiting_tasks(journal: Journal) -> Iterator[WaitingTask]:
    """Yields every task that waits for a token, newest execution first."""
    machines: dict[str, states.Machine | None] = {}
    for execution in journal.find(Filter(statuses=(Status.RUNNING,), with_map_children=True, limit=EVERYTHING)):
        version = execution.version
        if version not in machines:
            document = journal.definition(version)
            waits = Pattern.WAIT_FOR_CALLBACK.encode() in document
            machines[version] = states.parse(document) if waits else None
        machine = machines[version]
        if machine is not None:
            yield from _tasks(journal, execution, machine)


def _answer(journal: Journal, event: Any, now: float) -> WaitingTask:
    with journal.transaction():
        task = _find(journal, event.token, now)
        if not journal.post(task.execution, msgspec.json.encode(event)):
            raise _closed(event.token)
    return task


def _find(journal: Journal, token: str, now: float) -> WaitingTask:
    """Returns the task that waits for a token, and was not answered yet."""
    id_, slash, _ = token.partition("/")
    if not slash or not id_:
        raise _refused("InvalidToken", f"{token!r:.100} is no task token", UsageError, HINT)
    execution = _execution(journal, id_, token)
    machine = states.parse(journal.definition(execution.version))
    found = next((task for task in _tasks(journal, execution, machine) if task.token == token), None)
    if found is not None:
        answered = (decode_event(mail.event) for mail in journal.mailbox(execution.id))
        ends = any(isinstance(one, _ENDS) and getattr(one, "token", token) == token for one in answered)
        if ends or found.has_timed_out(now):
            raise _closed(token)
        return found
    entries = history(execution, machine, journal.events(execution.id))
    scheduled = next((entry for entry in entries if entry.token == token), None)
    if scheduled is None:
        raise _refused("TaskDoesNotExist", f"execution {execution.id} has no task {token!r}", NotFoundError, HINT)
    if not str(scheduled.details.get("resource", "")).endswith(Pattern.WAIT_FOR_CALLBACK):
        message = f"state {scheduled.state_name!r} does not wait for a token"
        hint = f"only a Resource that ends in {Pattern.WAIT_FOR_CALLBACK.value} does"
        raise _refused("InvalidToken", message, UsageError, hint)
    raise _closed(token)


_ENDS = (states.TaskSucceeded, states.TaskFailed, states.Stopped)


def _execution(journal: Journal, id_: str, token: str) -> Execution:
    try:
        found = journal.get(id_)
    except PenstockError:
        found = None
    if found is None or found.id != id_:
        raise _refused("TaskDoesNotExist", f"there is no execution {id_!r} for token {token!r}", NotFoundError, HINT)
    return found


def _tasks(journal: Journal, execution: Execution, machine: states.Machine) -> list[WaitingTask]:
    """Returns the tasks of one execution that wait for tokens."""
    if execution.status is not Status.RUNNING:
        return []
    state = replay(execution, machine, journal.events(execution.id)).state
    commands = {token: entry.command for token, entry in state.outstanding.items()}
    timers = {token: command.due_at for token, command in commands.items() if isinstance(command, states.StartTimer)}
    whole = [timers[token] for token, entry in state.outstanding.items() if entry.kind == "execution"]
    tasks = []
    for token, command in commands.items():
        service = called(command.resource) if isinstance(command, states.InvokeTask) else None
        if not isinstance(command, states.InvokeTask) or service is None or not service.waits:
            continue
        frame = state.outstanding[token].frame
        ends = [*whole, *(timers[frame.tokens[kind]] for kind in ("timeout",) if kind in frame.tokens)]
        tasks.append(
            WaitingTask(
                token=token,
                execution=execution.id,
                pipeline=execution.pipeline,
                workflow=execution.workflow,
                state=command.state_name,
                resource=command.resource,
                since=frame.entered_at,
                heartbeat_due_at=timers.get(frame.tokens.get("heartbeat", "")),
                due_at=min(ends, default=None),
            )
        )
    return tasks


def _closed(token: str) -> PenstockError:
    # https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html#API_SendTaskSuccess_Errors
    message = "the task token has either expired or the task associated with the token has already been closed"
    return _refused("TaskTimedOut", f"{message}: {token}", NotFoundError, HINT)


def _refused(name: str, message: str, kind: type[PenstockError], hint: str) -> PenstockError:
    return kind(f"{name}: {message}", hint=hint, aws_error=name)
