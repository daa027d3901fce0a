"""How frames move: entering a state, beginning its work, leaving it, and failing."""

from __future__ import annotations

import random
from typing import Any, Literal

import msgspec

from penstock.states import failures
from penstock.states.choice import is_number, timestamp
from penstock.states.commands import CancelTask, CancelTimer, Command, Finish, InvokeTask, StartTimer
from penstock.states.context import context_object
from penstock.states.execution import Caught, ExecutionState, Frame, HistoryEntry, Outstanding
from penstock.states.failures import StateFailedError
from penstock.states.machine import Retrier, State

_encode = msgspec.json.Encoder().encode
ENDED = frozenset({"Succeed", "Fail"})


class Runner:
    """Moves one execution for one event, and collects commands and history."""

    def __init__(self, state: ExecutionState, at: float, history: bool) -> None:
        self.state = state
        self.at = at
        self.commands: list[Command] = []
        self.history: list[HistoryEntry] = []
        self._telling = history

    # -- moving -------------------------------------------------------------------------------------

    def enter(self, frame: Frame, name: str, value: Any) -> None:
        """Goes to a state, and on through states that need nobody, until something is awaited."""
        following: str | None = name
        while following is not None and self.state.status == "RUNNING":
            state = frame.machine.states[following]
            frame.state, frame.value, frame.entered_at = state, value, self.at
            frame.visit += 1
            frame.number = frame.visit
            frame.attempt = 0
            frame.retries = [0] * len(state.retriers)
            self.tell(f"{state.type}StateEntered", frame, input=value)
            try:
                following, value = self._work(frame, state)
            except StateFailedError as failure:
                following, value = self._failed(frame, failure.error, failure.cause)

    def begin(self, frame: Frame, *, is_again: bool = False) -> None:
        """Does a state's work again: after a retry's pause, or a redrive."""
        state = _state_of(frame)
        if is_again:
            frame.attempt += 1
        try:
            following, value = self._work(frame, state)
        except StateFailedError as failure:
            following, value = self._failed(frame, failure.error, failure.cause)
        if following is not None:
            self.enter(frame, following, value)

    def leave(self, frame: Frame, result: Any) -> None:
        """Leaves a state with its result."""
        try:
            following, value = self._left(frame, result)
        except StateFailedError as failure:
            following, value = self._failed(frame, failure.error, failure.cause)
        if following is not None:
            self.enter(frame, following, value)

    def fail(self, frame: Frame, error: str, cause: str) -> None:
        """Lets a state fail: it is retried, caught, or takes its frame with it."""
        following, value = self._failed(frame, error, cause)
        if following is not None:
            self.enter(frame, following, value)

    # -- one state ----------------------------------------------------------------------------------

    def _work(self, frame: Frame, state: State) -> tuple[str | None, Any]:
        """Does a state's work; returns where to go on and with what, or (None, None) when something is awaited."""
        context = self._context(frame)
        effective = state.input(frame.value, context)
        if state.parameters is not None:
            effective = state.parameters(effective, context)
        frame.effective = effective
        match state.type:
            case "Task":
                self._invoke(frame, state)
            case "Parallel":
                self._branch(frame, state)
            case "Wait":
                self._timer(frame, "wait", self._wait_until(frame, state))
            case "Choice":
                return self._choose(frame, state)
            case "Fail":
                error = "" if state.error is None else _text(state.error(effective, context), "Error")
                cause = "" if state.cause is None else _text(state.cause(effective, context), "Cause")
                return self._failed(frame, error, cause)
            case _:
                return self._left(frame, state.result if state.has_result else effective)
        return None, None

    def _invoke(self, frame: Frame, state: State) -> None:
        key = self._key(frame)
        token = f"{key}#{frame.attempt}"
        context = self._context(frame)
        timeout = _span(state.timeout, frame, context, "TimeoutSeconds")
        heartbeat = _span(state.heartbeat, frame, context, "HeartbeatSeconds")
        command = InvokeTask(
            token=token,
            key=key,
            state_name=state.name,
            resource=state.resource,
            input=frame.effective,
            attempt=frame.attempt,
            timeout_seconds=timeout,
            heartbeat_seconds=heartbeat,
        )
        self._check_size(frame.effective, "The input of the task")
        self.tell("TaskScheduled", frame, resource=state.resource, parameters=frame.effective, token=token)
        self._await(frame, "task", token, command)
        if timeout is not None:
            self._timer(frame, "timeout", self.at + timeout)
        if heartbeat is not None:
            self._timer(frame, "heartbeat", self.at + heartbeat)

    def _branch(self, frame: Frame, state: State) -> None:
        base = f"{frame.path}{frame.number}.{frame.attempt}."
        children = [Frame(f"{base}{i}/", branch, frame, i) for i, branch in enumerate(state.branches)]
        frame.children, frame.results, frame.waiting = children, [None] * len(children), len(children)
        self.tell("ParallelStateStarted", frame)
        for child in children:
            # A branch that failed at once may have taken the whole state with it.
            if frame.children is not children or self.state.status != "RUNNING" or frame.failure is not None:
                return
            child.value = frame.effective
            self.enter(child, child.machine.start_at, frame.effective)

    def _choose(self, frame: Frame, state: State) -> tuple[str | None, Any]:
        context = self._context(frame)
        following = next((name for test, name in state.rules if test(frame.effective, context)), state.default)
        if following is None:
            cause = f"Choice state {state.name!r}: no rule holds, and there is no Default"
            raise StateFailedError(failures.NO_CHOICE_MATCHED, cause)
        output = state.output(frame.effective, context)
        self.tell("ChoiceStateExited", frame, output=output)
        return following, output

    def _wait_until(self, frame: Frame, state: State) -> float:
        context = self._context(frame)
        if state.moment is not None:
            text = state.moment(frame.effective, context)
            moment = timestamp(text)
            if moment is None:
                raise StateFailedError(failures.RUNTIME, f"Wait state {state.name!r}: {text!r} is no timestamp")
            return moment
        span = _span(state.seconds, frame, context, "Seconds")
        return self.at + (span or 0)

    def _left(self, frame: Frame, result: Any) -> tuple[str | None, Any]:
        state = _state_of(frame)
        context = self._context(frame)
        if state.select is not None:
            result = state.select(result, context)
        output = state.output(state.place(frame.value, result), context)
        self._check_size(output, f"The output of state {state.name!r}")
        self.tell(f"{state.type}StateExited", frame, output=output)
        if state.following is not None:
            return state.following, output
        return self._done(frame, output)

    def _done(self, frame: Frame, output: Any) -> tuple[None, None]:
        frame.is_done = True
        parent = frame.parent
        if parent is None:
            self.state.output = output
            self.finish("SUCCEEDED")
            return None, None
        parent.results[frame.index] = output
        parent.waiting -= 1
        if parent.waiting == 0:
            results, parent.children, parent.results = parent.results, [], []
            self.tell("ParallelStateSucceeded", parent)
            self.leave(parent, results)
        return None, None

    # -- failing ------------------------------------------------------------------------------------

    def _failed(self, frame: Frame, error: str, cause: str) -> tuple[str | None, Any]:
        state = _state_of(frame)
        from_branch = state.type == "Parallel" and bool(frame.children)
        if state.type == "Parallel":
            for child in frame.children:
                self.cancel(child)
            self.tell("ParallelStateFailed", frame, error=error, cause=cause)
        retrier = self._retrier(frame, state, error, from_branch)
        if retrier is not None:
            frame.children = []
            self._pause(frame, *retrier)
            return None, None
        for catcher in state.catchers:
            if failures.matches(catcher.errors, error, from_task=state.type == "Task", from_branch=from_branch):
                frame.caught = Caught(state, frame.number, frame.value, frame.children, frame.results, frame.waiting)
                frame.children = []
                value = catcher.place(frame.value, {"Error": error, "Cause": cause})
                self.tell(f"{state.type}StateExited", frame, output=value, caught=error)
                return catcher.following, value
        frame.failure = (error, cause)
        if frame.parent is not None:
            self.fail(frame.parent, error, cause)
        else:
            self.cancel_everything()
            self.finish("FAILED", error, cause)
        return None, None

    def _retrier(self, frame: Frame, state: State, error: str, from_branch: bool) -> tuple[Retrier, int] | None:
        for position, retrier in enumerate(state.retriers):
            if failures.matches(retrier.errors, error, from_task=state.type == "Task", from_branch=from_branch):
                used = frame.retries[position]
                if used >= retrier.max_attempts:
                    return None
                frame.retries[position] = used + 1
                return retrier, used
        return None

    def _pause(self, frame: Frame, retrier: Retrier, used: int) -> None:
        delay = retrier.interval_seconds * retrier.backoff_rate**used
        if retrier.max_delay_seconds is not None:
            delay = min(delay, retrier.max_delay_seconds)
        if retrier.full_jitter:
            delay = random.Random(f"{self._key(frame)}#{frame.attempt}").uniform(0, delay)
        frame.attempt += 1
        self._timer(frame, "retry", self.at + delay)

    def finish(
        self, status: Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"], error: str = "", cause: str = ""
    ) -> None:
        """Ends the execution."""
        state = self.state
        state.status, state.error, state.cause = status, error, cause
        clock = f"{state.seed}/execution/{state.redrives}"
        if clock in state.outstanding:
            del state.outstanding[clock]
            self.commands.append(CancelTimer(clock))
        names = {"SUCCEEDED": "Succeeded", "FAILED": "Failed", "TIMED_OUT": "TimedOut", "ABORTED": "Aborted"}
        detail = {"output": state.output} if status == "SUCCEEDED" else {"error": error, "cause": cause}
        self.tell(f"Execution{names[status]}", "", **detail)
        self.commands.append(
            Finish(status=status, output=state.output if status == "SUCCEEDED" else None, error=error, cause=cause)
        )

    # -- what is awaited ----------------------------------------------------------------------------

    def start_clock(self) -> None:
        """Starts the timer of the whole execution, if the machine has a timeout."""
        state = self.state
        if state.machine.timeout_seconds is not None and state.root is not None:
            token = f"{state.seed}/execution/{state.redrives}"
            command = StartTimer(token, self.at + state.machine.timeout_seconds)
            state.outstanding[token] = Outstanding(state.root, "execution", command)
            self.commands.append(command)

    def restart_heartbeat(self, frame: Frame) -> None:
        """Gives a task another heartbeat's time."""
        state = _state_of(frame)
        span = _span(state.heartbeat, frame, self._context(frame), "HeartbeatSeconds")
        token = frame.tokens.pop("heartbeat")
        del self.state.outstanding[token]
        self.commands.append(CancelTimer(token))
        self._timer(frame, "heartbeat", self.at + (span or 0))

    def settle(self, frame: Frame) -> None:
        """Stops waiting for a frame's own task and timers: one of them has come."""
        for kind, token in frame.tokens.items():
            del self.state.outstanding[token]
            if kind in {"timeout", "heartbeat"}:
                self.commands.append(CancelTimer(token))
        frame.tokens.clear()

    def cancel(self, frame: Frame) -> None:
        """Stops waiting for anything in a frame and its branches."""
        for kind, token in frame.tokens.items():
            del self.state.outstanding[token]
            self.commands.append(CancelTask(token) if kind == "task" else CancelTimer(token))
        frame.tokens.clear()
        for child in frame.children:
            self.cancel(child)

    def cancel_everything(self) -> None:
        """Stops waiting for anything."""
        if self.state.root is not None:
            self.cancel(self.state.root)

    def _timer(self, frame: Frame, kind: str, due_at: float) -> None:
        number = f"{due_at!r}" if kind == "heartbeat" else frame.attempt
        token = f"{self._key(frame)}/{kind}/{number}"
        self._await(frame, kind, token, StartTimer(token, due_at))

    def _await(self, frame: Frame, kind: str, token: str, command: Command) -> None:
        frame.tokens[kind] = token
        self.state.outstanding[token] = Outstanding(frame, kind, command)
        self.commands.append(command)

    def _key(self, frame: Frame) -> str:
        return f"{self.state.seed}/{frame.path}{frame.number}"

    def _context(self, frame: Frame) -> Any:
        """Returns a function that makes the context object when a path asks for it, once."""
        made: list[dict[str, Any]] = []

        def context() -> dict[str, Any]:
            if not made:
                made.append(context_object(self.state, frame, self._key(frame)))
            return made[0]

        return context

    def _check_size(self, value: Any, what: str) -> None:
        if len(_encode(value)) > failures.PAYLOAD_LIMIT_BYTES:
            raise StateFailedError(failures.DATA_LIMIT_EXCEEDED, f"{what} is larger than 256 KiB")

    def tell(self, kind: str, where: Frame | str, **detail: Any) -> None:
        """Adds to the history, if anybody wants it."""
        if self._telling:
            name = where if isinstance(where, str) else _state_of(where).name
            self.history.append(HistoryEntry(kind, self.at, name, detail))


def _state_of(frame: Frame) -> State:
    if frame.state is None:
        raise ValueError("the frame has entered no state")
    return frame.state


def _span(resolve: Any, frame: Frame, context: Any, name: str) -> float | None:
    if resolve is None:
        return None
    value = resolve(frame.effective, context)
    if not is_number(value) or value < 0:
        raise StateFailedError(failures.RUNTIME, f"{name} must be a number of seconds, not {value!r}")
    return float(value)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise StateFailedError(failures.RUNTIME, f"{name} must be text, not {value!r}")
    return value
