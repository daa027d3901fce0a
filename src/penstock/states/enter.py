"""How frames move: entering a state, doing its work, leaving it, and failing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.states import failures
from penstock.states.choice import timestamp
from penstock.states.execution import Caught, ExecutionState, Frame
from penstock.states.failures import StateFailedError, check_size
from penstock.states.flow import Finish
from penstock.states.iterate import begin_map, end_iteration, iteration_input
from penstock.states.machine import State
from penstock.states.missing import shown
from penstock.states.retry import next_retry, pause_seconds
from penstock.states.task import check_result, invoke, seconds
from penstock.states.turn import Turn, map_name, state_of, whole_cause

Onward = tuple[str | None, Any]
"""Where a frame goes on and with what; (None, None) when it waits, or is at its end."""
STAY: Onward = (None, None)
# States with frames inside.
AROUND = frozenset({"Parallel", "Map"})


class Runner(Turn):
    """Moves one execution for one event.

    A move that follows from another, such as a Parallel's end from its last branch's, is put on an agenda instead of
    being called: an execution of any length takes the same few stack frames.
    """

    def __init__(self, state: ExecutionState, at: float, history: bool) -> None:
        super().__init__(state, at, history)
        self._agenda: list[tuple[Frame, Callable[..., Onward], tuple[Any, ...]]] = []

    # -- moves that may be asked for ----------------------------------------------------------------

    def enter(self, frame: Frame, name: str, value: Any) -> None:
        """Lets a frame enter a state."""
        self._agenda.append((frame, lambda frame, name, value: (name, value), (name, value)))

    def begin_iteration(self, frame: Frame) -> None:
        """Lets a Map's iteration begin."""
        self._agenda.append((frame, self._iterate, ()))

    def begin(self, frame: Frame) -> None:
        """Lets a frame do its state's work again."""
        self._agenda.append((frame, lambda frame: self._work(frame, state_of(frame)), ()))

    def leave(self, frame: Frame, result: Any) -> None:
        """Lets a frame leave its state with a result."""
        self._agenda.append((frame, self._left, (result,)))

    def fail(self, frame: Frame, error: str, cause: str, known_as: str = "") -> None:
        """Lets a frame's state fail: it is retried, caught, or takes its frame with it.

        Args:
            known_as: under which name Retry and Catch know the error, if it is another than the one that is told.
        """
        self._agenda.append((frame, self._failed, (error, cause, known_as)))

    def resume(self, frame: Frame) -> None:
        """Lets a frame go on after a redrive. Branches that are done stay done; retries count anew."""
        self._agenda.append((frame, self._resumed, ()))

    def run(self) -> None:
        """Makes all moves, until everything waits or the execution is over."""
        try:
            while self._agenda and self.state.status == "RUNNING":
                frame, move, arguments = self._agenda.pop()
                following, value = self._guarded(frame, move, *arguments)
                while following is not None:
                    self._arrive(frame, following, value)
                    following, value = self._guarded(frame, self._work, state_of(frame))
        except failures.HistoryFullError:
            self.end_full()

    def end_full(self) -> None:
        """Fails the execution because its history has room for no other event."""
        root = self.state.root
        if root is not None:
            root.last = self.state.told
            self.end(root, failures.RUNTIME, failures.HISTORY_LIMIT_CAUSE)

    def _guarded(self, frame: Frame, move: Callable[..., Onward], *arguments: Any) -> Onward:
        try:
            return move(frame, *arguments)
        except StateFailedError as failure:
            cause = self._told_cause(frame, failure)
            return (
                self.end(frame, failure.error, cause)
                if failure.is_terminal
                else self._failed(frame, failure.error, cause)
            )

    def _told_cause(self, frame: Frame, failure: StateFailedError) -> str:
        """Returns a failure's whole cause; the history tells of an expression that failed."""
        cause = whole_cause(frame, failure)
        if failure.location:
            name = state_of(frame).name
            self.tell(
                "EvaluationFailed", frame, error=failure.error, cause=cause, location=failure.location, state=name
            )
        return cause

    # -- one state ----------------------------------------------------------------------------------

    def _arrive(self, frame: Frame, name: str, value: Any) -> None:
        state = frame.machine.states[name]
        frame.state, frame.value, frame.entered_at = state, value, self.at
        frame.visit += 1
        self.state.transitions += 1
        frame.number = frame.visit
        frame.attempt = 0
        frame.retries = [0] * len(state.retriers)
        frame.map_run = None
        self.tell(f"{state.type}StateEntered", frame, name=name, input=value)
        frame.entered = frame.last

    def _work(self, frame: Frame, state: State) -> Onward:
        context = self.context(frame, "input")
        frame.effective = effective = state.begin(frame.value, context)
        match state.type:
            case "Task":
                invoke(self, frame, state)
            case "Parallel":
                self._branch(frame, state)
            case "Map":
                begin_map(self, frame, state)
            case "Wait":
                self.start_timer(frame, "wait", self._wait_until(frame, state))
            case "Choice":
                return self._choose(frame, state)
            case "Fail":
                error = "" if state.error is None else _text(state.error(frame.value, context), "Error")
                cause = "" if state.cause is None else _text(state.cause(frame.value, context), "Cause")
                return self._failed(frame, error, cause)
            case _:
                return self._left(frame, state.result if state.has_result else effective)
        return STAY

    def _branch(self, frame: Frame, state: State) -> None:
        base = f"{frame.path}{frame.number}.{frame.attempt}."
        self.tell("ParallelStateStarted", frame)
        children = [
            Frame(
                f"{base}{number}/", branch, frame, number,
                value=frame.effective, scope=frame.scope.inner(), last=frame.last,
            )
            for number, branch in enumerate(state.branches)
        ]  # fmt: skip
        frame.children, frame.results, frame.waiting = children, [None] * len(children), len(children)
        for child in reversed(children):
            self.enter(child, child.machine.start_at, frame.effective)

    def _iterate(self, frame: Frame) -> Onward:
        parent = frame.parent
        if parent is None or frame.item is None:
            return STAY
        self.tell("MapIterationStarted", frame, name=map_name(frame), index=frame.index)
        try:
            frame.value = iteration_input(self, parent, frame, state_of(parent))
        except StateFailedError as failure:
            # The selector is the Map's own, so that the Map fails and not its item.
            parent.last = frame.last
            self.fail(parent, failure.error, self._told_cause(parent, failure))
            return STAY
        return frame.machine.start_at, frame.value

    def _choose(self, frame: Frame, state: State) -> Onward:
        context = self.context(frame, "choice")
        rule = next((rule for rule in state.rules if rule.test(frame.effective, context)), None)
        following = state.default if rule is None else rule.following
        if following is None:
            cause = "Failed to transition out of the state. The state does not point to a next state."
            raise StateFailedError(failures.RUNTIME, cause)
        finish = state.finish if rule is None or rule.output is None else rule.output
        assign = state.assign if rule is None else rule.assign
        output = self._finished(frame, state, frame.effective, finish, assign)
        self._exit(frame, state, output, assign)
        return following, output

    def _wait_until(self, frame: Frame, state: State) -> float:
        context = self.context(frame, "time")
        if state.moment is not None:
            text = state.moment(frame.value, context)
            moment = timestamp(text)
            if moment is None:
                raise StateFailedError(failures.RUNTIME, f"Timestamp: {shown(text):.100} is no timestamp")
            return moment
        return self.at + (seconds(state.seconds, frame, state, context, "Seconds") or 0)

    def _finished(self, frame: Frame, state: State, result: Any, finish: Finish, assign: Finish | None) -> Any:
        """Returns a state's output, and sets its variables: all of both is evaluated before any is set."""
        value = frame.effective if state.type == "Choice" and not state.is_jsonata else frame.value
        output = finish(value, result, self.context(frame, "output"))
        check_size(output, f"The state/task '{state.name}' returned a result", is_terminal=True)
        if assign is not None:
            frame.assigned = assign(value, result, self.context(frame, "assign"))
            frame.scope = frame.scope.assign(frame.assigned)
        return output

    def _exit(self, frame: Frame, state: State, output: Any, assign: Finish | None, caught: str = "") -> None:
        details: dict[str, Any] = {"name": state.name, "output": output}
        if self.is_telling and assign is not None:
            details["assignedVariables"] = frame.assigned
        self.tell(f"{state.type}StateExited", frame, caught=caught, **details)

    def _left(self, frame: Frame, result: Any) -> Onward:
        state = state_of(frame)
        if state.type == "Wait":
            result = frame.effective
        elif state.type == "Task":
            check_result(state, result)
        output = self._finished(frame, state, result, state.finish, state.assign)
        self._exit(frame, state, output, state.assign)
        return (state.following, output) if state.following is not None else self._done(frame, output)

    def _done(self, frame: Frame, output: Any) -> Onward:
        frame.is_done = True
        parent = frame.parent
        if parent is None:
            self.state.output = output
            self.finish("SUCCEEDED")
            return STAY
        around = state_of(parent)
        if around.type == "Map":
            end_iteration(self, parent, frame, output, around)
            return STAY
        parent.results[frame.index] = output
        parent.waiting -= 1
        if parent.waiting == 0:
            parent.last = frame.last
            results, parent.children, parent.results = parent.results, [], []
            self.tell("ParallelStateSucceeded", parent)
            self.leave(parent, results)
        return STAY

    # -- failing ------------------------------------------------------------------------------------

    def _failed(self, frame: Frame, error: str, cause: str, known_as: str = "") -> Onward:
        if error == failures.RUNTIME:
            return self.end(frame, error, cause)
        state = state_of(frame)
        from_branch = state.type == "Parallel" and bool(frame.children)
        if state.type in AROUND:
            self._stop_branches(frame)
        known = known_as or error
        retry = next_retry(state.retriers, frame.retries, known, from_branch=from_branch)
        if retry is not None:
            frame.children, frame.items = [], []
            pause = pause_seconds(*retry, seed=f"{self.key(frame)}#{frame.attempt}")
            frame.attempt += 1
            self.state.transitions += 1
            frame.map_run = None
            self.start_timer(frame, "retry", self.at + pause)
            return STAY
        if state.type in AROUND:
            self.tell(f"{state.type}StateFailed", frame)
        for catcher in state.catchers:
            if failures.matches(catcher.errors, known, from_branch=from_branch):
                caught = Caught(
                    state, frame.number, frame.value, frame.children, frame.results, frame.waiting, frame.items,
                    frame.begun, frame.limit,
                )  # fmt: skip
                try:
                    described = {"Error": error, "Cause": cause}
                    value = self._finished(frame, state, described, catcher.output, catcher.assign)
                except StateFailedError as failure:
                    return self.end(frame, failure.error, self._told_cause(frame, failure))
                frame.caught, frame.children = caught, []
                self._exit(frame, state, value, catcher.assign, caught=error)
                return catcher.following, value
        self._give_way(frame, error, cause)
        return STAY

    def end(self, frame: Frame, error: str, cause: str) -> Onward:
        """Fails the execution from within: nothing around the frame has a say, and nothing else is told."""
        frame.failure = (error, cause)
        self._agenda.clear()
        if self.state.root is not None:
            self.state.root.last = frame.last
        self.finish("FAILED", error, cause)
        return STAY

    def _stop_branches(self, frame: Frame) -> None:
        for child in frame.children:
            self.abort(child)
        self._agenda = [entry for entry in self._agenda if not _is_within(entry[0], frame)]

    def _give_way(self, frame: Frame, error: str, cause: str) -> None:
        """A failure that nothing handles takes its frame with it: the Parallel around it fails, or the execution."""
        frame.failure = (error, cause)
        if frame.parent is not None:
            if frame.item is not None:
                self.tell("MapIterationFailed", frame, name=map_name(frame), index=frame.index)
            frame.parent.last = frame.last
            self.fail(frame.parent, error, cause)
        else:
            self.finish("FAILED", error, cause)

    # -- going on after a redrive -------------------------------------------------------------------

    def _resumed(self, frame: Frame) -> Onward:
        if frame.state is None:
            return self._iterate(frame) if frame.item is not None else (frame.machine.start_at, frame.value)
        frame.failure = None
        if frame.state.type == "Fail" and frame.caught is not None:
            # A Catch led here only to say so; what is to be put through again is the state that it caught.
            (
                frame.state, frame.number, frame.value, frame.children, frame.results, frame.waiting, frame.items,
                frame.begun, frame.limit,
            ) = frame.caught  # fmt: skip
            frame.caught = None
        frame.retries = [0] * len(frame.state.retriers)
        if frame.state.type in AROUND and frame.children:
            for child in reversed(frame.children):
                if not child.is_done:
                    self.resume(child)
            return STAY
        frame.attempt += 1
        self.state.transitions += 1
        return self._work(frame, frame.state)


def _is_within(frame: Frame, outer: Frame) -> bool:
    parent = frame.parent
    while parent is not None:
        if parent is outer:
            return True
        parent = parent.parent
    return False


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise StateFailedError(failures.RUNTIME, f"{name} must be text, not {shown(value):.100}")
    return value
