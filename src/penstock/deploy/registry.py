"""Every capability, in the order in which its Terraform is written. Adding one adds a file and a line."""

from __future__ import annotations

from penstock.deploy.kit import Capability
from penstock.deploy.resources import (
    alarm,
    audit,
    catalog,
    dashboard,
    event_bus,
    hot_table,
    lake,
    network,
    queue,
    replica,
    schedule,
    sealing,
    task,
    topic,
    trigger,
    workflow,
)

CAPABILITIES: dict[str, Capability] = {
    capability.name: capability
    for capability in (
        lake.CAPABILITY,
        hot_table.CAPABILITY,
        replica.CAPABILITY,
        queue.CAPABILITY,
        task.CAPABILITY,
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
    )
}
