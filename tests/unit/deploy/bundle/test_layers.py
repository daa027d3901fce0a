from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.deploy.bundle.layers import plan_layers


def test_what_all_tasks_share_is_one_layer_named_after_the_largest() -> None:
    needs = {"a": frozenset({"small", "large"}), "b": frozenset({"small", "large"})}
    layout = plan_layers(needs, {"small": 1, "large": 2})
    assert layout.layers == {"large": ("large", "small")}
    assert layout.of_task == {"a": ("large",), "b": ("large",)}
    assert layout.in_zip == {"a": (), "b": ()}


def test_what_one_task_needs_is_in_its_zip() -> None:
    needs = {"a": frozenset({"shared", "mine"}), "b": frozenset({"shared"})}
    layout = plan_layers(needs, {"shared": 1, "mine": 2})
    assert layout.layers == {"shared": ("shared",)}
    assert layout.in_zip == {"a": ("mine",), "b": ()}


def test_a_task_without_libraries_has_no_layer() -> None:
    layout = plan_layers({"a": frozenset(), "b": frozenset({"x"}), "c": frozenset({"x"})}, {"x": 1})
    assert layout.of_task["a"] == ()


def test_the_smallest_is_carried_when_there_would_be_six_layers() -> None:
    # Task `all` shares one library with each of six others: six groups, one too many.
    names = {f"task{number}": f"lib{number}" for number in range(6)}
    needs = {task: frozenset({name}) for task, name in names.items()} | {"all": frozenset(names.values())}
    layout = plan_layers(needs, {name: number + 1 for number, name in enumerate(names.values())})
    assert layout.of_task["all"] == ("lib1", "lib2", "lib3", "lib4", "lib5")
    assert layout.in_zip["all"] == ("lib0",)
    assert layout.in_zip["task0"] == ("lib0",)


LIBRARIES = st.frozensets(st.sampled_from([f"lib{n}" for n in range(9)]))


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from([f"t{n}" for n in range(7)]), LIBRARIES, min_size=1), st.randoms())
def test_each_task_has_just_what_it_needs_in_five_layers_at_most(needs: dict[str, frozenset[str]], random) -> None:
    layout = plan_layers(needs, {f"lib{n}": random.randint(0, 3) for n in range(9)})
    for task, wanted in needs.items():
        held = [name for layer in layout.of_task[task] for name in layout.layers[layer]] + list(layout.in_zip[task])
        assert sorted(held) == sorted(wanted)
        assert len(layout.of_task[task]) <= 5
