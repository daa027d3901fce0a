"""The page on AWS: every resource that can be written is on it, and its figures are those of the estimate."""

import re
from pathlib import Path

import msgspec

from penstock.cost.estimate import estimate
from penstock.deploy.kit import Artifact
from penstock.deploy.terraform import synthesize
from penstock.model.deployment import Deployment
from penstock.pipelines.leads import pipeline as leads
from penstock.pipelines.metrics import pipeline

PAGE = (Path(__file__).parents[2] / "docs/reference/aws-resources.md").read_text("utf-8")
METRICS = pipeline.build()
LEADS = leads.build()
EVERYTHING = Deployment(
    tracing=True, streams=True, replica_region="us-west-2", vpc=True, crawler=True, backfill_job=True,
    encryption_key=True,
)  # fmt: skip


def test_every_resource_has_its_line() -> None:
    definition = msgspec.structs.replace(METRICS, deployment=EVERYTHING)
    artifacts = {task: Artifact(path=f"{task}.zip", layers=("shared",)) for task in definition.tasks}
    files = [*synthesize(definition, artifacts, {"shared": "shared.zip"}).values(), *synthesize(LEADS, {}).values()]
    chosen = msgspec.structs.replace(LEADS.deployment, compute="ec2", architecture="x86_64")
    files += synthesize(msgspec.structs.replace(LEADS, deployment=chosen), {}).values()
    written = set(re.findall(r'^resource "(\w+)"', "\n".join(map(bytes.decode, files)), re.MULTILINE))
    assert "aws_instance" in written
    assert len(written) > 30
    missing = {kind for kind in written if f"`{kind}`" not in PAGE}
    assert not missing


def test_the_figures_are_those_of_the_estimate() -> None:
    made = estimate(METRICS)
    rows = re.findall(r"^\| [^|]+ \| [^|]+ \| [^|]+ \| [^|]+ \| (\d\.\d{4}) \| (\d\.\d{4}) \|$", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted((f"{one.monthly_usd:.4f}", f"{one.full_usd:.4f}") for one in made.lines)
    assert f"**${made.monthly_usd:.2f}**" in PAGE
    assert f"**${made.full_usd:.2f}**" in PAGE
