"""From a definition to Terraform: a folder of files, one a concern, the same bytes for the same definition."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import get_args

from penstock.deploy import hcl
from penstock.deploy.documents import deployed
from penstock.deploy.hcl import Block, Call, Expression, Template, nested
from penstock.deploy.kit import Artifact, Concern, Site, has_bucket, on_instance, started_by_aws
from penstock.deploy.outputs import outputs
from penstock.deploy.registry import CAPABILITIES
from penstock.deploy.resources import catalog, glue_job, instance
from penstock.deploy.resources.workflow import asl_path
from penstock.deploy.variables import chosen_values, variables
from penstock.errors import DefinitionError, Finding, report
from penstock.model.pipeline import Definition

TERRAFORM = ">= 1.11"
PROVIDER = "~> 5.100"
HEADINGS: dict[Concern, str] = {
    "storage": "Where data live: buckets and tables.",
    "compute": "What does the work: functions, their libraries and logs, and the queue of what failed.",
    "workflow": "What runs when: state machines, schedules, triggers.",
    "watch": "Who is told of what: topics, alarms, dashboards, the audit trail, the budget.",
    "catalog": "What can be asked: tables over the lake, for Athena.",
    "access": "Who may do what: one role a task, a workflow, a schedule, a trigger.",
    "network": "Which way data go: endpoints instead of public addresses.",
}


def synthesize(
    definition: Definition,
    artifacts: Mapping[str, Artifact],
    layers: Mapping[str, str] | None = None,
    jobs: Mapping[str, Artifact] | None = None,
) -> dict[str, bytes]:
    """Returns the files of a deployment, by path: Terraform and the workflows' documents. The zips lie beside them.

    Args:
        artifacts: each task's zip.
        layers: path of each layer's zip, by name.
        jobs: the zip of each task that is a job.

    Raises:
        DefinitionError: AWS would refuse it, with every mistake.
    """
    refused = [finding for finding in limits(definition) if finding.code in REFUSED]
    if refused:
        raise DefinitionError(
            f"pipeline {definition.name!r} cannot be deployed:\n{report(refused)}",
            hint="mend these; nothing was written",
            findings=[{"where": f.where, "code": f.code, "message": f.message, "hint": f.hint} for f in refused],
        )
    clock = definition.schedules if on_instance(definition) else {}
    definition = started_by_aws(definition)
    site = Site(
        definition=definition,
        artifacts=dict(artifacts),
        layers=dict(layers or {}),
        jobs=dict(jobs or {}),
        clock=clock,
    )
    files: dict[str, str] = {
        "main.tf": hcl.document(_main(definition), _heading(definition)),
        "variables.tf": hcl.document(variables(definition)),
        "outputs.tf": hcl.document(outputs(definition)),
        "terraform.tfvars": hcl.assignments(chosen_values(definition)),
    }
    for concern, blocks in _by_concern(site).items():
        files[f"{concern}.tf"] = hcl.document(blocks, HEADINGS[concern])
    made = {path: text.encode() for path, text in files.items()}
    made |= {asl_path(one.name): deployed(definition, one).text for one in definition.workflows.values()}
    made |= catalog.assets(definition) | glue_job.assets(definition) | instance.assets(definition, clock)
    return dict(sorted(made.items()))


# What AWS refuses; the other limits are differences that a person should know of.
REFUSED = frozenset({
    "lifecycle-too-early", "lifecycle-order", "too-many-indexes", "memory", "timeout", "workflow-too-long",
    "schedule-too-often", "too-many-metrics", "name-too-long", "log-retention", "alarm-name",
    "metric-name", "queue-name", "replica-region", "computed-name", "unknown-name", "no-glue-job",
    "table-name", "task-name", "unknown-job", "job-without-lake", "job-grant",
    "two-networks", "no-way-out", "instance-network", "instance-bucket", "instance-clock", "instance-trigger",
    "instance-call", "instance-processor",
})  # fmt: skip


def limits(definition: Definition) -> list[Finding]:
    """Returns what AWS would refuse, or do otherwise than the machine, before anything is deployed."""
    from penstock.deploy.resources.topic import not_carried

    found = [f for one in CAPABILITIES.values() if one.limits is not None for f in one.limits(definition)]
    return sorted(set(found + not_carried(definition)))


def _by_concern(site: Site) -> dict[Concern, list[Block]]:
    made: dict[Concern, list[Block]] = defaultdict(list)
    for capability in CAPABILITIES.values():
        for concern, blocks in capability.blocks(site).items():
            made[concern] += blocks
    _check_addresses(site.definition, [block for blocks in made.values() for block in blocks])
    return {concern: made[concern] for concern in get_args(Concern) if made[concern]}


def _check_addresses(definition: Definition, blocks: Sequence[Block]) -> None:
    twice = sorted(address for address, count in Counter(block.address for block in blocks).items() if count > 1)
    if twice:
        raise DefinitionError(
            f"pipeline {definition.name!r} has names that Terraform cannot tell apart: {', '.join(twice)}",
            hint="rename one of each: names there have letters, digits and underscores; the alarms `killed` and "
            "`dead_letters` come with every pipeline",
        )


def _heading(definition: Definition) -> str:
    return (
        f"Pipeline {definition.name}{': ' + definition.description if definition.description else ''}\n"
        "Written by `penstock synth`. Edit freely: another synth into this folder shows what it would change.\n"
        "Put a backend or a provider of your own into backend.tf and override.tf; neither is ever overwritten."
    )


def _main(definition: Definition) -> list[Block]:
    tags = {"pipeline": definition.name, "managed-by": "penstock", **definition.tags}
    terraform = Block(
        "terraform",
        (),
        {"required_version": TERRAFORM},
        (nested("required_providers", {"aws": {"source": "hashicorp/aws", "version": PROVIDER}}),),
    )
    made = [terraform, _provider("var.region", tags)]
    if definition.deployment.replica_region is not None:
        made.append(_provider("var.replica_region", tags, alias="replica"))
    made += [Block("data", ("aws_caller_identity", "current")), Block("data", ("aws_partition", "current"))]
    return [*made, _locals(definition)]


def _provider(region: str, tags: Mapping[str, str], alias: str | None = None) -> Block:
    merged = Call("merge", (dict(tags), Expression("var.tags")))
    return Block(
        "provider",
        ("aws",),
        {"alias": alias, "region": Expression(region)},
        (nested("default_tags", {"tags": merged}),),
    )


def _locals(definition: Definition) -> Block:
    values = {
        "account": Expression("data.aws_caller_identity.current.account_id"),
        "partition": Expression("data.aws_partition.current.partition"),
        "region": Expression("var.region"),
        "prefix": Expression("var.name_prefix"),
        "bucket_prefix": Template(f"${{var.name_prefix}}{definition.name}"),
        "bucket_suffix": Template("${local.account}-${local.region}"),
    }
    if has_bucket(definition):
        named = '"${local.bucket_prefix}-lake-${local.bucket_suffix}"'
        values["lake_bucket"] = Expression(f"coalesce(var.lake_bucket, {named})")
    if definition.deployment.encryption_key:
        values["account_root"] = Template("arn:${local.partition}:iam::${local.account}:root")
    if definition.deployment.audit_trail:
        trail = "arn:${local.partition}:cloudtrail:${local.region}:${local.account}:trail/"
        values["trail_arn"] = Template(f"{trail}${{local.prefix}}{definition.name}-audit")
    return Block("locals", (), values)
