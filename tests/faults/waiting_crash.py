"""Drives executions that wait, under a virtual clock: ``waiting_crash.py HOME start`` begins some, ``recover`` goes on.

Each parent waits at once for a token, for a child, and for a moment after which it starts another child.
"""

import contextlib
import json
import sys
from pathlib import Path

from penstock import Pipeline
from penstock.adapters.virtual.clock import SeededEntropy, VirtualClock
from penstock.adapters.virtual.invoke import InlineInvoker
from penstock.errors import NotFoundError
from penstock.runtime import tokens
from penstock.runtime.invoke import TaskCaller
from penstock.runtime.machine.app import Machine
from penstock.runtime.machine.home import Home

BEGAN = 1_771_574_220.0
PARENTS = 3
LAMBDA = "arn:aws:states:::lambda:invoke"
START = "arn:aws:states:::states:startExecution"


def task(resource, **parameters):
    """Returns a Task state."""
    return {"Type": "Task", "Resource": resource, "Parameters": parameters}


def chain(**states):
    """Returns a machine of states, one after another."""
    names = list(states)
    following = [{"Next": name} for name in names[1:]] + [{"End": True}]
    return {
        "StartAt": names[0],
        "States": {name: states[name] | goes for name, goes in zip(names, following, strict=True)},
    }


def wait(seconds):
    """Returns a Wait state."""
    return {"Type": "Wait", "Seconds": seconds}


TOKEN = {"token.$": "$$.Task.Token"}
PARENT = chain(
    All={
        "Type": "Parallel",
        "Branches": [
            chain(Ask=task(f"{LAMBDA}.waitForTaskToken", FunctionName="waiting-work", Payload=TOKEN)),
            chain(Job=task(f"{START}.sync:2", StateMachineArn="child", Input={"kind": "job"})),
            chain(
                Pause=wait(30),
                Named=task(START, StateMachineArn="child", **{"Name.$": "$.name", "Input": {"kind": "named"}}),
            ),
        ],
    }
)
CHILD = chain(Sleep=wait(60), Work=task(LAMBDA, FunctionName="waiting-work", **{"Payload.$": "$"}))


def definition(folder):
    """Returns the pipeline."""
    pipeline = Pipeline("waiting")

    @pipeline.task
    def work(event, context):
        return event

    for name, document in (("child", CHILD), ("parent", PARENT)):
        (folder / f"{name}.asl.json").write_text(json.dumps(document))
    child = pipeline.workflow("child", folder / "child.asl.json")
    pipeline.workflow("parent", folder / "parent.asl.json", may=[child.start])
    return pipeline.build()


def main(folder, action):
    """Does one thing, until nothing is left to be done."""
    folder.mkdir(exist_ok=True)
    kept = folder / "now"
    clock = VirtualClock(float(kept.read_text()) if kept.exists() else BEGAN)
    home = Home(folder / "home", clock=clock, entropy=SeededEntropy(int(clock.now() * 10) + (action == "start")))
    definitions = {"waiting": definition(folder)}
    caller = TaskCaller(definitions, lambda: home.ports("crash"))
    machine = Machine(home, definitions, make_invoker=lambda _: InlineInvoker(caller))
    for number in range(PARENTS if action == "start" else 0):
        machine.start("waiting", {"name": f"n{number}"}, "parent")
    while True:
        machine.step("")
        for waiting in list(tokens.waiting_tasks(home.journal)):
            with contextlib.suppress(NotFoundError):
                tokens.succeed(home.journal, waiting.token, json.dumps(waiting.token).encode(), clock.now())
        due_at = machine.next_due_at()
        if due_at is not None and due_at > clock.now():
            clock.advance(due_at - clock.now())
            kept.write_text(str(clock.now()))
        elif not home.journal.unfinished():
            break
    machine.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
