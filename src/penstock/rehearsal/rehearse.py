"""A rehearsal: the release is deployed to an emulator of AWS, runs there, and is compared with this machine."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from penstock.adapters.aws.session import client
from penstock.adapters.local.clock import SystemClock
from penstock.deploy.functions import functions, sealing_task
from penstock.model.pipeline import Definition
from penstock.model.workflow import Workflow
from penstock.rehearsal import as_lambda, here
from penstock.rehearsal.access_keys import role_name, roles_by_access_key
from penstock.rehearsal.alarms import incomparable
from penstock.rehearsal.calls import RecordedCall
from penstock.rehearsal.credentials import IDENTITY, settings
from penstock.rehearsal.databases import Databases, Logins
from penstock.rehearsal.drift import explain
from penstock.rehearsal.emulator import ACCOUNT, Emulator, free_port
from penstock.rehearsal.grants import functions_of, jobs_of, machine_roles, resource_policies_of, roles_of
from penstock.rehearsal.jobs import job_task
from penstock.rehearsal.jobs import told as jobs_told
from penstock.rehearsal.leftovers import leftovers
from penstock.rehearsal.parity import compare
from penstock.rehearsal.probes import Probe
from penstock.rehearsal.proof import prove
from penstock.rehearsal.recorder import Recorder
from penstock.rehearsal.report import NOT_COMPARED, Report, document
from penstock.rehearsal.role_sessions import role_session
from penstock.rehearsal.scene import plan_scene
from penstock.rehearsal.sealing import SealingThere, calls_of_schedule, listings_of
from penstock.rehearsal.services import calls_of_execution, calls_of_starts, starters_of
from penstock.rehearsal.stage import prepare, set_up, take_down
from penstock.rehearsal.steps import Say, Steps
from penstock.rehearsal.there import OWN_EXECUTION, Deployed
from penstock.rehearsal.unrehearsed import unrehearsed
from penstock.rehearsal.workflow_probes import WorkflowProbe, results_bucket

SOON_SECONDS = 3.0
# The emulator looks every ten seconds.
SCHEDULE_SECONDS = 60.0
UPDATABLE = (
    "Name", "GroupName", "Description", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow",
    "Target", "State", "StartDate", "EndDate", "KmsKeyArn",
)  # fmt: skip


class Rehearsal:
    """One rehearsal of a pipeline.

    Args:
        reference: where the pipeline is, as the bundler takes it.
        folder: for the release, the home and the recorded calls; kept for whoever wants to look.
        inputs: of the main workflow; the definition's own when empty.
        say: told what is being done.
    """

    def __init__(
        self,
        definition: Definition,
        reference: str,
        folder: Path,
        *,
        inputs: tuple[dict[str, Any], ...] = (),
        say: Say = lambda text: None,
    ) -> None:
        self._definition = definition
        self._reference = reference
        self._folder = folder
        self._say = say
        self._step = Steps(say)
        self._clock = SystemClock()
        self._scene = plan_scene(definition, self._clock.now(), inputs)
        self._left_out = unrehearsed(definition)
        self._keys: dict[str, str] = {}
        self._logins = Logins(folder / "logins.jsonl")
        self._jobs = jobs_told(definition)
        self._sealed_by_schedule: list[RecordedCall] = []
        self._began_at = self._clock.now()
        not_run = tuple(f"workflow {name}, which was not run: {reason}" for name, reason in self._left_out.items())
        self.report = Report(pipeline=definition.name, steps=self._step.done, not_compared=(*not_run, *NOT_COMPARED))

    def run(self) -> Report:
        """Does everything, and takes down what it set up.

        Raises:
            PenstockError: a step could not be done at all.
        """
        with self._step("run the same here"):
            played = here.play(self._scene, self._folder / "home")
        self._prepare(played)
        logins = free_port()
        with contextlib.closing(Databases(self._definition, logins)) as databases:
            who = {"account": ACCOUNT, "region": self._definition.region, "calls": str(self._logins.path)}
            self._emulate(played, databases, {**databases.told(**who, port=logins), **self._jobs})
        told = msgspec.json.encode(document(self.report))
        (self._folder / "report.json").write_bytes(msgspec.json.format(told))
        return self.report

    def _prepare(self, played: here.Played) -> None:
        with self._step("run it as Lambda functions, with moto") as done:
            lambdas = as_lambda.play(
                self._scene,
                self._reference,
                self._folder / "lambda",
                played.arrivals,
                self._say,
                earlier=played.neutral,
            )
            self.report.second_comparisons = compare(played.observed, lambdas.observed, {}, self._left_out)
            self.report.tasks = lambdas.tasks
            done(f"{len(lambdas.observed.executions)} executions")
        with self._step("package and synthesize"):
            prepare(self._definition, self._reference, self._folder / "release", built=lambdas.built)

    def _emulate(self, played: here.Played, databases: Databases, told: Mapping[str, str]) -> None:
        log = self._folder / "emulator.log"
        emulator = Emulator(region=self._definition.region, say=self._say, log=log, told=told)
        recorder = Recorder(
            emulator.endpoint, role_of=lambda key: self._keys.get(key, ""), account=ACCOUNT,
            path=self._folder / "calls.jsonl",
        )  # fmt: skip
        with contextlib.closing(emulator), recorder:
            with self._step("start the emulator"):
                emulator.start(recorder.url)
            with settings(emulator.environment()):
                self._deploy_and_play(recorder, played, databases)

    def _deploy_and_play(self, recorder: Recorder, played: here.Played, databases: Databases) -> None:
        terraform = set_up(self._folder / "release", self._step, self._say)
        outputs, state = terraform.outputs(), terraform.state()
        self._keys |= roles_by_access_key({**functions_of(state), **jobs_of(state)})
        deployed = Deployed(self._definition, outputs, self._clock, self._say, databases)
        deployed.listen()
        self._schedule(deployed)
        with self._step("run it there") as done:
            observed = deployed.play(self._scene, played.arrivals, earlier=played.neutral)
            done(f"{len(observed.executions)} executions")
        self.report.comparisons = compare(played.observed, observed, incomparable(self._definition), self._left_out)
        if sealing_task(self._definition) is not None:
            with self._step("seal it there") as done:
                self._sealed_by_schedule = calls_of_schedule(state, deployed.log(self._began_at), functions_of(state))
                self.report.comparisons.append(self._sealing(outputs).play())
                done(f"{self.report.comparisons[-1].compared} partitions")
        self._prove(recorder, deployed, outputs, state)
        with self._step("second plan"):
            self.report.drift = explain(terraform.plan())
        with self._step("destroy") as done:
            deployed.stop_listening()
            done(take_down(terraform))
            self.report.leftovers = leftovers()

    def _sealing(self, outputs: Mapping[str, Any]) -> SealingThere:
        return SealingThere(self._definition, outputs, self._folder / "sealing")

    def _schedule(self, deployed: Deployed) -> None:
        workflows = Counter(schedule.workflow for schedule in self._definition.schedules.values())
        if workflows:
            with self._step("wait for the schedule to fire") as done:
                with schedules_due(self._clock.now() + SOON_SECONDS):
                    fired = all(deployed.wait_for(name, SCHEDULE_SECONDS, count) for name, count in workflows.items())
                self.report.schedule_fired = fired
                done("fired" if fired else "did not fire")
        deployed.start_afresh()

    def _prove(
        self, recorder: Recorder, deployed: Deployed, outputs: Mapping[str, Any], state: Mapping[str, Any]
    ) -> None:
        with self._step("prove least privilege") as done:
            self._probe(recorder, deployed, outputs, state)
            deployed.settle()
            calls = [call for call in recorder.calls if call.role] + services_calls(outputs, state)
            calls += self._invocations(deployed, outputs, state) + self._sealed_by_schedule + self._logins.calls()
            self.report.calls = len(calls)
            self.report.proof = prove(roles_of(state), calls, of_resources=resource_policies_of(state))
            done(f"{self.report.proof.granted} grants, {len(calls)} calls")

    def _probe(
        self, recorder: Recorder, deployed: Deployed, outputs: Mapping[str, Any], state: Mapping[str, Any]
    ) -> None:
        probe = Probe(self._definition, outputs, self._clock, deployed.databases)
        probe.lay_out()
        names = {name: task for task, name in outputs["functions"].items()}
        # A function that has not run has no credentials yet, and would be refused whatever its role may do.
        sessions = {one: self._session(role) for one, role in {**functions_of(state), **jobs_of(state)}.items()}
        for function in functions_of(state):
            task = functions(self._definition)[names[function.rpartition(":")[2]]]
            with settings(sessions[function]):
                # What goes beyond the grants is no call that the roles should allow: it passes by the recorder.
                with self._logins.passed_over():
                    self.report.refused += probe.overstep(task)
                with settings({"AWS_ENDPOINT_URL": recorder.url}):
                    self.report.refused += probe.use(task)
                    if task == sealing_task(self._definition):
                        self.report.refused += self._sealing(outputs).use()
        others = WorkflowProbe(self._definition, outputs, self._clock, probe.keys, results_bucket(outputs))
        for function in functions_of(state):
            with settings(sessions[function]):
                task = functions(self._definition)[names[function.rpartition(":")[2]]]
                listed = listings_of(self._definition) if task == sealing_task(self._definition) else ()
                self.report.refused += others.overstep_as_task(task.name, listed)
        for job in jobs_of(state):
            task = job_task(self._definition, job)
            with settings(sessions[job]):
                self.report.refused += probe.overstep(task)
                with settings({"AWS_ENDPOINT_URL": recorder.url}):
                    self.report.refused += [*probe.use(task), *probe.use_as_job(task)]
        roles = machine_roles(state)
        for name, workflow in self._definition.workflows.items():
            self._probe_workflow(recorder, others, workflow, roles[outputs["state_machines"][name]])
        others.stop()
        self.report.used, self.report.tried = probe.used + others.used, probe.tried + others.tried

    def _probe_workflow(self, recorder: Recorder, probe: WorkflowProbe, workflow: Workflow, role: str) -> None:
        with settings(self._session(role)):
            self.report.refused += probe.overstep(workflow)
            with settings({"AWS_ENDPOINT_URL": recorder.url}):
                self.report.refused += probe.use(workflow)

    def _session(self, role: str) -> dict[str, str]:
        """Returns the variables with which calls are made in a role's name, and recorded as the role's."""
        session = role_session(role)
        self._keys[session[IDENTITY]] = role_name(role)
        return session

    def _invocations(
        self, deployed: Deployed, outputs: Mapping[str, Any], state: Mapping[str, Any]
    ) -> list[RecordedCall]:
        """Returns the calls of functions that workflows made, as the functions' logs have them."""
        workflows = {
            one.name: one.workflow for name in self._definition.workflows for one in deployed.executions.list(name)
        }
        arns = {arn.rpartition(":")[2]: arn for arn in functions_of(state)}
        roles = machine_roles(state)
        return [
            RecordedCall(
                role_name(roles[outputs["state_machines"][workflows[call.execution]]]),
                "lambda:InvokeFunction",
                arns[outputs["functions"][call.task]],
            )
            for call in deployed.calls(self._began_at)
            if call.execution in workflows
        ]


def services_calls(outputs: Mapping[str, Any], state: Mapping[str, Any]) -> list[RecordedCall]:
    """Returns the calls that services made among themselves, from the executions that they left."""
    service = client("stepfunctions")
    calls, executions = [], []
    for machine in outputs["state_machines"].values():
        document = service.describe_state_machine(stateMachineArn=machine)["definition"]
        for page in service.get_paginator("list_executions").paginate(stateMachineArn=machine):
            for one in page["executions"]:
                executions.append(service.describe_execution(executionArn=one["executionArn"]))
                history = service.get_paginator("get_execution_history").paginate(executionArn=one["executionArn"])
                events = [event for part in history for event in part["events"]]
                calls += calls_of_execution(document, events, machine=machine)
    # What the rehearsal started itself was started by nobody's role.
    others = [one for one in executions if not one["name"].startswith(OWN_EXECUTION)]
    return calls + calls_of_starts(starters_of(state), others)


@contextlib.contextmanager
def schedules_due(at: float) -> Iterator[None]:
    """Lets every deployed schedule fire once, soon, and puts it back to what was deployed.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#one-time
    """
    service = client("scheduler")
    names = [one["Name"] for page in service.get_paginator("list_schedules").paginate() for one in page["Schedules"]]
    before = [service.get_schedule(Name=name) for name in names]
    kept = [{name: one[name] for name in UPDATABLE if one.get(name) is not None} for one in before]
    once = {
        "ScheduleExpression": f"at({datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S})",
        "ScheduleExpressionTimezone": "UTC",
        "State": "ENABLED",
    }
    for one in kept:
        service.update_schedule(**{**one, **once})
    try:
        yield
    finally:
        for one in kept:
            service.update_schedule(**one)
