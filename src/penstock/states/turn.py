"""One event's turn of an execution: what it asks for, what there is to tell, and what is awaited afterwards."""

from __future__ import annotations

from typing import Any, Literal

from penstock.states.commands import CancelTask, CancelTimer, Command, Finish, StartTimer
from penstock.states.context import context_object
from penstock.states.execution import ExecutionState, Frame, Outstanding
from penstock.states.failures import CAUSE_LIMIT_CHARACTERS, HISTORY_LIMIT, HistoryFullError, StateFailedError
from penstock.states.history import HistoryEntry, called
from penstock.states.intrinsics.functions import Entropy
from penstock.states.jsonata import Bindings
from penstock.states.machine import State

# Events that the next one of their machine does not follow from.
ASIDE = ("StateSucceeded", "MapRunSucceeded", "MapIterationFailed", "StateAborted")
# The execution's own events that follow from no other.
UNLINKED = frozenset({"TimedOut", "Aborted"})
# Kinds of outstanding that somebody else answers.
ANSWERED = frozenset({"task", "map"})
ENDINGS = {"SUCCEEDED": "Succeeded", "FAILED": "Failed", "TIMED_OUT": "TimedOut", "ABORTED": "Aborted"}


class Surroundings:
    """The context object, variables and random values, each made when it is asked for: most states ask for none."""

    __slots__ = ("_at", "_entropy", "_frame", "_made", "_phase", "_state")

    def __init__(self, state: ExecutionState, frame: Frame, phase: str, at: float) -> None:
        self._state = state
        self._frame = frame
        self._phase = phase
        self._at = at
        self._made: dict[str, Any] | None = None
        self._entropy: Entropy | None = None

    @property
    def variables(self) -> dict[str, Any]:
        """The variables that can be read."""
        return self._frame.scope.visible()

    @property
    def entropy(self) -> Entropy:
        """What random values are drawn from."""
        if self._entropy is None:
            self._entropy = Entropy(self._seed)
        return self._entropy

    def bindings(self, value: Any, **states: Any) -> Bindings:
        """Returns what a JSONata expression sees.

        Args:
            value: the state's input.
            states: ``result`` or ``errorOutput``, where there is one.
        """
        return Bindings({"input": value, "context": self, **states}, self.variables, self._at, self._seed)

    def __call__(self) -> dict[str, Any]:
        if self._made is None:
            self._made = context_object(self._state, self._frame, visit_key(self._state, self._frame))
        return self._made

    @property
    def _seed(self) -> str:
        return f"{visit_key(self._state, self._frame)}#{self._frame.attempt}/{self._phase}"


class Turn:
    """Collects commands and history, and keeps the account of outstanding tasks and timers."""

    def __init__(self, state: ExecutionState, at: float, history: bool) -> None:
        self.state = state
        self.at = at
        self.commands: list[Command] = []
        self.history: list[HistoryEntry] = []
        self.is_telling = history

    def tell(self, kind: str, frame: Frame, *, token: str = "", caught: str = "", **details: Any) -> None:
        """Adds to the history what happened in a frame's state. It is counted always, and built if anybody wants it.

        Raises:
            HistoryFullError: there is room for the execution's end only.
        """
        number = self.state.told + 1
        if number >= HISTORY_LIMIT:
            raise HistoryFullError
        self.state.told = number
        if self.is_telling:
            name = "" if frame.state is None else frame.state.name
            self.history.append(HistoryEntry(number, frame.last, kind, self.at, name, details, token, caught))
        if not kind.endswith(ASIDE):
            frame.last = number

    def tell_task(self, frame: Frame, happened: str, *, token: str = "", **details: Any) -> None:
        """Adds to the history what happened to a task. Its type and details depend on what the task calls."""
        if not self.is_telling:
            self.tell(happened, frame)
            return
        words, named = called(state_of(frame).resource)
        self.tell(f"{words}{happened}", frame, token=token, **named, **details)

    def tell_execution(self, happened: str, **details: Any) -> None:
        """Adds to the history what happened to the execution itself."""
        self.state.told = number = self.state.told + 1
        root = self.state.root
        if self.is_telling:
            last = 0 if root is None or happened in UNLINKED else root.last
            self.history.append(HistoryEntry(number, last, f"Execution{happened}", self.at, "", details))
        if root is not None:
            root.last = number

    def finish(
        self, status: Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"], error: str = "", cause: str = ""
    ) -> None:
        """Ends the execution, and stops what is still running of it."""
        state = self.state
        if state.root is not None:
            self.abandon(state.root)
        state.status, state.error, state.cause = status, error, cause
        clock = self._clock_token()
        if clock in state.outstanding:
            del state.outstanding[clock]
            self.commands.append(CancelTimer(clock))
        self.tell_execution(
            ENDINGS[status], **({"output": state.output} if status == "SUCCEEDED" else failure_details(error, cause))
        )
        self.commands.append(
            Finish(status=status, output=state.output if status == "SUCCEEDED" else None, error=error, cause=cause)
        )

    # -- timers -------------------------------------------------------------------------------------

    def start_clock(self) -> None:
        """Starts the timer of the whole execution, if the machine has a timeout."""
        state = self.state
        if state.machine.timeout_seconds is not None and state.root is not None:
            command = StartTimer(self._clock_token(), self.at + state.machine.timeout_seconds)
            state.outstanding[command.token] = Outstanding(state.root, "execution", command)
            self.commands.append(command)

    def start_heartbeat(self, frame: Frame, seconds: float) -> None:
        """Starts a task's heartbeat timer."""
        frame.beats += 1
        token = f"{self.key(frame)}#{frame.attempt}/heartbeat/{frame.beats}"
        self.wait_for(frame, "heartbeat", token, StartTimer(token, self.at + seconds))

    def restart_heartbeat(self, frame: Frame, seconds: float) -> None:
        """Gives a task another heartbeat's time."""
        token = frame.tokens.pop("heartbeat")
        del self.state.outstanding[token]
        self.commands.append(CancelTimer(token))
        self.start_heartbeat(frame, seconds)

    def start_timer(self, frame: Frame, kind: str, due_at: float) -> None:
        """Starts the one timer of its kind that an attempt has."""
        token = f"{self.key(frame)}/{kind}/{frame.attempt}"
        self.wait_for(frame, kind, token, StartTimer(token, due_at))

    # -- what is awaited ----------------------------------------------------------------------------

    def wait_for(self, frame: Frame, kind: str, token: str, command: Command) -> None:
        """Asks for something that an event will answer."""
        frame.tokens[kind] = token
        self.state.outstanding[token] = Outstanding(frame, kind, command)
        self.commands.append(command)

    def settle(self, frame: Frame) -> None:
        """Stops waiting for a frame's own task and timers: one of them has come."""
        for kind, token in frame.tokens.items():
            del self.state.outstanding[token]
            if kind in {"timeout", "heartbeat"}:
                self.commands.append(CancelTimer(token))
        frame.tokens.clear()

    def give_up(self, frame: Frame) -> None:
        """Stops waiting for a frame's own task and timers, which are not wanted any more."""
        for kind, token in frame.tokens.items():
            del self.state.outstanding[token]
            self.commands.append(CancelTask(token) if kind in ANSWERED else CancelTimer(token))
        frame.tokens.clear()

    def abort(self, frame: Frame) -> None:
        """Stops a frame and its branches wherever they stand. What is done, failed or not begun stays so."""
        if frame.is_done or frame.state is None or frame.failure is not None:
            return
        has_map_run = "map" in frame.tokens
        self.give_up(frame)
        for child in frame.children:
            self.abort(child)
        if has_map_run:
            self.tell("MapRunAborted", frame)
        self.tell(f"{frame.state.type}StateAborted", frame)
        if frame.item is not None:
            self.tell("MapIterationAborted", frame, name=map_name(frame), index=frame.index)

    def abandon(self, frame: Frame) -> None:
        """Stops a frame and its branches and tells nothing of it: the execution's end says enough."""
        self.give_up(frame)
        for child in frame.children:
            self.abandon(child)

    # -- names --------------------------------------------------------------------------------------

    def key(self, frame: Frame) -> str:
        """Returns what names this visit of the frame's state, over all of its attempts."""
        return visit_key(self.state, frame)

    def context(self, frame: Frame, phase: str) -> Surroundings:
        """Returns what paths and functions of a frame's state may ask for.

        Args:
            phase: names what is being done; each draws random values of its own, which a replay draws again.
        """
        return Surroundings(self.state, frame, phase, self.at)

    def _clock_token(self) -> str:
        return f"{self.state.seed}/execution/{self.state.redrives}"


def visit_key(state: ExecutionState, frame: Frame) -> str:
    """Returns what names the visit of a frame's present state, over all of its attempts."""
    return f"{state.seed}/{frame.path}{frame.number}"


def state_of(frame: Frame) -> State:
    """Returns the state that a frame is in."""
    if frame.state is None:
        raise ValueError("the frame has entered no state")
    return frame.state


def map_name(frame: Frame) -> str:
    """Returns the name of the Map that an iteration belongs to."""
    return "" if frame.parent is None else state_of(frame.parent).name


def failure_details(error: str, cause: str) -> dict[str, str]:
    """Returns how the history tells an error: what is empty is left out."""
    return {name: text for name, text in (("error", error), ("cause", cause)) if text}


def whole_cause(frame: Frame, failure: StateFailedError) -> str:
    """Returns the cause of a failure as AWS writes it, with the state that it happened in."""
    if failure.is_whole or frame.state is None:
        return failure.cause
    place = f"executing the state '{frame.state.name}' (entered at the event id #{frame.entered})"
    return f"An error occurred while {place}. {failure.cause}"[:CAUSE_LIMIT_CHARACTERS]
