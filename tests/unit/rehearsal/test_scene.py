"""What is played: every workflow that nothing triggers, with inputs that were chosen or follow from the definition."""

import json
from typing import Any

import msgspec
import pytest

from penstock import Invoke, Pipeline, hours
from penstock.errors import DefinitionError, UsageError
from penstock.model.pipeline import Definition
from penstock.rehearsal.scene import BAD_LINE, Start, arrival, main_workflow, plan_scene, visible_states, watched_tables

# 2026-03-01T10:59:50Z; the slot is the beginning of the hour two hours before.
NOW = 1_772_362_790.0
SLOT = {"slot": "2026-03-01T08:00:00Z"}


class Order(msgspec.Struct):
    """An order."""

    id: str


def pipeline() -> tuple[Pipeline, Any]:
    shop = Pipeline("shop")

    @shop.task
    def work(event: Any, context: Any) -> None: ...

    return shop, work


def starts(definition: Definition, *inputs: dict[str, Any]) -> list[Start]:
    return list(plan_scene(definition, NOW, inputs).starts)


def test_the_main_workflow_runs_once_with_the_slot_of_two_hours_ago() -> None:
    shop, work = pipeline()
    shop.workflow("shop", Invoke(work))
    assert starts(shop.build()) == [Start("shop", SLOT)]


def test_chosen_inputs_are_run_in_order_and_given_ones_go_before_them() -> None:
    shop, work = pipeline()
    shop.every(hours(1), Invoke(work))
    shop.rehearse({"n": 1}, {"n": 2, "slot": "2020-01-01T00:00:00Z"})
    own = {"n": 2, "slot": "2020-01-01T00:00:00Z"}
    assert starts(shop.build()) == [Start("shop", {**SLOT, "n": 1}), Start("shop", own)]
    assert starts(shop.build(), {"n": 3}) == [Start("shop", {**SLOT, "n": 3})]


def test_every_workflow_that_nothing_triggers_runs_the_main_one_first() -> None:
    shop, work = pipeline()
    shop.workflow("early", Invoke(work))
    shop.workflow("shop", Invoke(work))
    orders = shop.lake("orders", Order)
    shop.on_object(orders, Invoke(work), name="triggered")
    shop.rehearse({"n": 1}, workflow="early")
    assert starts(shop.build()) == [Start("shop", SLOT), Start("early", {**SLOT, "n": 1})]


def test_a_triggered_workflow_is_started_by_hand_when_it_has_inputs() -> None:
    shop, work = pipeline()
    orders = shop.lake("orders", Order)
    shop.on_object(orders, Invoke(work), name="triggered")
    assert starts(shop.build()) == []
    shop.rehearse({"key": "none"}, workflow="triggered")
    assert starts(shop.build()) == [Start("triggered", {**SLOT, "key": "none"})]


def test_a_workflow_without_inputs_gets_those_of_its_schedules() -> None:
    shop, work = pipeline()
    nightly = shop.workflow("shop", Invoke(work))
    shop.every(hours(1), nightly, name="one", input={"deep": True})
    shop.every(hours(2), nightly, name="two", input={"deep": False})
    shop.every(hours(3), nightly, name="three", input={"deep": True})
    assert starts(shop.build()) == [Start("shop", {**SLOT, "deep": True}), Start("shop", {**SLOT, "deep": False})]


def test_there_is_no_main_workflow_among_several_and_inputs_without_a_name_are_refused() -> None:
    shop, work = pipeline()
    shop.workflow("one", Invoke(work))
    shop.workflow("two", Invoke(work))
    assert main_workflow(shop.build()) == ""
    assert starts(shop.build()) == [Start("one", SLOT), Start("two", SLOT)]
    with pytest.raises(UsageError, match="no main workflow"):
        starts(shop.build(), {"n": 1})
    shop.rehearse({"n": 1})
    with pytest.raises(UsageError, match="no main workflow"):
        starts(shop.build())


def test_a_pipeline_without_workflows_has_nothing_to_play() -> None:
    assert starts(Pipeline("empty").build()) == []


def test_what_is_not_there_cannot_be_rehearsed() -> None:
    shop, work = pipeline()
    shop.workflow("shop", Invoke(work))
    elsewhere = Pipeline("elsewhere").lake("unknown", Order)
    shop.rehearse({}, workflow="shpo", files={elsewhere: b"{}"})
    with pytest.raises(DefinitionError) as raised:
        shop.build()
    assert "there is no workflow 'shpo' to rehearse" in raised.value.message
    assert "no file can arrive in 'unknown'" in raised.value.message


def test_calls_for_several_workflows_add_up() -> None:
    shop, work = pipeline()
    other = shop.workflow("other", Invoke(work))
    shop.workflow("shop", Invoke(work))
    orders = shop.lake("orders", Order)
    shop.rehearse({"n": 1}, files={orders: '{"id": "a"}'})
    shop.rehearse({"n": 2}, workflow=other)
    rehearsed = shop.build().rehearsal
    assert rehearsed.inputs == {"": ({"n": 1},), "other": ({"n": 2},)}
    assert rehearsed.files == {"orders": b'{"id": "a"}'}


def test_a_file_arrives_whole_with_a_line_that_is_no_record() -> None:
    shop, work = pipeline()
    orders, unwatched = shop.lake("orders", Order), shop.lake("unwatched", Order)
    shop.on_object(orders, Invoke(work), name="one")
    shop.on_object(orders, Invoke(work), name="two")
    assert unwatched
    assert watched_tables(shop.build()) == [orders]
    assert arrival(orders, b'{"id": "a"}', NOW).data == b'{"id": "a"}\n' + BAD_LINE
    assert arrival(orders, b'{"id": "a"}\n', NOW).data == b'{"id": "a"}\n' + BAD_LINE
    assert arrival(orders, b"", NOW).data == BAD_LINE
    assert arrival(orders, b"", NOW).name == "arrived-105950.json"
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(BAD_LINE, type=Order)


def test_outer_states_and_tasks_at_any_depth_are_visible_in_any_home() -> None:
    task, hidden = {"Type": "Task", "Resource": "r", "End": True}, {"Type": "Pass", "Next": "inner"}
    service = {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "End": True}
    deepest = {**task, "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken"}
    each = {"StartAt": "deepest", "States": {"deepest": deepest, "hidden too": service}}
    items = {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "own", "States": {"own": task}}
    branches = [{"StartAt": "hidden", "States": {"hidden": hidden, "inner": task}}]
    machine = {
        "StartAt": "Both",
        "States": {
            "Both": {"Type": "Parallel", "Branches": branches, "Next": "Each"},
            "Each": {"Type": "Map", "ItemProcessor": each, "Next": "Items"},
            "Items": {"Type": "Map", "ItemProcessor": items, "Next": "Tell"},
            "Tell": {**service, "Next": "Done"},
            "Done": {"Type": "Succeed"},
        },
    }
    assert visible_states(json.dumps(machine).encode()) == {
        "Both", "Each", "Items", "Tell", "Done", "inner", "deepest",
    }  # fmt: skip
