"""What of a warehouse cannot be deployed is told before anything is."""

import msgspec

from penstock import Pipeline, relation
from penstock.deploy.resources.warehouse import limits
from penstock.model.deployment import Deployment


class Lead(msgspec.Struct):
    lead_id: str


def test_a_warehouse_and_an_instance_are_refused_and_nothing_else_is() -> None:
    pipeline = Pipeline("shop")
    pipeline.warehouse("crm", tables=[relation("leads", Lead, key="lead_id")])
    pipeline.aws(compute="ec2", database="mysql", database_class="db.t4g.small")
    found = limits(pipeline.build())
    assert [one.code for one in found] == ["no-warehouse", "no-instance"]
    assert "PENSTOCK_WAREHOUSE_CRM" in found[0].hint
    assert limits(msgspec.structs.replace(Pipeline("plain").build(), deployment=Deployment())) == []
