"""Every capability, in the order in which its Terraform is written. Adding one adds a file and a line."""

from __future__ import annotations

from penstock.deploy.kit import Capability
from penstock.deploy.resources import (
    alarm,
    audit,
    catalog,
    dashboard,
    event_bus,
    glue_job,
    hot_table,
    inbox,
    instance,
    lake,
    network,
    queue,
    replica,
    schedule,
    sealing,
    task,
    topic,
    trigger,
    warehouse,
    warehouse_network,
    workflow,
)

CAPABILITIES: dict[str, Capability] = {
    capability.name: capability
    for capability in (
        lake.CAPABILITY,
        hot_table.CAPABILITY,
        replica.CAPABILITY,
        queue.CAPABILITY,
        inbox.CAPABILITY,
        warehouse.CAPABILITY,
        task.CAPABILITY,
        glue_job.CAPABILITY,
        workflow.CAPABILITY,
        schedule.CAPABILITY,
        sealing.CAPABILITY,
        trigger.CAPABILITY,
        event_bus.CAPABILITY,
        topic.CAPABILITY,
        alarm.CAPABILITY,
        dashboard.CAPABILITY,
        audit.CAPABILITY,
        catalog.CAPABILITY,
        network.CAPABILITY,
        warehouse_network.CAPABILITY,
        instance.CAPABILITY,
    )
}
