"""Every grant of every workflow, used once in the name of its state machine's role; and what it was not granted, tried.

Step Functions calls services inside the emulator, which does not ask there what the role may do: here it is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from penstock.adapters.aws.session import calling, client
from penstock.deploy.service_calls import calls, has_distributed_map
from penstock.deploy.workflow_access import used_grants
from penstock.lake.layout import quarantine_key, raw_key, table_prefix
from penstock.model.access import Grant, HotAction, Kind, LakeAction
from penstock.model.datasets import HotTable, LakeTable
from penstock.model.integrations import static
from penstock.model.pipeline import Definition
from penstock.model.workflow import Workflow
from penstock.ports.clock import Clock
from penstock.rehearsal.probes import NOT_GRANTED, PROBE_BODY, Operation, Refused, in_vain, refusal
from penstock.rehearsal.there import OWN_EXECUTION

SAMPLES: dict[str, dict[str, Any]] = {"S": {"S": "penstock-probe"}, "N": {"N": "0"}, "B": {"B": b"penstock-probe"}}
START = "startQueryExecution"


class WorkflowProbe:
    """Uses AWS as the environment's credentials allow.

    Args:
        outputs: of the deployment's Terraform.
        keys: of an object to read, by lake table.
        results: the bucket of results of queries; ``""`` when there is none.

    Attributes:
        used, tried: how many grants were used, and how many things not granted were tried.
    """

    def __init__(
        self, definition: Definition, outputs: Mapping[str, Any], clock: Clock, keys: Mapping[str, str], results: str
    ) -> None:
        self._definition = definition
        self._outputs = outputs
        self._clock = clock
        self._keys = keys
        self._results = results
        self._started: list[str] = []
        # Of one role and one address.
        self._clients: dict[str, Any] = {}
        self.used = self.tried = 0

    def stop(self) -> None:
        """Ends the executions that were started: it was to be seen that they can be. Call it as the owner."""
        self._clients.clear()
        for execution in self._started:
            refusal(self._call("stepfunctions", "stop_execution", executionArn=execution))
        self._started.clear()

    def use(self, workflow: Workflow) -> Iterator[Refused]:
        """Does everything that a workflow's states were granted and do; yields what was refused."""
        self._clients.clear()
        for grant in used_grants(self._definition, workflow):
            self.used += 1
            operations = [*self._operations(workflow.name, grant), *self._by_itself(workflow, grant)]
            refused = [reason for operation in operations if (reason := refusal(operation))]
            if refused:
                yield Refused(f"workflow {workflow.name}", str(grant), "; ".join(dict.fromkeys(refused)))
        if has_distributed_map(workflow) and (reason := refusal(self._start(workflow.name, workflow.name))):
            yield Refused(f"workflow {workflow.name}", "executions of its own, for items of a Map", reason)

    def overstep(self, workflow: Workflow) -> Iterator[Refused]:
        """Tries what a workflow was not granted, or has no state for; yields what was allowed."""
        granted = {*used_grants(self._definition, workflow)}
        # Items of a Map are executions of the same state machine.
        own = {workflow.start} if has_distributed_map(workflow) else set()
        # Athena reads and lists tables in the name of whoever asks.
        asked = [self._definition.lake_tables[one.resource] for one in granted if one.action == LakeAction.QUERY]
        read = {grant for table in asked for grant in (table.read, table.list)}
        yield from self._try(f"workflow {workflow.name}", granted | own | read)

    def overstep_as_task(self, task: str, besides: Collection[Grant] = ()) -> Iterator[Refused]:
        """Tries what only workflows can be granted; yields what was allowed.

        Args:
            besides: what this one has nevertheless.
        """
        both = {HotAction.GET, HotAction.PUT, HotAction.DELETE, LakeAction.READ, LakeAction.APPEND}
        shared = {*both, LakeAction.QUARANTINE, "publish", "send"}
        known = {one for one in self._every_grant() if one.action in shared or one.kind is Kind.EVENT_BUS}
        yield from self._try(task, known | {*besides})

    def _try(self, holder: str, granted: set[Grant]) -> Iterator[Refused]:
        self._clients.clear()
        for grant in sorted({*self._every_grant()} - granted):
            self.tried += 1
            if not all(refusal(operation) for operation in self._operations(holder.rpartition(" ")[2], grant)):
                yield Refused(holder, str(grant), NOT_GRANTED)

    def _every_grant(self) -> Iterator[Grant]:
        """Yields what a workflow could be granted."""
        for lake in self._definition.lake_tables.values():
            yield from (lake.append, lake.read, lake.quarantine, lake.list, lake.query)
        for hot in self._definition.hot_tables.values():
            yield from (hot.put, hot.get, hot.update, hot.delete)
        yield from (topic.publish for topic in self._definition.topics.values())
        yield from (queue.send for queue in self._definition.queues.values())
        yield from (bus.put for bus in self._definition.event_buses.values())
        yield from (workflow.start for workflow in self._definition.workflows.values())

    def _operations(self, holder: str, grant: Grant) -> list[Operation]:
        match grant.kind:
            case Kind.LAKE:
                return [self._on_lake(holder, self._definition.lake_tables[grant.resource], LakeAction(grant.action))]
            case Kind.HOT_TABLE:
                return [self._on_hot_table(self._definition.hot_tables[grant.resource], HotAction(grant.action))]
            case Kind.TOPIC:
                topic = self._outputs["topics"][grant.resource]
                return [self._call("sns", "publish", TopicArn=topic, Subject="Rehearsal", Message=PROBE_BODY)]
            case Kind.QUEUE:
                url = self._outputs["queues"][grant.resource]
                return [self._call("sqs", "send_message", QueueUrl=url, MessageBody=PROBE_BODY)]
            case Kind.EVENT_BUS:
                return [self._put(grant.resource)]
            case Kind.WORKFLOW:
                return [self._start(holder, grant.resource)]
            case Kind.METRIC | Kind.NAMESPACE | Kind.INBOX | Kind.WAREHOUSE:
                # No state of a workflow can be granted any of these.
                return []

    def _put(self, bus: str) -> Operation:
        event = {"Source": "penstock.probe", "DetailType": "Probe", "Detail": PROBE_BODY}
        entry = {**event, "EventBusName": self._outputs["event_buses"][bus]}
        return self._call("events", "put_events", Entries=[entry])

    def _start(self, holder: str, workflow: str) -> Operation:
        name = f"{OWN_EXECUTION}probe-{holder}-{workflow}"[:80]
        machine = self._outputs["state_machines"][workflow]
        start = self._call("stepfunctions", "start_execution", stateMachineArn=machine, name=name, input="{}")

        def started() -> None:
            start()
            self._started.append(machine.replace(":stateMachine:", ":execution:", 1) + f":{name}")

        return started

    def _on_hot_table(self, table: HotTable, action: HotAction) -> Operation:
        keys = {key.name: SAMPLES[key.type] for key in (table.partition, table.sort) if key is not None}
        named = {"TableName": self._outputs["hot_tables"][table.name]}
        if action is HotAction.PUT:
            return self._call("dynamodb", "put_item", Item=keys, **named)
        if action is HotAction.UPDATE:
            change = {"UpdateExpression": "SET probe = :probe", "ExpressionAttributeValues": {":probe": SAMPLES["S"]}}
            return self._call("dynamodb", "update_item", Key=keys, **change, **named)
        return self._call("dynamodb", "get_item" if action is HotAction.GET else "delete_item", Key=keys, **named)

    def _on_lake(self, holder: str, table: LakeTable, action: LakeAction) -> Operation:
        bucket = self._outputs["lake_bucket"]
        key = raw_key(table, self._clock.now(), "probe", holder)
        match action:
            case LakeAction.READ:
                return self._call("s3", "get_object", Bucket=bucket, Key=self._keys.get(table.name, key))
            case LakeAction.LIST:
                return self._call("s3", "list_objects_v2", Bucket=bucket, Prefix=table_prefix(table.name))
            case LakeAction.APPEND:
                return self._call("s3", "put_object", Bucket=bucket, Key=key, Body=b"")
            case LakeAction.QUARANTINE:
                return self._call("s3", "put_object", Bucket=bucket, Key=quarantine_key(table, key), Body=b"")
            case LakeAction.QUERY:
                workgroup, context = self._outputs["workgroup"], {"Database": self._outputs["database"]}
                asked = {"QueryString": "SELECT 1", "WorkGroup": workgroup, "QueryExecutionContext": context}
                return self._call("athena", "start_query_execution", **asked)

    def _by_itself(self, workflow: Workflow, grant: Grant) -> list[Operation]:
        """What services do in the role's name for such a call."""
        called = calls(workflow)
        if grant.kind is Kind.LAKE and grant.action == LakeAction.QUERY:
            return self._of_a_query(grant.resource) if any(one.call.action == START for one in called) else []
        if grant.kind is Kind.LAKE and grant.action == LakeAction.APPEND:
            prefixes = [static(one.arguments or {}, "Prefix") for one in called if one.role == "writer"]
            return [one for prefix in prefixes if prefix for one in self._of_results(prefix.rstrip("/"))]
        return []

    def _of_results(self, prefix: str) -> list[Operation]:
        place = {"Bucket": self._outputs["lake_bucket"], "Key": f"{prefix}/penstock-probe/manifest.json"}
        return [self._call("s3", "put_object", Body=b"{}", **place), self._call("s3", "get_object", **place)]

    def _of_a_query(self, table: str) -> list[Operation]:
        """https://docs.aws.amazon.com/athena/latest/ug/security-iam-athena-calledvia.html"""
        named = {"DatabaseName": self._outputs["database"], "TableName": table}
        lake, answer = self._outputs["lake_bucket"], {"Bucket": self._results, "Key": "athena/penstock-probe.csv"}
        found = self._keys.get(table, "")
        return [
            self._call("glue", "get_table", DatabaseName=self._outputs["database"], Name=table),
            self._call("glue", "get_partitions", **named),
            self._call("s3", "get_bucket_location", Bucket=lake),
            self._call("s3", "get_bucket_location", Bucket=self._results),
            self._call("s3", "list_objects_v2", Bucket=lake, Prefix=table_prefix(table)),
            self._call("s3", "get_object", Bucket=lake, Key=found),
            self._call("s3", "put_object", Body=b"", **answer),
            self._call("s3", "get_object", **answer),
            self._call("s3", "list_objects_v2", Bucket=self._results, Prefix="athena/"),
        ]

    def _call(self, service: str, operation: str, **arguments: Any) -> Operation:
        """Returns a call; which role it is made by is decided when it is made."""

        def made() -> object:
            with calling(f"call {service}: {operation}"):
                if service not in self._clients:
                    self._clients[service] = client(service)
                return getattr(self._clients[service], operation)(**arguments)

        return in_vain(made)


def results_bucket(outputs: Mapping[str, Any]) -> str:
    """Returns the bucket of results of queries, ``""`` when there is none. Call it as the owner of the account."""
    if "workgroup" not in outputs:
        return ""
    with calling("look at the workgroup"):
        found = client("athena").get_work_group(WorkGroup=outputs["workgroup"])["WorkGroup"]["Configuration"]
    return urlsplit(str(found["ResultConfiguration"]["OutputLocation"])).netloc
