"""Processes that work for a simulation: forked before it begins, each with a pipe of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Sequence
from typing import Any

from penstock.errors import HomeError

GRACE_SECONDS = 30.0
Serve = Callable[[Any], Any]


class ForkedProcesses:
    """Some processes that all do the same. Construct it while this process has one thread: it forks.

    Args:
        count: how many.
        open_server: called once in each process, when it is first asked for something; returns what answers, and what
            ends it.
    """

    def __init__(self, count: int, open_server: Callable[[], tuple[Serve, Callable[[], None]]]) -> None:
        context = multiprocessing.get_context("fork")
        self._gone: set[int] = set()
        self._pipes = []
        self._processes = []
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, open_server), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def __len__(self) -> int:
        return len(self._pipes)

    def ask(self, questions: Sequence[Any]) -> list[Any]:
        """Asks each process something at once; returns the answers in this order.

        Raises:
            HomeError: a process is gone.
        """
        for number, question in enumerate(questions):
            self.tell(number, question)
        return [self.hear(number) for number in range(len(questions))]

    def tell(self, number: int, question: Any) -> None:
        """Asks one process something, and does not wait.

        Raises:
            HomeError: the process is gone.
        """
        try:
            self._pipes[number].send(question)
        except OSError as error:
            self._gone.add(number)
            raise _died() from error

    def hear(self, number: int) -> Any:
        """Returns a process's next answer.

        Raises:
            HomeError: the process is gone.
        """
        try:
            return self._pipes[number].recv()
        except (EOFError, OSError) as error:
            self._gone.add(number)
            raise _died() from error

    def close(self) -> None:
        """Ends the processes, one after the other, each after it has closed what it had opened.

        Raises:
            HomeError: one could not close it.
        """
        is_whole = True
        for number, (process, pipe) in enumerate(zip(self._processes, self._pipes, strict=True)):
            # Whoever was told that a process is gone need not hear it again; it may take its time to die.
            was_there = number not in self._gone and process.is_alive()
            # One that is gone already needs no word; the end of its pipe may be open in another one.
            with contextlib.suppress(OSError):
                pipe.send(None)
            process.join(GRACE_SECONDS)
            pipe.close()
            is_whole = is_whole and not (was_there and process.exitcode != 0)
        if not is_whole:
            raise _died()


def _serve(pipe: Any, open_server: Callable[[], tuple[Serve, Callable[[], None]]]) -> None:
    answer, close = None, None
    while True:
        try:
            question = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            break
        if question is None:
            break
        if answer is None:
            answer, close = open_server()
        pipe.send(answer(question))
    if close is not None:
        close()


def _died() -> HomeError:
    return HomeError("a process of the simulation has died", hint="it may have run out of memory: use --workers 1")
