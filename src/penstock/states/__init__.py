"""Amazon States Language as pure functions. https://states-language.net and the AWS Step Functions developer guide.

``step(machine, state, event)`` gives the next state, the commands that it asks for, and what there is to tell. It never
sleeps, calls, draws or reads a clock: time and results come in with the events.
"""

from penstock.states.commands import CancelTask as CancelTask
from penstock.states.commands import CancelTimer as CancelTimer
from penstock.states.commands import Command as Command
from penstock.states.commands import Finish as Finish
from penstock.states.commands import InvokeTask as InvokeTask
from penstock.states.commands import StartMapRun as StartMapRun
from penstock.states.commands import StartTimer as StartTimer
from penstock.states.driver import NEVER as NEVER
from penstock.states.driver import After as After
from penstock.states.driver import Outside as Outside
from penstock.states.driver import Ran as Ran
from penstock.states.driver import run as run
from penstock.states.events import Event as Event
from penstock.states.events import Redriven as Redriven
from penstock.states.events import Stopped as Stopped
from penstock.states.events import TaskFailed as TaskFailed
from penstock.states.events import TaskHeartbeat as TaskHeartbeat
from penstock.states.events import TaskSubmitted as TaskSubmitted
from penstock.states.events import TaskSucceeded as TaskSucceeded
from penstock.states.events import TimerFired as TimerFired
from penstock.states.execution import ExecutionContext as ExecutionContext
from penstock.states.execution import ExecutionState as ExecutionState
from penstock.states.history import HistoryEntry as HistoryEntry
from penstock.states.history import history_event as history_event
from penstock.states.lint import lint as lint
from penstock.states.machine import Machine as Machine
from penstock.states.map_run import item_input as item_input
from penstock.states.map_run import processor as processor
from penstock.states.parse import parse as parse
from penstock.states.step import Step as Step
from penstock.states.step import pending as pending
from penstock.states.step import start as start
from penstock.states.step import step as step
