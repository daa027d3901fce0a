"""A Terraform plan as the doctor reads it: resources, and which of them belong together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from penstock.deploy.doctor.policies import Statement, from_document, from_text
from penstock.deploy.doctor.references import Configuration, Reference
from penstock.deploy.doctor.resource import Resource, mapping, sequence
from penstock.errors import UsageError

# What other resources call a resource by.
IDENTITIES = ("arn", "id", "name", "bucket", "url", "function_name", "alarm_name", "key_id", "qualified_arn")
DEPTH_LIMIT = 50


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A resource that the plan deletes.

    Attributes:
        is_replaced: it is made anew, empty.
    """

    address: str
    type: str
    is_replaced: bool


class Plan:
    """What will be there after the apply, or what is there.

    Args:
        document: of ``terraform show -json``, for a plan file or for a state.

    Raises:
        UsageError: the document is no plan and no state.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        if not isinstance(document, Mapping) or not {"planned_values", "resource_changes", "values"} & document.keys():
            raise UsageError(
                "there are neither planned values nor a state in the document",
                hint="give the output of `terraform show -json PLANFILE`",
            )
        self.document = document
        self.configuration = Configuration(document.get("configuration"))
        self.resources = list(_resources(document, self.configuration))
        self._by_type: dict[str, list[Resource]] = {}
        self._by_configured: dict[str, list[Resource]] = {}
        self._by_identity: dict[str, list[Resource]] = {}
        for one in self.resources:
            self._by_type.setdefault(one.type, []).append(one)
            self._by_configured.setdefault(one.configured_at, []).append(one)
            for name in IDENTITIES:
                identity = one.text(name)
                if identity and not one.is_data:
                    self._by_identity.setdefault(identity, []).append(one)

    def of(self, *types: str) -> list[Resource]:
        """Returns the managed resources of some types."""
        return [one for kind in types for one in self._by_type.get(kind, ()) if not one.is_data]

    def targets(self, resource: Resource, *path: str | int, types: tuple[str, ...] = ()) -> list[Resource] | None:
        """Returns the resources that an argument names, by value or by reference; None when that cannot be told.

        Args:
            types: only these.
        """
        if not resource.is_unknown(*path):
            named = [one for text in resource.texts(*path) for one in self.named(text, types)]
            if named or resource.is_absent(*path):
                return _distinct(named)
        referred = self.configuration.refer(resource.configured_at, *(step for step in path if isinstance(step, str)))
        found = [one for reference in referred.found for one in self._instances(reference, resource)]
        if types:
            found = [one for one in found if one.type in types]
        if not found and resource.is_unknown(*path) and not (referred.found and referred.is_whole):
            return None
        return _distinct(found)

    def named(self, text: str, types: tuple[str, ...] = ()) -> list[Resource]:
        """Returns the resources that a name, an ARN or an address stands for."""
        parts = [text, *re.split(r"[:/]", text)] if text.startswith(("arn:", "https://", "s3://")) else [text]
        found = [one for part in parts for one in self._by_identity.get(part, ())]
        return [one for one in found if not types or one.type in types]

    def companions(self, owner: Resource, kind: str, *path: str | int) -> list[Resource] | None:
        """Returns the resources of a type whose argument names the owner; None when one might, but cannot be told."""
        found, is_certain = [], True
        for one in self.of(kind):
            targets = self.targets(one, *path, types=(owner.type,))
            if targets is None:
                is_certain = False
            elif owner in targets:
                found.append(one)
        return found if found or is_certain else None

    def policy(self, resource: Resource, attribute: str = "policy") -> list[Statement] | None:
        """Returns the statements of a policy; None when they are known only after the apply."""
        if resource.is_absent(attribute):
            return []
        text = resource.text(attribute)
        if text is not None:
            return from_text(text)
        referred = self.configuration.refer(resource.configured_at, attribute)
        documents = [
            one
            for reference in referred.found
            for one in self._instances(reference, resource)
            if one.type == "aws_iam_policy_document"
        ]
        return [statement for one in documents for statement in from_document(one)] if documents else None

    def variables(self) -> dict[str, Any]:
        """Returns the values of the root module's variables."""
        return {str(name): mapping(one).get("value") for name, one in mapping(self.document.get("variables")).items()}

    def deletions(self) -> Iterator[Change]:
        """Yields what is deleted, whether for good or to be made anew."""
        for one in sequence(self.document.get("resource_changes")):
            actions = sequence(mapping(mapping(one).get("change")).get("actions"))
            if "delete" in actions and isinstance(one.get("address"), str):
                yield Change(address=one["address"], type=str(one.get("type", "")), is_replaced="create" in actions)

    def _instances(self, reference: Reference, asking: Resource) -> list[Resource]:
        found = self._by_configured.get(reference.address, [])
        if len(found) <= 1:
            return found
        for key in filter(None, (reference.key, asking.key)):
            same = [one for one in found if one.key == key]
            if same:
                return same
        return found


def _resources(document: Mapping[str, Any], configuration: Configuration) -> Iterator[Resource]:
    """Yields what will be there after the apply; of a state, what is there."""
    changes = sequence(document.get("resource_changes"))
    for one in changes:
        change = mapping(mapping(one).get("change"))
        if isinstance(change.get("after"), Mapping) and isinstance(one.get("address"), str):
            yield _resource(one, change["after"], mapping(change.get("after_unknown")), configuration)
    root = mapping(document.get("planned_values")) or mapping(document.get("values"))
    for one in _walk(mapping(root.get("root_module")), 0) if not changes else ():
        yield _resource(one, mapping(one.get("values")), {}, configuration)


def _resource(
    one: Mapping[str, Any], values: Mapping[str, Any], unknown: Mapping[str, Any], configuration: Configuration
) -> Resource:
    made = Resource(
        address=one["address"],
        type=str(one.get("type", "")),
        name=str(one.get("name", "")),
        is_data=one.get("mode") == "data",
        values=values,
        unknown=unknown,
    )
    return msgspec.structs.replace(made, expressions=configuration.expressions(made.configured_at))


def _walk(module: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    for one in sequence(module.get("resources")):
        if isinstance(one, Mapping) and isinstance(one.get("address"), str):
            yield one
    for child in sequence(module.get("child_modules")) if depth < DEPTH_LIMIT else []:
        yield from _walk(mapping(child), depth + 1)


def _distinct(found: list[Resource]) -> list[Resource]:
    return list({one.address: one for one in found}.values())
