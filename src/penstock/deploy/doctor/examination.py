"""The doctor: every rule, put to a plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from penstock.deploy.doctor.finding import Finding, Rule, by_severity
from penstock.deploy.doctor.plan import Plan
from penstock.deploy.doctor.rules import (
    alarms,
    costs,
    encryption,
    exposure,
    logs,
    loss,
    permissions,
    rhythm,
    secrets,
    topics,
)
from penstock.errors import UsageError

_MODULES = (loss, secrets, exposure, permissions, encryption, topics, alarms, rhythm, logs, costs)
RULES: dict[str, Rule] = {rule.code: rule for module in _MODULES for rule in module.RULES}


def examine(plan: Mapping[str, Any], *, silenced: Collection[str] = ()) -> list[Finding]:
    """Returns what is wrong with a deployment, the worst first; empty when nothing is.

    Args:
        plan: the output of ``terraform show -json``, for a plan file or for a state. What a plan knows only after the
            apply is never held against it: ``unread`` names the policies of which that is true.
        silenced: rules to leave out, as ``code``, or as ``code:address`` for one resource.

    Raises:
        UsageError: the document is no plan and no state, or a rule is silenced that does not exist.
    """
    strangers = sorted({one.partition(":")[0] for one in silenced} - RULES.keys())
    if strangers:
        raise UsageError(
            f"there is no rule {', '.join(map(repr, strangers))}", hint=f"the rules are {', '.join(sorted(RULES))}"
        )
    read = Plan(plan)
    found = {
        Finding(
            severity=rule.severity,
            code=rule.code,
            address=fault.address,
            message=fault.message,
            hint=fault.hint or rule.mend,
            page=rule.page,
        )
        for rule in RULES.values()
        if rule.code not in silenced
        for fault in rule.check(read)
        if f"{rule.code}:{fault.address}" not in silenced
    }
    return sorted(found, key=by_severity)


def unread(plan: Mapping[str, Any]) -> list[str]:
    """Returns the addresses of policies that are known only after the apply: examine the state then.

    Raises:
        UsageError: the document is no plan and no state.
    """
    read = Plan(plan)
    policies = dict.fromkeys(permissions.IDENTITY_POLICIES, "policy") | exposure.RESOURCE_POLICIES
    return sorted(
        one.address
        for kind, attribute in policies.items()
        for one in read.of(kind)
        if read.policy(one, attribute) is None
    )
